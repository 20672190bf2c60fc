"""The probe `time`: whether somebody keeps the host's clock, and how far it was off.

`timedatectl` is not asked: it starts a service, and costs more than all that is asked here. Each keeper tells itself.
"""

import asyncio
import math
import re
from hashlib import sha256

from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Clock, Inventory, ThingKind

NOBODY = "no keeper of the clock tells (chrony, systemd-timesyncd, ntpd, openntpd or the kernel through adjtimex)"
LARGEST_OFFSET = 10.0**9  # seconds; more is no offset
MILLISECONDS = 1000
UNSYNCHRONISED = 0x40  # STA_UNSYNC of adjtimex(2)
_NOT_KEPT = {"3", "11"}  # ntpd's leap indicator, as a number or as its two bits

_RUNNING = "/run/systemd/timesync"
_SYNCHRONISED = f"{_RUNNING}/synchronized"

# Keepers that are asked over a socket may not answer, so each has two seconds. The folder of timesyncd is there while
# it runs. That of chrony shows others than root nothing and stays when it ends, and chrony answers them too. The ntpd
# of busybox has a pid file as others have, and no tool. adjtimex is a tool of busybox and says what the kernel knows.
COMMAND = f"""ntp=
if [ -e /run/ntpd.pid ] || [ -e /run/ntpd.sock ] || [ -d /run/ntpsec ]; then ntp=1; fi
if [ -e /run/chrony/chronyd.pid ] || [ -e /run/chronyd.pid ] || [ -e /run/chrony/chronyd.sock ]; then
echo chrony "$(timeout 2 chronyc -n -c tracking)"
elif [ -e {_SYNCHRONISED} ]; then echo timesyncd synchronised
elif [ -d {_RUNNING} ]; then echo timesyncd waiting
elif [ "$ntp" ] && command -v ntpq > /dev/null; then echo ntp "$(timeout 2 ntpq -n -c 'rv 0 leap,offset')"
elif [ "$ntp" ] && command -v ntpctl > /dev/null; then echo openntpd "$(timeout 2 ntpctl -s status)"
elif [ -d /run/chrony ] && ! [ -x /run/chrony ]; then echo chrony "$(timeout 2 chronyc -n -c tracking)"
elif command -v adjtimex > /dev/null; then echo kernel "$(timeout 2 adjtimex)"
fi"""

_CHRONY_FIELDS = 14
_NTP = re.compile(r"leap=(\d{1,2}),\s*offset=(\S+)")
_OPENNTPD = re.compile(r"clock (synced|unsynced)|clock offset is (\S+)ms")
_KERNEL = re.compile(r"status:\s+(\d{1,9})\b")
_KERNEL_OFFSET = re.compile(r"offset:\s+(-?\d{1,12}) us")


def parse_clock(outputs: Outputs) -> Inventory:
    """Read what COMMAND prints: the keeper's name, and its own words."""
    text = outputs.get("clock", b"").decode(errors="replace").strip()
    source, _, told = text.partition(" ")
    read = {
        "chrony": _chrony,
        "timesyncd": _timesyncd,
        "ntp": _ntp,
        "openntpd": _openntpd,
        "kernel": _kernel,
    }.get(source)
    clock = read(told.strip()) if read else None
    if clock is None:
        reason = f"{source} did not say whether it keeps the clock" if read else NOBODY
        return Inventory(missing={ThingKind.CLOCK: reason})
    return Inventory((clock,))


def _chrony(told: str) -> Clock | None:
    """Read `chronyc -c tracking`: the fifth field is how far the clock is off, the last one whether it is kept."""
    fields = told.split(",")
    if len(fields) != _CHRONY_FIELDS or fields[-1] not in {
        "Normal",
        "Insert second",
        "Delete second",
        "Not synchronised",
    }:
        return None
    return Clock(fields[-1] != "Not synchronised", _seconds(fields[4]), f"chrony {plain(fields[1], 60)}".strip())


def _timesyncd(told: str) -> Clock | None:
    return Clock(told == "synchronised", None, "systemd-timesyncd") if told in {"synchronised", "waiting"} else None


def _ntp(told: str) -> Clock | None:
    found = _NTP.search(told)
    return Clock(found[1] not in _NOT_KEPT, _seconds(found[2], MILLISECONDS), "ntpd") if found else None


def _openntpd(told: str) -> Clock | None:
    """Read `ntpctl -s status`: `clock synced, stratum 3`, or the offset of one that is not synced."""
    found = list(_OPENNTPD.finditer(told))
    states = [match[1] for match in found if match[1]]
    offsets = [match[2] for match in found if match[2]]
    if not states:
        return None
    return Clock(states[0] == "synced", _seconds(offsets[0], MILLISECONDS) if offsets else None, "openntpd")


def _kernel(told: str) -> Clock | None:
    """Read busybox's adjtimex: the kernel says whether anybody has set its clock lately, and not who."""
    found, offset = _KERNEL.search(told), _KERNEL_OFFSET.search(told)
    if not found:
        return None
    seconds = _seconds(offset[1], 1_000_000) if offset else None
    return Clock(not int(found[1]) & UNSYNCHRONISED, seconds, "the kernel")


def _seconds(text: str, per_second: int = 1) -> float | None:
    try:
        seconds = float(text) / per_second
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and abs(seconds) < LARGEST_OFFSET else None


async def _timesync_files(files: FactFiles) -> Told:
    synchronised, running = await asyncio.gather(files.stat(_SYNCHRONISED), files.stat(_RUNNING))
    if synchronised:
        return Told(b"timesyncd synchronised")
    return Told(b"timesyncd waiting") if running else Told(b"", NOBODY)


def _mark(outputs: Outputs) -> str:
    """Name the state without what moves all the time: the offset counts in tenths of a second."""
    found = parse_clock(outputs)
    words = [
        (clock.is_synchronised, round((clock.offset or 0.0) * 10)) for clock in found.things if isinstance(clock, Clock)
    ]
    return sha256(repr((words, found.missing)).encode()).hexdigest()


TIME = InventoryProbe(
    name="time",
    kinds=frozenset({ThingKind.CLOCK}),
    parse=parse_clock,
    mark=_mark,
    words={"clock": COMMAND},
    files={"clock": _timesync_files},
)
