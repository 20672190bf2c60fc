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
    fingerprint,
    is_flush_due,
    is_unchanged,
    may_continue,
    moved,
    start_of,
    whole_lines,
)
from dthostmon.model import Cursor, FilePosition, Finding, HostState, LogReading, LogsReading
from dthostmon.transport import Files, FileStat

LONGEST_HELD_LINE = 1024 * 1024  # an unfinished line that is longer is passed on in pieces
LOST_REASON = "the file was truncated, replaced or compressed before its rest was read"
CONCURRENT_LOGS = 8  # files of one host that are read at once, over its one connection


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one visit takes: bytes of one log, bytes of one host, files that patterns may name."""

    log: int = 4 * 1024 * 1024
    host: int = 16 * 1024 * 1024
    files: int = 500


@dataclass(slots=True)
class _Budget:
    """What is left of the host's cap, shared by the logs that are read at the same time."""

    left: int

    def take(self, wanted: int) -> int:
        granted = min(wanted, self.left)
        self.left -= granted
        return granted


@dataclass(frozen=True, slots=True)
class _Segment:
    """What was read of one file: `data` from `start` up to `position`, and how many bytes of the file are left."""

    data: bytes
    start: int
    position: FilePosition
    pending: int
    is_finished: bool  # nothing is left but an unfinished line

    @property
    def appeared(self) -> int:
        return self.position.offset - self.start


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What the file before the last rotation still gave; `segment` is None where there is none any more."""

    segment: _Segment | None = None
    lost: int = 0

    @property
    def path(self) -> str | None:
        return self.segment.position.path if self.segment else None


@dataclass(frozen=True, slots=True)
class _Outcome:
    reading: LogReading | None
    problems: tuple[Finding, ...] = ()


async def read_new(
    files: Files, patterns: Sequence[str], state: HostState, look_back: int, caps: Caps = Caps()
) -> LogsReading:
    """Read what is new in the logs that the patterns name.

    The logs with the least news come first when the host's cap is short, so one flood starves no other log.
    Raises VisitError where the connection died: nothing of this visit counts then.
    """
    matched = await match_logs(files, patterns, state, caps.files)
    budget = _Budget(caps.host)
    slots = asyncio.Semaphore(CONCURRENT_LOGS)

    async def read_in_turn(log: MatchedLog) -> _Outcome:
        async with slots:
            return await _read_or_report(files, log, state.cursors.get(log.path), look_back, caps.log, budget)

    turns = sorted(matched.logs, key=lambda log: _news(log, state))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {log.path: group.create_task(read_in_turn(log)) for log in turns}
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # all of them tell of the one connection
    outcomes = [tasks[log.path].result() for log in matched.logs]
    return LogsReading(
        logs=tuple(outcome.reading for outcome in outcomes if outcome.reading),
        patterns=matched.patterns,
        problems=(*matched.problems, *(problem for outcome in outcomes for problem in outcome.problems)),
    )


def _news(log: MatchedLog, state: HostState) -> int:
    cursor = state.cursors.get(log.path)
    return (log.stat.size if log.stat else 0) - (cursor.current.offset if cursor else 0)


async def _read_or_report(
    files: Files, log: MatchedLog, cursor: Cursor | None, look_back: int, cap: int, budget: _Budget
) -> _Outcome:
    try:
        if cursor:
            return await _read_known(files, log, cursor, cap, budget)
        return _Outcome(await _read_first(files, log, look_back, cap, budget))
    except FileUnreadableError as error:
        nothing = LogReading(path=log.path, data=b"", cursor=None, bytes_appeared=0, skip_reason=error.reason)
        return _Outcome(nothing, (problems.unreadable(log.path, error.reason),))


async def _read_first(files: Files, log: MatchedLog, look_back: int, cap: int, budget: _Budget) -> LogReading | None:
    """Read a log that was never read: from its start, or from a little before its end where its pattern is new."""
    if log.stat is None:
        return None
    start = start_of(log.path, log.stat)
    if log.is_new_pattern and log.stat.size > look_back:
        start = await _near_the_end(files, start, log.stat, look_back)
    segment = await _read_segment(files, start, log.stat, budget.take(min(cap, log.stat.size - start.offset)))
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
    known = min(FINGERPRINT_BYTES, begin)
    data = await files.read(start.path, begin - known, known + look_back)
    line_start = data.find(b"\n", known - 1) + 1 or len(data)
    before = data[:line_start]
    return replace(start, offset=begin - known + line_start, fingerprint=fingerprint(before))


async def _read_known(files: Files, log: MatchedLog, cursor: Cursor, cap: int, budget: _Budget) -> _Outcome:
    """Read on from a cursor, through any rotation since."""
    earlier = await _read_earlier(files, log.path, cursor.previous, cap, budget)
    segment = await _read_on(files, log, cursor.current, cap, budget)
    if segment:
        return _outcome(log, cursor, earlier, [segment])
    chain = await rotation.unread_chain(files, log.path, log.stat, cursor.current, earlier.path)
    if not chain:
        return await _start_over(files, log, cursor, earlier, cap, budget)
    if len(chain) > 1 and earlier.segment:
        earlier = replace(earlier, segment=await _flush(files, earlier.segment))
    segments = await _read_chain(files, chain, cap, budget)
    unread = sum(later.size for later in chain[len(segments) :])
    return _outcome(log, cursor, earlier, segments, unread=unread, rotated=len(chain) > 1)


async def _read_earlier(files: Files, log: str, previous: FilePosition | None, cap: int, budget: _Budget) -> _Earlier:
    """Read what a program wrote to the file before the last rotation: some keep it open until they are told to
    reload.
    """
    if previous is None:
        return _Earlier()
    stat = await files.stat(previous.path)
    if stat and is_unchanged(previous, stat):
        return _Earlier(await _wait(files, previous))
    unread = await rotation.find_rotated(files, log, previous)
    if unread is None:
        return _Earlier(lost=previous.size - previous.offset)
    return _Earlier(await _read_segment(files, unread.position, unread.stat, _grant(budget, cap, unread)))


async def _read_on(files: Files, log: MatchedLog, current: FilePosition, cap: int, budget: _Budget) -> _Segment | None:
    """Read on in the log's own file; None where it is not the file that was read before."""
    if log.stat is None:
        return None
    if current.path == log.path and is_unchanged(current, log.stat):
        return await _wait(files, current)
    if not may_continue(current, log.stat):
        return None
    unread = rotation.Unread(replace(current, path=log.path), log.stat)
    return await _read_segment(files, unread.position, unread.stat, _grant(budget, cap, unread))


async def _start_over(
    files: Files, log: MatchedLog, cursor: Cursor, earlier: _Earlier, cap: int, budget: _Budget
) -> _Outcome:
    """Begin a log again whose file is gone, and say what is lost of it: the bytes that were seen and never read."""
    if log.stat is None:
        return _outcome(log, cursor, earlier, [])
    unread = rotation.Unread(start_of(log.path, log.stat), log.stat)
    segments = await _read_chain(files, [unread], cap, budget)
    lost = cursor.current.size - cursor.current.offset
    outcome = _outcome(log, cursor, replace(earlier, lost=earlier.lost + lost), segments, rotated=True)
    if cursor.current.size == 0:
        return outcome
    return replace(outcome, problems=(*outcome.problems, problems.gap(log.path, lost)))


async def _read_chain(files: Files, chain: Sequence[rotation.Unread], cap: int, budget: _Budget) -> list[_Segment]:
    """Read file after file until the cap. A file that stays unfinished is where the next visit goes on.

    The unfinished line of a rotated file comes before the next file's lines, so that the bytes stay in order.
    """
    segments: list[_Segment] = []
    for index, unread in enumerate(chain):
        granted = _grant(budget, cap, unread)
        if not granted and unread.size:
            break  # a position in a file of which nothing was seen would not find that file again
        segment = await _read_segment(files, unread.position, unread.stat, granted)
        if segment is None:
            break
        if segment.is_finished and index < len(chain) - 1:
            segment = await _flush(files, segment)
        segments.append(segment)
        cap -= len(segment.data)
        if not segment.is_finished:
            break
    return segments


def _grant(budget: _Budget, cap: int, unread: rotation.Unread) -> int:
    return budget.take(max(0, min(cap, unread.size)))


async def _read_segment(files: Files, position: FilePosition, stat: FileStat, wanted: int) -> _Segment | None:
    """Read up to `wanted` bytes behind a position, whole lines only; None where the bytes before it are not those
    that were read.
    """
    known = min(FINGERPRINT_BYTES, position.offset)
    raw = await files.read(position.path, position.offset - known, known + wanted)
    if fingerprint(raw[:known]) != position.fingerprint:
        return None
    new = raw[known:]
    taken = whole_lines(new)
    if not taken and len(new) >= LONGEST_HELD_LINE:
        taken = len(new)
    after = moved(position, stat, raw[: known + taken], taken, looked_at=len(new))
    return _Segment(
        data=new[:taken],
        start=position.offset,
        position=after,
        pending=max(0, stat.size - after.offset),
        is_finished=after.size >= stat.size,
    )


async def _wait(files: Files, position: FilePosition) -> _Segment:
    """Stay at a position whose file did not change; an unfinished line that has waited long enough is taken as it
    is.
    """
    waiting = replace(position, unchanged=position.unchanged + 1)
    pending = position.size - position.offset
    segment = _Segment(data=b"", start=position.offset, position=waiting, pending=pending, is_finished=True)
    return await _flush(files, segment) if is_flush_due(position) else segment


async def _flush(files: Files, segment: _Segment) -> _Segment:
    """Take the unfinished line behind a segment as it is."""
    position = segment.position
    if position.size <= position.offset:
        return segment
    known = min(FINGERPRINT_BYTES, position.offset)
    raw = await files.read(position.path, position.offset - known, known + position.size - position.offset)
    if fingerprint(raw[:known]) != position.fingerprint:
        return segment
    after = replace(position, offset=position.offset + len(raw) - known, fingerprint=fingerprint(raw))
    return replace(
        segment, data=segment.data + raw[known:], position=after, pending=max(0, segment.pending - len(raw) + known)
    )


def _outcome(
    log: MatchedLog,
    cursor: Cursor,
    earlier: _Earlier,
    segments: Sequence[_Segment],
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
        bytes_skipped=earlier.lost,
        bytes_pending=sum(segment.pending for segment in everything) + unread,
        skip_reason=LOST_REASON if earlier.lost else None,
        rotated=rotated,
        breaks=tuple(accumulate(len(segment.data) for segment in everything)),
    )
    return _Outcome(reading)
