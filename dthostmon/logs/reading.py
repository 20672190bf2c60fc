"""One visit to the logs of a host: what is new in each, how far it was read, and what is still there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import problems, rotation
from dthostmon.logs.patterns import MatchedLog, match_logs
from dthostmon.logs.positions import (
    FINGERPRINT_BYTES,
    GONE_AFTER_VISITS,
    fingerprint,
    given_up,
    has_news,
    may_continue,
    start_of,
    unread_bytes,
)
from dthostmon.logs.segments import FIRST_READ, Allowance, Budget, Segment, flush, read_segment, wait
from dthostmon.model import Cursor, FilePosition, Finding, Gap, HostState, LogReading, LogsReading
from dthostmon.transport import Files, FileStat

LOST_REASON = "the file was truncated, replaced or compressed before its rest was read"
CONCURRENT_LOGS = 8  # files of one host that are read at once, over its one connection


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one visit takes: bytes of one log, bytes of one host, files that patterns may name."""

    log: int = 4 * 1024 * 1024
    host: int = 16 * 1024 * 1024
    files: int = 500


CAPS = Caps()


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What the file before the last rotation still gave; `segment` is None where there is none any more."""

    segment: Segment | None = None
    lost: int = 0
    problems: tuple[Finding, ...] = ()

    @property
    def path(self) -> str | None:
        return self.segment.position.path if self.segment else None


@dataclass(frozen=True, slots=True)
class _Outcome:
    reading: LogReading | None
    problems: tuple[Finding, ...] = ()


async def read_files(
    files: Files, patterns: Sequence[str], state: HostState, look_back: int, caps: Caps = CAPS
) -> LogsReading:
    """Read what is new in the logs that the patterns name.

    The logs with the least news come first when the host's cap is short, so one flood starves no other log.
    Raises VisitError where the connection died: nothing of this visit counts then.
    """
    matched = await match_logs(files, patterns, state, caps.files)
    budget = Budget(caps.host)
    slots = asyncio.Semaphore(CONCURRENT_LOGS)
    listed = rotation.ListedOnce(files)

    async def read_in_turn(log: MatchedLog) -> _Outcome:
        async with slots:
            # What is away is looked for in one listing per folder; what is there may be rotated at this very moment.
            source = files if log.stat else listed
            return await _read_or_report(
                source, log, state.cursors.get(log.path), look_back, Allowance(caps.log, budget)
            )

    turns = sorted(matched.logs, key=lambda log: _news(log, state))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {log.path: group.create_task(read_in_turn(log)) for log in turns}
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # all of them tell of the one connection
    outcomes = [tasks[log.path].result() for log in matched.logs]
    readings = tuple(outcome.reading for outcome in outcomes if outcome.reading)
    told = [*matched.problems, *(problem for outcome in outcomes for problem in outcome.problems)]
    if patterns and not readings and not told:
        told.append(problems.nothing_read())
    return LogsReading(
        logs=readings,
        patterns=matched.patterns - _unread_patterns(matched.logs, readings),
        problems=tuple(told),
    )


def _news(log: MatchedLog, state: HostState) -> int:
    cursor = state.cursors.get(log.path)
    return (log.stat.size if log.stat else 0) - (cursor.current.offset if cursor else 0)


def _unread_patterns(logs: Sequence[MatchedLog], readings: Sequence[LogReading]) -> frozenset[str]:
    """Return the new patterns of which no log could be read: their first visit, with its look-back, is still to
    come.
    """
    could_be_read = {reading.path for reading in readings if reading.cursor}
    read = {pattern for log in logs if log.path in could_be_read for pattern in log.patterns}
    return frozenset(pattern for log in logs if log.is_new_pattern for pattern in log.patterns) - read


async def _read_or_report(
    files: Files, log: MatchedLog, cursor: Cursor | None, look_back: int, allowance: Allowance
) -> _Outcome:
    try:
        if cursor:
            return await _read_known(files, log, cursor, allowance)
        return _Outcome(await _read_first(files, log, look_back, allowance))
    except FileUnreadableError as error:
        nothing = LogReading(path=log.path, data=b"", cursor=None, bytes_appeared=0, unreadable=error.reason)
        return _Outcome(nothing, (problems.unreadable(error.path, error.reason),))


async def _read_first(files: Files, log: MatchedLog, look_back: int, allowance: Allowance) -> LogReading | None:
    """Read a log that was never read: from its start, or from a little before its end where its pattern is new."""
    if log.stat is None:
        return None
    start = start_of(log.path, log.stat)
    look_back = min(look_back, allowance.log)
    if log.is_new_pattern and log.stat.size > look_back:
        start = await _near_the_end(files, start, log.stat, look_back)
    segment = await read_segment(files, rotation.Unread(start, log.stat), allowance)
    if segment is None:
        return None  # replaced between two looks: the next visit finds it as it is
    return LogReading(
        path=log.path,
        data=segment.data,
        cursor=Cursor(log.path, segment.position),
        bytes_appeared=segment.appeared,
        bytes_pending=segment.pending,
    )


async def _near_the_end(files: Files, start: FilePosition, stat: FileStat, look_back: int) -> FilePosition:
    """Stand at the first line that begins within the last `look_back` bytes, at the very end where none does."""
    begin = stat.size - look_back
    while begin < stat.size:
        known = min(FINGERPRINT_BYTES, begin)
        data = await files.read(start.path, begin - known, known + min(FIRST_READ, stat.size - begin))
        line_start = data.find(b"\n", max(0, known - 1)) + 1
        if line_start:
            return replace(start, offset=begin - known + line_start, fingerprint=fingerprint(data[:line_start]))
        begin += FIRST_READ
    known = min(FINGERPRINT_BYTES, stat.size)
    return replace(
        start, offset=stat.size, fingerprint=fingerprint(await files.read(start.path, stat.size - known, known))
    )


async def _read_known(files: Files, log: MatchedLog, cursor: Cursor, allowance: Allowance) -> _Outcome:
    """Read on from a cursor, through any rotation since."""
    earlier = await _read_earlier(files, log.path, cursor.previous, allowance)
    segment = await _read_on(files, log, cursor.current, allowance)
    if segment:
        return _outcome(log, cursor, earlier, [segment])
    chain = await rotation.unread_chain(files, log.path, log.stat, cursor.current, earlier.path)
    if not chain:
        if log.stat is None:
            return _stay_away(log, cursor, earlier)
        return await _start_over(files, log, log.stat, cursor, earlier, allowance)
    if len(chain) > 1 and earlier.segment:
        earlier = replace(earlier, segment=await flush(files, earlier.segment))
    segments = await _read_chain(files, chain, allowance)
    unread = sum(later.size for later in chain[len(segments) :])
    return _outcome(log, cursor, earlier, segments, unread=unread, rotated=len(chain) > 1)


async def _read_earlier(files: Files, log: str, previous: FilePosition | None, allowance: Allowance) -> _Earlier:
    """Read what was written to the file before the last rotation: some programs keep it open until they reload."""
    if previous is None:
        return _Earlier()
    try:
        stat = await files.stat(previous.path)
        if stat and not has_news(previous, stat):
            return _Earlier(await wait(files, previous))
        unread = await rotation.find_rotated(files, log, previous)
        if unread is None:
            return _Earlier(lost=unread_bytes(previous))
        return _Earlier(await read_segment(files, unread, allowance))
    except FileUnreadableError as error:
        return _Earlier(lost=unread_bytes(previous), problems=(problems.unreadable(error.path, error.reason),))


async def _read_on(files: Files, log: MatchedLog, current: FilePosition, allowance: Allowance) -> Segment | None:
    """Read on in the log's own file; None where it is not the file that was read before."""
    if log.stat is None:
        return None
    if current.path == log.path and not has_news(current, log.stat):
        return await wait(files, current)
    if not may_continue(current, log.stat):
        return None
    return await read_segment(files, rotation.Unread(replace(current, path=log.path), log.stat), allowance)


async def _start_over(
    files: Files, log: MatchedLog, stat: FileStat, cursor: Cursor, earlier: _Earlier, allowance: Allowance
) -> _Outcome:
    """Begin a log again whose file is gone, and say what is lost of it: the bytes that were seen and never read."""
    unread = rotation.Unread(start_of(log.path, stat), stat)
    segments = await _read_chain(files, [unread], allowance)
    if not segments:
        return _outcome(log, cursor, earlier, [], unread=unread.size)
    lost = unread_bytes(cursor.current)
    outcome = _outcome(log, cursor, replace(earlier, lost=earlier.lost + lost), segments, rotated=True)
    if cursor.current.size == 0:
        return outcome
    return replace(outcome, problems=(*outcome.problems, problems.gap(log.path, lost)))


def _stay_away(log: MatchedLog, cursor: Cursor, earlier: _Earlier) -> _Outcome:
    """Wait for a log whose file is away; after some visits, say once what is lost of it.

    The cursor stays, since the file may return (a mount that was late, say).
    """
    current = replace(cursor.current, absent=cursor.current.absent + 1)
    if current.absent > GONE_AFTER_VISITS and earlier.segment is None:
        return _Outcome(None, earlier.problems)
    if current.absent < GONE_AFTER_VISITS:
        return _outcome(log, replace(cursor, current=current), earlier, [], unread=unread_bytes(current))
    lost = unread_bytes(current)
    gone = replace(cursor, current=given_up(current))
    outcome = _outcome(log, gone, replace(earlier, lost=earlier.lost + lost), [])
    return replace(outcome, problems=(*outcome.problems, problems.gap(log.path, lost))) if lost else outcome


async def _read_chain(files: Files, chain: Sequence[rotation.Unread], allowance: Allowance) -> list[Segment]:
    """Read file after file until the cap. A file that stays unfinished is where the next visit goes on.

    The unfinished line of a rotated file comes before the next file's lines, so that the bytes stay in order.
    """
    segments: list[Segment] = []
    for index, unread in enumerate(chain):
        if not allowance.left and unread.size:
            break  # a position in a file of which nothing was seen would not find that file again
        segment = await read_segment(files, unread, allowance)
        if segment is None:
            break
        if segment.is_finished and index < len(chain) - 1:
            segment = await flush(files, segment)
        segments.append(segment)
        if not segment.is_finished:
            break
    return segments


def _outcome(
    log: MatchedLog,
    cursor: Cursor,
    earlier: _Earlier,
    segments: Sequence[Segment],
    *,
    unread: int = 0,
    rotated: bool = False,
) -> _Outcome:
    """Join what was read of a log's files, the oldest first, into its reading and its next cursor."""
    current = segments[-1].position if segments else cursor.current
    everything = [*([earlier.segment] if earlier.segment else []), *segments]
    older = everything[:-1] if segments else everything
    reading = LogReading(
        path=log.path,
        data=b"".join(segment.data for segment in everything),
        cursor=replace(cursor, current=current, previous=older[-1].position if older else None),
        bytes_appeared=sum(segment.appeared for segment in everything) + earlier.lost,
        bytes_pending=sum(segment.pending for segment in everything) + unread,
        gaps=(Gap(earlier.lost, LOST_REASON),) if earlier.lost else (),
        rotated=rotated,
        breaks=tuple(accumulate(len(segment.data) for segment in everything)),
    )
    return _Outcome(reading, earlier.problems)
