"""What the machine is doing: CPU, memory, load and every real mount's space and inodes."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.probe import Probe
from dthostmon.facts.sources import FactFiles, Told, first_line_later, first_line_of
from dthostmon.model import DiskUsage, Metrics
from dthostmon.transport import paths

# What a disk is here: file systems that hold data of this machine. Network mounts belong to their server and may hang;
# tmpfs, squashfs and the like cannot fill up in a way that matters. A container's root is an overlay.
DISK_FILESYSTEMS = (
    "ext2|ext3|ext4|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs|ntfs3|fuseblk|ubifs|jffs2|nilfs2"
)
LARGEST_DISK = 2**63 - 1  # bytes; no file system tells more, and no database stores it
MOUNTS_LIMIT = 1000  # a host that shows more has stopped describing disks
MOUNTS_BYTES = 1024 * 1024  # the options of one overlay of containers may take some thousand

# All disks are asked for at once. /proc/self/mounts writes a blank in a name as \040, which printf's %b reads as the
# character; such a name may hold anything, so it is asked for by itself. No other name has a blank or a newline.
_USAGE = "%S %b %f %a %c %d"
_REAL = f"^[^ ]+ ([^ ]+ ({DISK_FILESYSTEMS})|/ overlay) "
DISKS_COMMAND = rf"""mounts=$(grep -aE -m {MOUNTS_LIMIT} '{_REAL}' /proc/self/mounts)
set -f
IFS='
'
set --
for line in $mounts; do
mount=${{line#* }}
mount=${{mount%% *}}
case $mount in *\\*) ;; *) set -- "$@" "$mount" ;; esac
done
usages="
$([ "$1" ] && stat -f -c '%n {_USAGE}' "$@")
"
for line in $mounts; do
mount=${{line#* }}
rest=${{mount#* }}
mount=${{mount%% *}}
case $mount in
*\\*) usage=$(stat -f -c '{_USAGE}' "$(printf %b "$mount")") || continue ;;
*) usage=${{usages#*"
$mount "}}
[ "$usage" = "$usages" ] && continue
usage=${{usage%%"
"*}} ;;
esac
printf '%s\n' "${{line%% *}} $mount ${{rest%% *}} $usage"
done"""

CPU_LINE = re.compile(rb"cpu +(\d+(?: +\d+){3,9})\s*")
MEMORY_LINE = re.compile(rb"^(\w+): +(\d{1,18}) kB$", re.MULTILINE)
ESCAPED_CHARACTER = re.compile(r"\\(\d{3})")
ESCAPED_BYTE = re.compile(rb"\\([0-3][0-7]{2})")
LONGEST_REASON = 1000
Times = tuple[int, ...]
CPU_SAMPLE_SECONDS = 0.5
IDLE_SLACK_TICKS = 100  # the kernel's documentation says that idle and iowait may go back a little: a second at 100 Hz


def parse_metrics(outputs: Mapping[str, bytes], before: Times | None = None) -> Metrics:
    """Read the cpu line, /proc/meminfo, /proc/loadavg and the usage lines of the mounts.

    The CPU is compared with `before`, or with the first of two readings where nothing is known from before.
    """
    memory = {name: int(value) for name, value in MEMORY_LINE.findall(outputs.get("memory", b""))}
    load1, load5, load15 = _load(outputs.get("load", b""))
    cpu_times = parse_cpu_times(outputs.get("cpu", b""))
    return Metrics(
        cpu_percent=cpu_percent(before or parse_cpu_times(outputs.get("cpu_before", b"")), cpu_times),
        memory_percent=_used_percent(memory.get(b"MemTotal"), memory.get(b"MemAvailable")),
        swap_percent=_used_percent(memory.get(b"SwapTotal"), memory.get(b"SwapFree")),
        load1=load1,
        load5=load5,
        load15=load15,
        disks=parse_disks(outputs.get("disks", b"")),
        cpu_times=cpu_times,
    )


def parse_cpu_times(raw: bytes) -> Times | None:
    """Read the `cpu` line of /proc/stat. Guest time is left out: it is part of user time already."""
    line = CPU_LINE.fullmatch(raw.strip())
    return tuple(int(value[:18]) for value in line[1].split()[:8]) if line else None


def cpu_percent(before: Times | None, after: Times | None) -> float | None:
    """Return the share of time between two readings that was neither idle nor waiting for disks; steal counts as busy.

    None where a reading is missing or no time passed. Counters that went back were set to zero by a reboot: the share
    is then the one since the boot.
    """
    if before is None or after is None or len(before) != len(after):
        return None
    start = (0,) * len(after) if _was_reset(before, after) else before
    passed = [later - earlier for earlier, later in zip(start, after, strict=True)]
    total = sum(passed)
    if total <= 0:
        return None
    idle = sum(passed[3:5])  # may shrink by a tick between two readings, says the kernel's documentation
    return _percent(total - max(0, idle), total)


def _was_reset(before: Times, after: Times) -> bool:
    """Tell whether the machine was booted between two readings: counters only grow, those of idle time nearly so."""
    slack = [IDLE_SLACK_TICKS if index in {3, 4} else 0 for index in range(len(after))]
    return any(now + spare < then for then, now, spare in zip(before, after, slack, strict=True))


def _used_percent(total: int | None, free: int | None) -> float | None:
    if not total or free is None or free > total:
        return None
    return _percent(total - free, total)


def _percent(part: int, whole: int) -> float:
    return round(min(100.0, max(0.0, 100.0 * part / whole)), 1)


def _load(raw: bytes) -> tuple[float | None, float | None, float | None]:
    values = re.match(rb"(\d{1,7}\.\d\d) (\d{1,7}\.\d\d) (\d{1,7}\.\d\d) ", raw)
    return (float(values[1]), float(values[2]), float(values[3])) if values else (None, None, None)


def parse_disks(raw: bytes) -> tuple[DiskUsage, ...]:
    """Read lines of `device mount type block-size blocks free available inodes free-inodes`; one disk per device.

    A device that is mounted at several places (bind mounts) is told once, at its shortest path.
    """
    lines = raw.decode(errors="backslashreplace").splitlines()[:MOUNTS_LIMIT]
    disks = [disk for line in lines if (disk := _disk(line))]
    shortest: dict[str, DiskUsage] = {}
    for disk in sorted(disks, key=lambda disk: (len(disk.mount), disk.mount)):
        shortest.setdefault(disk.device if disk.device.startswith("/") else disk.mount, disk)
    return tuple(sorted(shortest.values(), key=lambda disk: disk.mount))


def _disk(line: str) -> DiskUsage | None:
    fields = line.split(" ")
    if len(fields) != 9 or not all(re.fullmatch(r"\d{1,18}", number) for number in fields[3:]):
        return None
    block, blocks, free, available, inodes, free_inodes = map(int, fields[3:])
    used = blocks - free
    if not blocks or used < 0 or block * blocks > LARGEST_DISK:
        return None
    return DiskUsage(
        mount=_unescape(fields[1]),
        device=_unescape(fields[0]),
        filesystem=fields[2],
        size=block * blocks,
        used=block * used,
        percent=_percent(used, used + available) if used + available else None,
        inodes_percent=_used_percent(inodes, free_inodes),
    )


def _unescape(name: str) -> str:
    """Undo the kernel's \\040 for blanks; other control characters stay escaped, since people read these names."""
    return ESCAPED_CHARACTER.sub(lambda octal: " " if octal[1] == "040" else octal[0], name)


async def _disk_lines(files: FactFiles) -> Told:
    """Tell the lines that DISKS_COMMAND prints: `parse_disks` says what is in them."""
    try:
        mounts = await files.content("/proc/self/mounts", MOUNTS_BYTES)
    except FileUnreadableError:
        mounts = await files.content("/proc/mounts", MOUNTS_BYTES)
    answers = await asyncio.gather(*(_usage_line(files, mount) for mount in list(_disk_mounts(mounts))[:MOUNTS_LIMIT]))
    unknown = "; ".join(told.unknown for told in answers if told.unknown)[:LONGEST_REASON]
    return Told(b"\n".join(told.output for told in answers if told.output), unknown or None)


def _disk_mounts(mounts: bytes) -> Iterator[bytes]:
    """Yield `device mount type` of each mount that is a disk."""
    for line in mounts.splitlines():
        device, mount, kind, *_ = [*line.split(b" "), b"", b"", b""]
        if kind.decode(errors="replace") in DISK_FILESYSTEMS.split("|") or (kind, mount) == (b"overlay", b"/"):
            yield b" ".join((device, mount, kind))


async def _usage_line(files: FactFiles, mount: bytes) -> Told:
    path = paths.to_text(ESCAPED_BYTE.sub(lambda octal: bytes([int(octal[1], 8)]), mount.split(b" ")[1]))
    try:
        usage = await files.usage(path)
    except FileUnreadableError as error:
        return Told(b"", str(error))
    if usage is None:
        return Told(b"", f"{path}: the host has no way to tell its space")
    blocks = (usage.block_size, usage.blocks, usage.free, usage.available, usage.inodes, usage.free_inodes)
    return Told(b" ".join((mount, *(b"%d" % number for number in blocks))))


def metrics_since(before: Times | None) -> Probe[Metrics]:
    """Make the probe; without counters from before, the CPU needs two readings half a second apart."""
    probe = Probe(
        name="metrics",
        parse=partial(parse_metrics, before=before),
        contents={"memory": ("/proc/meminfo",), "load": ("/proc/loadavg",)},
        words={"cpu": "read -r line </proc/stat && echo $line"},
        commands={"disks": DISKS_COMMAND},
        files={"cpu": first_line_of("/proc/stat"), "disks": _disk_lines},
    )
    if before is not None:
        return probe
    earlier = {"cpu_before": "head -n 1 /proc/stat; sleep 0.5 || sleep 1"}
    files = {"cpu_before": probe.files["cpu"], "cpu": first_line_later("/proc/stat", CPU_SAMPLE_SECONDS)}
    return replace(probe, commands={**earlier, **probe.commands}, files={**probe.files, **files})
