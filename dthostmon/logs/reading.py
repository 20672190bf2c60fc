"""One visit to the logs of a host: what is new in each, how far it was read, and what is still there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import file_log, problems
from dthostmon.logs.compressed import UnpackedFiles
from dthostmon.logs.file_log import Outcome
from dthostmon.logs.memory import Room
from dthostmon.logs.patterns import MatchedLog, match_logs
from dthostmon.logs.positions import has_news, may_continue
from dthostmon.logs.rotation import ListedOnce, Listings
from dthostmon.logs.segments import Allowance, Budget
from dthostmon.model import Cursor, HostState, LogReading, LogsReading
from dthostmon.transport import FileReader

CONCURRENT_LOGS = 8  # files of one host that are read at once, over its one connection


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one visit takes: bytes of one log, bytes of one host, files that patterns may name. A backlog of
    more than `lag` bytes is given up.
    """

    log: int = 4 * 1024 * 1024
    host: int = 16 * 1024 * 1024
    files: int = 500
    lag: int = 256 * 1024 * 1024


CAPS = Caps()


async def read_files(
    files: FileReader,
    patterns: Sequence[str],
    state: HostState,
    look_back: int,
    caps: Caps = CAPS,
    room: Room | None = None,
) -> LogsReading:
    """Read what is new in the logs that the patterns name.

    The logs with the least news come first when the host's cap is short, so one flood starves no other log.
    Raises VisitError where the connection died: nothing of this visit counts then.
    """
    matched = await match_logs(files, patterns, state, caps.files)
    if room:
        await room.take(min(caps.host, sum(_expected(log, state, look_back, caps) for log in matched.logs)))
    budget = Budget(caps.host)
    slots = asyncio.Semaphore(CONCURRENT_LOGS)
    listings: Listings = {}

    async def read_in_turn(log: MatchedLog) -> Outcome:
        async with slots:
            allowance = Allowance(caps.log, budget, caps.lag)
            return await _read_or_report(files, listings, log, state.cursors.get(log.path), look_back, allowance)

    known = {log.path: idle for log in matched.logs if (idle := file_log.idle(log, state.cursors.get(log.path)))}
    turns = sorted((log for log in matched.logs if log.path not in known), key=lambda log: _turn(log, state, caps))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {log.path: group.create_task(read_in_turn(log)) for log in turns}
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # all of them tell of the one connection
    finally:
        for listing in listings.values():
            listing.cancel()  # those that nobody waits for any more
    outcomes = [known.get(log.path) or tasks[log.path].result() for log in matched.logs]
    readings = tuple(outcome.reading for outcome in outcomes if outcome.reading)
    told = [*matched.problems, *(problem for outcome in outcomes for problem in outcome.problems)]
    if patterns and not readings and not problems.has_warning(told):
        told.append(problems.nothing_read())
    return LogsReading(
        logs=readings,
        patterns=matched.patterns - _unread_patterns(matched.logs, readings),
        problems=tuple(told),
    )


def _expected(log: MatchedLog, state: HostState, look_back: int, caps: Caps) -> int:
    """Return what a log may take of the memory: where it was rotated, all that its cap allows, as nobody knows."""
    news, cursor = _news(log, state), state.cursors.get(log.path)
    if cursor is None:
        return min(caps.log, news, look_back if log.is_new_pattern else news)
    if log.stat and has_news(cursor.current, log.stat) and not may_continue(cursor.current, log.stat):
        return caps.log
    return min(caps.log, max(0, news))


def _news(log: MatchedLog, state: HostState) -> int:
    cursor = state.cursors.get(log.path)
    return (log.stat.size if log.stat else 0) - (cursor.current.offset if cursor else 0)


def _turn(log: MatchedLog, state: HostState, caps: Caps) -> tuple[int, int]:
    """Order the logs: the least news first, and of those with more than a visit takes the longest backlog, which else
    would never have its turn beside others that fill the host's cap each time.
    """
    news = _news(log, state)
    return min(news, caps.log), -news


def _unread_patterns(logs: Sequence[MatchedLog], readings: Sequence[LogReading]) -> frozenset[str]:
    """Return the new patterns of which no log could be read: their first visit, with its look-back, is still to
    come.
    """
    could_be_read = {reading.path for reading in readings if reading.cursor}
    read = {pattern for log in logs if log.path in could_be_read for pattern in log.patterns}
    return frozenset(pattern for log in logs if log.is_new_pattern for pattern in log.patterns) - read


async def _read_or_report(
    files: FileReader,
    listings: Listings,
    log: MatchedLog,
    cursor: Cursor | None,
    look_back: int,
    allowance: Allowance,
) -> Outcome:
    unpacked = UnpackedFiles(files)
    # What is away is looked for in one listing per folder; what is there may be rotated at this very moment.
    listed = ListedOnce(unpacked, listings) if log.stat is None else unpacked
    try:
        if cursor:
            return await file_log.read_known(unpacked, listed, log, cursor, allowance)
        return await file_log.read_first(unpacked, log, look_back, allowance)
    except FileUnreadableError as error:
        nothing = LogReading(log.path, b"", cursor=None, bytes_appeared=0, bytes_pending=None, unreadable=error.reason)
        return Outcome(nothing, (problems.unreadable(error.path, error.reason),))
