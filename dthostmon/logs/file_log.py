"""One log that is a file: its first reading, reading on from a cursor through any rotation, and what is lost of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import problems, rotation
from dthostmon.logs.chain import Chain, name_some, read_chain
from dthostmon.logs.compressed import UnpackedFiles, is_compressed
from dthostmon.logs.patterns import MatchedLog
from dthostmon.logs.positions import (
    FINGERPRINT_BYTES,
    GONE_AFTER_VISITS,
    HELD_VISITS,
    SURE_AFTER_VISITS,
    fingerprint,
    given_up,
    has_news,
    is_flush_due,
    is_shrunk,
    may_continue,
    start_of,
    unread_bytes,
    waited,
    with_head,
)
from dthostmon.logs.segments import Allowance, Segment, flush, near_the_end, read_segment, wait
from dthostmon.model import Cursor, FilePosition, Finding, Gap, LogReading
from dthostmon.transport import FileReader, FileStat

LOST = "the file was truncated, replaced or deleted before its rest was read"
LAGGED = "the backlog was longer than max_lag"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one visit made of one log: nothing to store where `reading` is None."""

    reading: LogReading | None
    problems: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What the file before the last rotation still gave; `segment` is None where there is none any more."""

    segment: Segment | None = None
    gaps: tuple[Gap, ...] = ()
    problems: tuple[Finding, ...] = ()

    @property
    def path(self) -> str | None:
        return self.segment.position.path if self.segment else None


async def read_first(files: FileReader, log: MatchedLog, look_back: int, allowance: Allowance) -> Outcome:
    """Read a log that was never read: from its start, or from a little before its end where its pattern is new."""
    if log.stat is None:
        return Outcome(None)
    start = start_of(log.path, log.stat)
    look_back = min(look_back, allowance.log)
    if log.is_new_pattern and log.stat.size > look_back:
        start = await near_the_end(files, start, log.stat.size, look_back)
        start = with_head(start, await files.read(log.path, 0, FINGERPRINT_BYTES))
    segment = await read_segment(files, rotation.Unread(start, log.stat), allowance)
    if segment is None:
        return Outcome(None)  # replaced between two looks: the next visit finds it as it is
    return _outcome(log.path, Cursor(log.path, segment.position), _Earlier(), Chain((segment,)))


def idle(log: MatchedLog, cursor: Cursor | None) -> Outcome | None:
    """Return what is to be said of a log of which a look is enough: nothing was written; None where more is needed."""
    if log.stat is None or cursor is None or cursor.previous or cursor.current.path != log.path:
        return None
    current = cursor.current
    if has_news(current, log.stat) or is_flush_due(current) or not _is_sure(current, log.stat):
        return None
    pending = unread_bytes(current)
    return Outcome(LogReading(log.path, b"", replace(cursor, current=waited(current)), 0, pending))


async def read_known(
    files: UnpackedFiles, listed: FileReader, log: MatchedLog, cursor: Cursor, allowance: Allowance
) -> Outcome:
    """Read on from a cursor, through any rotation since. `listed` are the same files; its folders may be listed from
    memory.
    """
    earlier = await _read_earlier(files, log.path, cursor.previous, allowance)
    segment = await _read_own(files, log, cursor.current, allowance)
    if segment:
        return _outcome(log.path, cursor, earlier, Chain((segment,)))
    # A rotation may have come since the first look; what was away then is asked for at the next visit.
    stat = await files.stat(log.path) if log.stat else None
    stat = stat if stat and stat.regular else None
    found = await rotation.find_read_file(listed, log.path, stat, cursor.current, earlier.path)
    if found.match:
        return await _read_through(files, log.path, stat, cursor, earlier, found, allowance)
    if not found.is_settled and cursor.current.held < HELD_VISITS:
        return _hold(log.path, cursor, earlier)
    if stat is None and not found.newer:
        return _stay_away(log.path, cursor, earlier, found)
    if cursor.current.held < HELD_VISITS and (
        (stat and await _only_shrank(files, log.path, cursor.current, stat))
        or not await rotation.are_same_copies(files, log.path, found, earlier.path)
    ):
        return _hold(log.path, cursor, earlier)
    return await _read_through(files, log.path, stat, cursor, earlier, found, allowance)


async def _read_earlier(
    files: UnpackedFiles, log: str, previous: FilePosition | None, allowance: Allowance
) -> _Earlier:
    """Read what was written to the file before the last rotation: some programs keep it open until they reload."""
    if previous is None:
        return _Earlier()
    try:
        stat = await files.stat(previous.path)
        if stat and not has_news(previous, stat) and await _is_same(files, previous, stat):
            return _Earlier(await wait(files, previous))
        found = await rotation.find_rotated(files, log, previous)
        if found.match is None:
            return _missing_earlier(log, previous, found)
        segment = await read_segment(files, found.match, allowance)
        if segment and segment.is_finished and is_compressed(segment.position.path):
            segment = await flush(files, segment)
        return _Earlier(segment) if segment else _missing_earlier(log, previous, replace(found, is_settled=False))
    except FileUnreadableError as error:
        unreadable = _Earlier(problems=(problems.unreadable(error.path, error.reason),))
        return _with_gap(log, unreadable, _lost(previous))


def _missing_earlier(log: str, previous: FilePosition, found: rotation.Found) -> _Earlier:
    if not found.is_settled and previous.held < HELD_VISITS:
        held = replace(previous, held=previous.held + 1)
        return _Earlier(Segment(b"", held.offset, held, unread_bytes(held), is_finished=False))
    return _with_gap(log, _Earlier(), _lost(previous, found.refused))


async def _read_own(files: FileReader, log: MatchedLog, current: FilePosition, allowance: Allowance) -> Segment | None:
    """Read on in the log's own file; None where it is not the file that was read before."""
    if log.stat is None:
        return None
    if current.path == log.path and not has_news(current, log.stat):
        return await wait(files, current) if await _is_same(files, current, log.stat) else None
    if not may_continue(current, log.stat):
        return None
    return await read_segment(files, rotation.Unread(replace(current, path=log.path), log.stat), allowance)


async def _is_same(files: FileReader, current: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file that looks unchanged is the one that was read.

    SFTP tells times in whole seconds and no inodes: within the second of its last line another file of the same size
    may have taken the name. Looks at later moments cannot miss that, so they cost nothing.
    """
    if _is_sure(current, stat):
        return True
    known = min(FINGERPRINT_BYTES, current.offset)
    return fingerprint(await files.read(current.path, current.offset - known, known)) == current.fingerprint


def _is_sure(current: FilePosition, stat: FileStat) -> bool:
    return stat.inode is not None or current.unchanged >= SURE_AFTER_VISITS or not current.offset


async def _read_through(
    files: FileReader,
    log: str,
    stat: FileStat | None,
    cursor: Cursor,
    earlier: _Earlier,
    found: rotation.Found,
    allowance: Allowance,
) -> Outcome:
    """Read the rest of the file that was found, the copies that are newer, and the log itself; without the file, what
    came after it, and say what is lost.
    """
    is_own = found.match is not None and found.match.position.path == log
    own = [rotation.ListedFile(log, stat)] if stat and not is_own else []
    if earlier.segment and not earlier.segment.is_finished:
        # a cursor has place for one file before the current one: that must be read to its end first
        return _outcome(log, cursor, earlier, Chain((), unread_bytes(cursor.current)))
    if earlier.segment and (own or found.newer):
        earlier = replace(earlier, segment=await flush(files, earlier.segment))
    chain = await read_chain(files, found.match, [*found.newer, *own], allowance)
    if cursor.current.held < HELD_VISITS and await _has_moved(files, log, chain, found, earlier.path):
        allowance.give_back(sum(len(segment.data) for segment in chain.segments))
        return _hold(log, cursor, earlier)
    if found.match is None and chain.segments:
        earlier = _with_gap(log, earlier, _lost(cursor.current, found.refused, always=cursor.current.size > 0))
    return _outcome(log, cursor, earlier, chain, rotated=not is_own)


async def _has_moved(files: FileReader, log: str, chain: Chain, found: rotation.Found, skip: str | None) -> bool:
    """Tell whether a rotation came between the search and the end of the reading: it moves the first file that was
    read, or adds a name.
    """
    if not chain.segments or chain.segments[0].position.path == log:
        return False
    newer = found.newer if found.match else found.newer[1:]
    return not await rotation.is_still_there(files, log, chain.segments[0].position, newer, skip)


async def _only_shrank(files: FileReader, log: str, current: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file begins as before and is too short: a size from a cache (NFS), which the next visit corrects.

    A file that was truncated and is written anew begins otherwise.
    """
    if current.path != log or not is_shrunk(current, stat):
        return False
    return fingerprint(await files.read(log, 0, current.head_size)) == current.head


def _hold(log: str, cursor: Cursor, earlier: _Earlier) -> Outcome:
    """Read nothing while a rotation is under way: the next visit finds it done."""
    current = replace(cursor.current, held=cursor.current.held + 1)
    return _outcome(log, replace(cursor, current=current), earlier, Chain((), unread_bytes(current)))


def _stay_away(log: str, cursor: Cursor, earlier: _Earlier, found: rotation.Found) -> Outcome:
    """Wait for a log whose file is away; after some visits, say once what is lost of it.

    The cursor stays, since the file may return (a mount that was late, say).
    """
    current = replace(cursor.current, absent=cursor.current.absent + 1)
    if current.absent > GONE_AFTER_VISITS and earlier.segment is None and not earlier.gaps:
        return Outcome(None, earlier.problems)
    if current.absent < GONE_AFTER_VISITS:
        away = replace(cursor, current=current)
        return _outcome(log, away, earlier, Chain((), unread_bytes(current)))
    gone = replace(cursor, current=given_up(current))
    return _outcome(log, gone, _with_gap(log, earlier, _lost(current, found.refused)), Chain())


def _with_gap(log: str, earlier: _Earlier, gaps: tuple[Gap, ...]) -> _Earlier:
    told = (problems.gap(log, gap) for gap in gaps)
    return replace(earlier, gaps=(*earlier.gaps, *gaps), problems=(*earlier.problems, *told))


def _lost(
    position: FilePosition, refused: Sequence[FileUnreadableError] = (), *, always: bool = False
) -> tuple[Gap, ...]:
    """Make the gap of a file that is gone: what was seen of it and never read. What came after that nobody saw: it may
    be more, and with `always` there is a gap even where nothing known is lost.
    """
    lost = unread_bytes(position)
    if not lost and not always:
        return ()
    return (Gap(lost or None, "; ".join([LOST, *([name_some(refused)] if refused else [])])),)


def _gaps_of(segments: Sequence[Segment]) -> tuple[Gap, ...]:
    return tuple(Gap(segment.skipped, LAGGED) for segment in segments if segment.skipped)


def _outcome(log: str, cursor: Cursor, earlier: _Earlier, chain: Chain, *, rotated: bool = False) -> Outcome:
    """Join what was read of a log's files, the oldest first, into its reading and its next cursor."""
    segments = chain.segments
    everything = [*([earlier.segment] if earlier.segment else []), *segments]
    older = everything[:-1] if segments else everything
    lost = (*earlier.gaps, *chain.gaps)
    skipped = _gaps_of(everything)
    left = sum(segment.pending for segment in everything)
    ends = tuple(accumulate(len(segment.data) for segment in everything))
    reading = LogReading(
        path=log,
        data=b"".join(segment.data for segment in everything),
        cursor=replace(
            cursor,
            current=segments[-1].position if segments else cursor.current,
            previous=_kept(older[-1].position) if older else None,
        ),
        bytes_appeared=sum(segment.appeared for segment in everything) + sum(gap.bytes or 0 for gap in lost),
        bytes_pending=None if chain.pending is None else left + chain.pending,
        gaps=(*lost, *skipped),
        rotated=rotated,
        breaks=ends,
        continued={start: one.continued for start, one in zip((0, *ends), everything, strict=False) if one.continued},
    )
    told = (
        *earlier.problems,
        *chain.problems,
        *(problems.gap(log, gap) for gap in chain.gaps if not any(gap.reason in one.reason for one in earlier.gaps)),
        *(problems.lag(log, gap) for gap in skipped),
    )
    return Outcome(reading, told)


def _kept(previous: FilePosition) -> FilePosition | None:
    """Go on watching a rotated file, unless it is compressed and read to its end: nobody writes to that."""
    return None if is_compressed(previous.path) and not unread_bytes(previous) else previous
