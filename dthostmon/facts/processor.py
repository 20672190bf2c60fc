"""How busy the processor was between two visits, and with what."""

import re
from typing import NamedTuple

from dthostmon.facts.sources import FactFiles, Source, Told

# one process tells both lines: what else is in the file is a line of thousands of numbers
STAT_COMMAND = "grep -E '^(cpu |procs_blocked )' /proc/stat"
CPU_LINE = re.compile(rb"cpu +(\d+(?: +\d+){3,9})(?=\s+procs_blocked |\Z)")
BLOCKED = re.compile(rb"procs_blocked (\d{1,9})(?!\d)")
IDLE_SLACK_TICKS = 100  # the kernel's documentation says that idle and iowait may go back a little: a second at 100 Hz
Times = tuple[int, ...]


class Shares(NamedTuple):
    """What the processor did with its time, in percent; None = unknown. Nice is in user, interrupts are in system."""

    busy: float | None = None
    user: float | None = None
    system: float | None = None
    iowait: float | None = None
    steal: float | None = None
    idle: float | None = None


UNKNOWN = Shares()


def parse_cpu_times(raw: bytes) -> Times | None:
    """Read the `cpu` line of /proc/stat. Guest time is left out: it is part of user time already."""
    line = CPU_LINE.match(raw.strip())
    return tuple(int(value[:18]) for value in line[1].split()[:8]) if line else None


def parse_blocked(raw: bytes) -> int | None:
    """Read how many processes wait for a disk and cannot be ended meanwhile."""
    found = BLOCKED.search(raw)
    return int(found[1]) if found else None


def cpu_percent(before: Times | None, after: Times | None) -> float | None:
    """Return the share of time between two readings that was neither idle nor waiting for disks; steal counts as busy.

    None where a reading is missing or no time passed. Counters that went back were set to zero by a reboot: the share
    is then the one since the boot.
    """
    return cpu_shares(before, after).busy


def cpu_shares(before: Times | None, after: Times | None) -> Shares:
    """Return what the processor did between two readings; `cpu_percent` says when that is unknown."""
    if before is None or after is None or len(before) != len(after):
        return UNKNOWN
    start = (0,) * len(after) if was_reset(before, after) else before
    passed = [later - earlier for earlier, later in zip(start, after, strict=True)]
    total = sum(passed)
    if total <= 0:
        return UNKNOWN
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = [*passed, 0, 0, 0, 0, 0]
    waited = max(0, idle + iowait)  # may shrink by a tick between two readings, says the kernel's documentation
    ticks = (total - waited, user + nice, system + irq + softirq, iowait, steal, idle)
    return Shares(*(percent(part, total) for part in ticks))


def was_reset(before: Times, after: Times) -> bool:
    """Tell whether the machine was booted between two readings: counters only grow, those of idle time nearly so."""
    slack = [IDLE_SLACK_TICKS if index in {3, 4} else 0 for index in range(len(after))]
    return any(now + spare < then for then, now, spare in zip(before, after, slack, strict=True))


def percent(part: int, whole: int) -> float:
    """Return a share in percent, from 0 to 100."""
    return round(min(100.0, max(0.0, 100.0 * part / whole)), 1)


def _told_lines(content: bytes) -> Told:
    lines = [line for line in content.splitlines() if line.startswith((b"cpu ", b"procs_blocked "))]
    return Told(b" ".join(lines))


async def stat_lines(files: FactFiles) -> Told:
    """Tell what STAT_COMMAND prints."""
    return _told_lines(await files.beginning("/proc/stat"))


def stat_lines_later(seconds: float) -> Source:
    """Make the source that tells them as they are some time after they were read first."""

    async def tell(files: FactFiles) -> Told:
        return _told_lines(await files.beginning_later("/proc/stat", seconds))

    return tell
