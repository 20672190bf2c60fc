"""The probe `kernel`: which boot is running, with which modules and settings."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs, digest_of
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Boot, Inventory, KernelSetting, Module, Thing, ThingKind
from dthostmon.redact import redact

# What is set here decides who gets in, what one who is in may do, and whether that leaves traces. Left out is what a
# system changes by itself, and what only makes it slower or faster.
SETTINGS = (
    "fs.protected_fifos",  # four ways to trick a program of root in /tmp; only root may read how these are set
    "fs.protected_hardlinks",
    "fs.protected_regular",
    "fs.protected_symlinks",
    "fs.suid_dumpable",  # memory of setuid programs on the disk
    "kernel.core_pattern",  # a program that the kernel starts as root
    "kernel.dmesg_restrict",
    "kernel.kexec_load_disabled",  # another kernel without a boot
    "kernel.kptr_restrict",
    "kernel.modprobe",  # a program that the kernel starts as root
    "kernel.modules_disabled",
    "kernel.panic",  # whether it comes back by itself
    "kernel.perf_event_paranoid",
    "kernel.randomize_va_space",
    "kernel.sysrq",
    "kernel.tainted",
    "kernel.unprivileged_bpf_disabled",
    "kernel.yama.ptrace_scope",  # reading the memory of other programs
    "net.ipv4.conf.all.accept_redirects",  # three ways to lead its packets elsewhere
    "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.ip_forward",  # being a router
    "net.ipv4.tcp_syncookies",
    "net.ipv6.conf.all.accept_redirects",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.conf.all.forwarding",
    "vm.overcommit_memory",  # which program dies when the memory ends
)
MAX_MODULES = 2000
LONGEST_VALUE = 4096  # of the command line the kernel itself keeps no more

_MODULE = re.compile(rb"^(\S{1,100}) \d+ \S+ \S+ \S+ 0x[0-9a-f]+(?: \(([A-Z+-]{1,10})\))?$", re.MULTILINE)
_BOOT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NONE = b"none"
# Neither a kernel that can load none nor one that has loaded none has a line in /proc/modules to be read.
_NO_MODULES = (
    "if [ -r /proc/modules ]; then read -r line < /proc/modules || echo none;"
    " elif [ -r /proc/stat ] && [ ! -e /proc/modules ]; then echo none; fi"
)


def parse_kernel(outputs: Outputs) -> Inventory:
    """Read /proc/modules, /proc/cmdline, the settings below /proc/sys, and what tells of the boot."""
    modules, settings, boot = list(_modules(outputs)), list(_settings(outputs)), _boot(outputs)
    missing: dict[ThingKind, str] = {}
    if len(modules) > MAX_MODULES:
        missing[ThingKind.MODULE] = f"there are more than {MAX_MODULES}"
    elif not modules and outputs.get("no_modules", b"").strip() != _NONE:
        missing[ThingKind.MODULE] = "/proc/modules could not be read"
    if not settings:
        missing[ThingKind.KERNEL_SETTING] = "nothing below /proc/sys could be read"
    if not boot:
        missing[ThingKind.BOOT] = "/proc/sys/kernel/random/boot_id could not be read"
    return Inventory((*modules[:MAX_MODULES], *settings, *boot), missing)


def _modules(outputs: Outputs) -> Iterator[Module]:
    found = {match[1]: match[2] or b"" for match in _MODULE.finditer(outputs.get("modules", b""))}
    for name, taints in sorted(found.items()):
        yield Module(plain(name), taints.decode("ascii", "replace"))


def _settings(outputs: Outputs) -> Iterator[KernelSetting]:
    for name in ("cmdline", *SETTINGS):
        value = " ".join(outputs.get(name, b"")[:LONGEST_VALUE].decode(errors="replace").split())
        if value:  # what is not there, a kernel does not have, or hides from users: that does not change by itself
            yield KernelSetting(name, plain(redact(value), LONGEST_VALUE))


def _boot(outputs: Outputs) -> Sequence[Thing]:
    boot_id = outputs.get("boot_id", b"").decode("ascii", "replace").strip()
    if not _BOOT_ID.fullmatch(boot_id):
        return []
    return [Boot(boot_id, plain(outputs.get("release", b"").strip()), _since(outputs.get("since", b"")))]


def _since(line: bytes) -> datetime | None:
    match = re.fullmatch(rb"btime (\d{1,10})", line.strip())
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None


async def _boot_time(files: FactFiles) -> Told:
    """Tell the line of /proc/stat that says when it booted; the counters before it are long where there are many."""
    stat = await files.beginning("/proc/stat")
    return Told(next((line for line in stat.splitlines() if line.startswith(b"btime ")), b""))


async def _no_modules(files: FactFiles) -> Told:
    try:
        if await files.stat("/proc/stat") and not await files.stat("/proc/modules"):
            return Told(_NONE)
        return Told(b"some" if await files.beginning("/proc/modules") else _NONE)
    except FileUnreadableError:
        return Told(b"unknown")


def _mark(outputs: Outputs) -> str:
    """Name the state without what changes by itself: sizes and users of modules, and the second that it booted in."""
    modules = b"\n".join(
        b"%s %s" % (match[1], match[2] or b"") for match in _MODULE.finditer(outputs.get("modules", b""))
    )
    return digest_of({part: output for part, output in outputs.items() if part != "since"} | {"modules": modules})


KERNEL = InventoryProbe(
    name="kernel",
    kinds=frozenset({ThingKind.BOOT, ThingKind.KERNEL_SETTING, ThingKind.MODULE}),
    parse=parse_kernel,
    mark=_mark,
    contents={
        "modules": ("/proc/modules",),
        "cmdline": ("/proc/cmdline",),
        "boot_id": ("/proc/sys/kernel/random/boot_id",),
        "release": ("/proc/sys/kernel/osrelease",),
        **{name: (f"/proc/sys/{name.replace('.', '/')}",) for name in SETTINGS},
    },
    words={"since": "grep '^btime ' /proc/stat", "no_modules": _NO_MODULES},
    files={"since": _boot_time, "no_modules": _no_modules},
)
