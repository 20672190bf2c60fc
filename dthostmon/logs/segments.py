"""Reading on in one file: whole lines behind a position, within what a visit may take."""

from dataclasses import dataclass, replace

from dthostmon.logs.positions import (
    FINGERPRINT_BYTES,
    fingerprint,
    is_flush_due,
    moved,
    unread_bytes,
    waited,
    with_head,
)
from dthostmon.logs.rotation import Unread
from dthostmon.model import FilePosition
from dthostmon.transport import FileReader

FIRST_READ = 64 * 1024  # what is fetched before it is sure that this is the file that was read
NEWLINE = 10
LONGEST_HELD_LINE = 64 * 1024  # an unfinished line that is longer is passed on in pieces


@dataclass(slots=True)
class Budget:
    """What one visit may still take of one host, shared by the logs that are read at the same time."""

    left: int


@dataclass(slots=True)
class Allowance:
    """What one visit may still take of one log, within what is left for its host. A file of which more than `lag`
    bytes are unread is not caught up with: all but `log` bytes of them are skipped.
    """

    log: int
    host: Budget
    lag: int

    @property
    def left(self) -> int:
        """How many bytes may still be taken."""
        return max(0, min(self.log, self.host.left))

    def take(self, wanted: int) -> int:
        """Take up to `wanted` bytes of it; return how many it gave."""
        granted = max(0, min(wanted, self.left))
        self.give_back(-granted)
        return granted

    def give_back(self, unused: int) -> None:
        """Return what was taken and not used."""
        self.log += unused
        self.host.left += unused


@dataclass(frozen=True, slots=True)
class Segment:
    """What was read of one file: `data` from `start` + `skipped` up to `position`, and how many bytes of the file are
    left.
    """

    data: bytes
    start: int
    position: FilePosition
    pending: int
    is_finished: bool  # nothing is left but an unfinished line
    skipped: int = 0
    continued: int = 0  # bytes at the start of `data` that end a line of which the start was taken before

    @property
    def appeared(self) -> int:
        """How far the position moved."""
        return self.position.offset - self.start


async def read_segment(files: FileReader, unread: Unread, allowance: Allowance) -> Segment | None:
    """Read on in a file, whole lines only; None where it is not the file that was read before.

    Then nothing of the allowance is used, and at most FIRST_READ bytes came over the wire.
    """
    if unread.size > allowance.lag and allowance.left:
        return await _catch_up(files, unread, allowance)
    return await _read_on(files, unread, allowance)


async def _read_on(files: FileReader, unread: Unread, allowance: Allowance) -> Segment | None:
    position = unread.position
    granted = allowance.take(unread.size)
    known = min(FINGERPRINT_BYTES, position.offset)
    first = await files.read(position.path, position.offset - known, known + min(granted, FIRST_READ))
    if not _is_as_known(first, known, position):
        allowance.give_back(granted)
        return None
    new = _Bytes(first, known)
    if granted > FIRST_READ:
        end = position.offset - known + len(first)
        new.rest, new.skipped = await _rest(files, position.path, first, end, granted - FIRST_READ)
    return _segment(unread, new)


def _is_as_known(raw: bytes, known: int, position: FilePosition) -> bool:
    """Tell whether what was read begins with the `known` bytes that stand before an offset, all of them."""
    return len(raw) >= known and fingerprint(raw[:known]) == position.fingerprint


@dataclass(slots=True)
class _Bytes:
    """What was read behind an offset, in two pieces. It may be megabytes: the whole lines alone are copied, once."""

    first: bytes
    known: int  # bytes of `first` that stand before the offset
    rest: bytes = b""
    skipped: int = 0  # bytes of `rest` that `first` holds too

    def __len__(self) -> int:
        return len(self.first) - self.known + len(self.rest) - self.skipped

    def whole_lines(self) -> int:
        """Return how many of the bytes are whole lines."""
        end = self.rest.rfind(b"\n", self.skipped) + 1
        if end:
            return len(self.first) - self.known + end - self.skipped
        return max(0, self.first.rfind(b"\n", self.known) + 1 - self.known)

    def take(self, count: int) -> bytes:
        """Return the first `count` bytes."""
        first = memoryview(self.first)[self.known :][:count]
        return b"".join((first, memoryview(self.rest)[self.skipped :][: count - len(first)]))


async def _rest(files: FileReader, path: str, first: bytes, offset: int, length: int) -> tuple[bytes, int]:
    """Read what follows the first bytes; return it with how many bytes of it overlap them.

    Nothing where another file has taken the name since they were read.
    """
    overlap = first[-FINGERPRINT_BYTES:]
    raw = await files.read(path, offset - len(overlap), len(overlap) + length)
    return (raw, len(overlap)) if raw.startswith(overlap) else (b"", 0)


def _segment(unread: Unread, new: _Bytes) -> Segment:
    """Cut what was read into whole lines and the rest."""
    position, first, known = unread.position, new.first, new.known
    taken = new.whole_lines()
    if len(new) - taken >= LONGEST_HELD_LINE:
        taken = len(new)
    data = new.take(taken)
    before = first[:known] + data[-FINGERPRINT_BYTES:]
    after = moved(position, unread.stat, before, taken, examined=len(new))
    if taken:
        after = replace(after, is_in_line=data[-1] != NEWLINE)
    if position.offset == known and position.head_size < FINGERPRINT_BYTES:
        after = with_head(after, first)
    return Segment(
        data=data,
        start=position.offset,
        position=after,
        pending=max(0, unread_bytes(after)),
        is_finished=after.examined >= after.size,
        continued=(data.find(b"\n") + 1 or taken) if position.is_in_line else 0,
    )


async def _catch_up(files: FileReader, unread: Unread, allowance: Allowance) -> Segment | None:
    """Give up a backlog that is too long: skip to the last whole lines that a visit may take."""
    position = unread.position
    known = min(FINGERPRINT_BYTES, position.offset)
    before = await files.read(position.path, position.offset - known, known)
    if not _is_as_known(before, known, position):
        return None
    later = await near_the_end(files, position, unread.stat.size, min(allowance.left, allowance.lag))
    segment = await _read_on(files, Unread(later, unread.stat), allowance)
    return replace(segment, start=position.offset, skipped=later.offset - position.offset) if segment else None


async def near_the_end(files: FileReader, position: FilePosition, size: int, look_back: int) -> FilePosition:
    """Stand at the first line that begins within the last `look_back` bytes, at the very end where none does."""
    begin = size - look_back
    while begin < size:
        known = min(FINGERPRINT_BYTES, begin)
        data = await files.read(position.path, begin - known, known + min(FIRST_READ, size - begin))
        line_start = data.find(b"\n", max(0, known - 1)) + 1
        if line_start:
            at = begin - known + line_start
            return replace(position, offset=at, fingerprint=fingerprint(data[:line_start]), is_in_line=False)
        begin += FIRST_READ
    known = min(FINGERPRINT_BYTES, size)
    before = await files.read(position.path, size - known, known)
    return replace(position, offset=size, fingerprint=fingerprint(before))


async def wait(files: FileReader, position: FilePosition) -> Segment:
    """Stay at a position whose file did not change; an unfinished line that has waited long enough is taken as it
    is.
    """
    waiting = waited(position)
    segment = Segment(b"", position.offset, waiting, unread_bytes(position), is_finished=True)
    return await flush(files, segment) if is_flush_due(position) else segment


async def flush(files: FileReader, segment: Segment) -> Segment:
    """Take the unfinished line behind a segment as it is."""
    position = segment.position
    if position.examined <= position.offset:
        return segment
    known = min(FINGERPRINT_BYTES, position.offset)
    raw = await files.read(position.path, position.offset - known, known + position.examined - position.offset)
    if not _is_as_known(raw, known, position):
        return segment
    taken = len(raw) - known
    return replace(
        segment,
        data=segment.data + raw[known:],
        position=replace(position, offset=position.offset + taken, fingerprint=fingerprint(raw)),
        pending=max(0, segment.pending - taken),
        continued=segment.continued + (taken if position.is_in_line else 0),
    )
