"""What the machine is: system, kernel, uptime, time zone."""

import asyncio
import re
from collections.abc import Mapping

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.probe import Probe
from dthostmon.facts.sources import FactFiles, Told, content_of
from dthostmon.model import Identity

PRETTY_NAME = re.compile(r'^PRETTY_NAME=(["\']?)(.*)\1$', re.MULTILINE)
LONGEST_TEXT = 200  # no honest system name is longer


def parse_identity(outputs: Mapping[str, bytes]) -> Identity:
    """Read what os-release, uname, /proc/uptime, the zone files and /proc/stat told.

    Without a shell `uname` is the kernel alone, and another file may tell the architecture.
    """
    uname = _text(outputs.get("uname", b"")).split()
    pretty = PRETTY_NAME.search(outputs.get("release", b"").decode(errors="replace"))
    return Identity(
        os=_text(pretty[2].encode()) if pretty and pretty[2] else None,
        kernel=uname[0] if len(uname) in {1, 2} else None,
        architecture=uname[1] if len(uname) == 2 else _text(outputs.get("architecture", b"")) or None,
        uptime=_number(_text(outputs.get("uptime", b"")).split(" ")[0]),
        timezone=_zone(_text(outputs.get("zone", b""))),
        cpus=_processor_count(_text(outputs.get("cpus", b""))),
    )


def _zone(text: str) -> str | None:
    """Return the zone's name where a file names one, else its offset: `Europe/Berlin`, `+0200`."""
    named = re.search(r"(?:zoneinfo/)?([A-Z][A-Za-z_]+(?:/[A-Za-z_+-]+[0-9]*){0,2})", text)
    offset = re.search(r"[+-]\d{4}", text)
    return named[1] if named else offset[0] if offset else None


def _processor_count(text: str) -> int | None:
    """Read a number, or the kernel's list of those that are online: `online 0-3,8`."""
    if not text.startswith("online "):
        return int(text) if text.isdecimal() and int(text[:6]) > 0 else None
    ranges = re.findall(r"(\d{1,6})(?:-(\d{1,6}))?(?:,|$)", text)
    count = sum(int(last or first) - int(first) + 1 for first, last in ranges)
    return count if count > 0 else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else None


def _text(raw: bytes) -> str:
    """Return the first line, printable and short: a host's name for itself is shown to people."""
    line = raw.decode(errors="replace").strip().partition("\n")[0]
    return "".join(character if character.isprintable() else "?" for character in line)[:LONGEST_TEXT]


async def _kernel(files: FactFiles) -> Told:
    try:
        return Told(await files.content("/proc/sys/kernel/osrelease"))
    except FileUnreadableError:
        words = (await files.content("/proc/version")).split()  # Linux version 6.1.0-25-amd64 (…
        return Told(words[2] if len(words) > 2 else b"")


async def _zone_files(files: FactFiles) -> Told:
    named, linked = await asyncio.gather(_named_zone(files), _linked_zone(files))
    unknown = None if named or linked else "neither /etc/timezone nor the link /etc/localtime tells it"
    return Told(named or linked, unknown)


async def _named_zone(files: FactFiles) -> bytes:
    try:
        return (await files.content("/etc/timezone")).strip()
    except FileUnreadableError:
        return b""


async def _linked_zone(files: FactFiles) -> bytes:
    try:
        return (await files.link("/etc/localtime") or "").encode()
    except FileUnreadableError:
        return b""


async def _processors(files: FactFiles) -> Told:
    lines = (await files.beginning("/proc/stat")).splitlines()
    return Told(b"%d" % sum(1 for line in lines if re.match(rb"cpu\d", line)))


# A tool is started where no file tells: each costs the host most of a millisecond.
_UNAME = (
    "read -r release </proc/sys/kernel/osrelease && read -r machine </proc/sys/kernel/arch &&"
    " echo $release $machine || uname -rm"
)
_PROCESSORS = "read -r online </sys/devices/system/cpu/online && echo online $online || grep -c '^cpu[0-9]' /proc/stat"
_ZONE = """zone=
read -r zone </etc/timezone
[ "$zone" ] || zone=$(readlink /etc/localtime)
echo $zone
case $zone in [A-Z]* | *zoneinfo/*) ;; *) date +%z ;; esac"""

IDENTITY: Probe[Identity] = Probe(
    name="identity",
    parse=parse_identity,
    contents={
        "release": ("/etc/os-release", "/usr/lib/os-release"),
        "uptime": ("/proc/uptime",),
    },
    words={
        "uname": _UNAME,
        "zone": _ZONE,
        "cpus": _PROCESSORS,
    },
    files={
        "uname": _kernel,
        "architecture": content_of("/proc/sys/kernel/arch"),  # since Linux 6.1
        "zone": _zone_files,
        "cpus": _processors,
    },
)
