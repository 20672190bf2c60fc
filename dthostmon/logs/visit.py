"""One visit to all logs of a host, of whatever kind each pattern names."""

from collections.abc import Sequence
from dataclasses import replace

from dthostmon.logs import containers, journal, problems
from dthostmon.logs.memory import Room
from dthostmon.logs.reading import CAPS, Caps, read_files
from dthostmon.logs.streams import without_shell
from dthostmon.model import HostState, LogsReading
from dthostmon.transport import Session


async def read_new(
    session: Session,
    patterns: Sequence[str],
    state: HostState,
    look_back: int,
    caps: Caps = CAPS,
    room: Room | None = None,
) -> LogsReading:
    """Read what is new in the logs that the patterns name. Each kind gets an equal part of what the kinds before it
    left of the host's cap. What they hold is taken of `room`.

    Raises VisitError where the connection died: nothing of this visit counts then.
    """
    of_journal, of_containers, of_files = _by_kind(patterns)
    waiting = sum(map(bool, (of_journal, of_containers, of_files)))
    left = caps.host
    readings: list[LogsReading] = []
    streams_room = room if (of_journal or of_containers) and session.shell else None
    if streams_room:
        await streams_room.take(caps.host)  # what commands will print, nobody knows before
    for read, named in ((journal.read_journals, of_journal), (containers.read_containers, of_containers)):
        if not named:
            continue
        if session.shell is None:
            reading = without_shell(named, state)
        else:
            reading = await read(session.shell, named, state, look_back, replace(caps, host=left // waiting))
        readings.append(reading)
        left -= sum(len(log.data) for log in reading.logs)
        waiting -= 1
    if of_files:
        files_room = None if streams_room else room
        of_files_caps = replace(caps, host=left)
        readings.append(await read_files(session.files, of_files, state, look_back, of_files_caps, files_room))
    reading = _merged(readings)
    if room:
        room.keep(sum(len(log.data) for log in reading.logs))
    return reading


def _by_kind(patterns: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the patterns of the journal, of containers and of files, each once."""
    named = list(dict.fromkeys(patterns))
    of_journal = [pattern for pattern in named if pattern.startswith(journal.PREFIX)]
    of_containers = [pattern for pattern in named if pattern.startswith(containers.PREFIX)]
    return of_journal, of_containers, [name for name in named if name not in {*of_journal, *of_containers}]


def _merged(readings: Sequence[LogsReading]) -> LogsReading:
    """Join the readings of the kinds. That nothing was read is told only where it is so of all of them."""
    logs = tuple(log for reading in readings for log in reading.logs)
    nothing = problems.nothing_read()
    told = tuple(problem for reading in readings for problem in reading.problems if problem != nothing)
    if readings and not logs and not problems.has_warning(told):
        told = (*told, nothing)
    return LogsReading(logs, frozenset[str]().union(*(reading.patterns for reading in readings)), told)
