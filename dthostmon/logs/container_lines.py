"""A container's printed lines, and where one visit ends and the next one begins: pure functions.

An engine prints each line behind the stamp of its arrival, stdout and stderr merged and not quite in order; many lines
may have one stamp. So the lines of the last second are asked for again, and those whose digests are remembered are
left out. A record without a newline is followed by the next record in the same printed line: asked for again from
there, that line begins in its middle, with a stamp of its own.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

from dthostmon.model import StreamPosition

SECOND = 1_000_000_000  # stamps are nanoseconds since 1970
WINDOW = SECOND
RECENT_LINES = 1000
RECENT_BYTES = 64 * 1024
DIGEST_BYTES = 8
LAST_SECOND = 253_402_300_799  # of the calendar, the end of the year 9999

_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_STAMPED = re.compile(rb"(" + _STAMP + rb")(?: |$)")
_LATER_STAMP = re.compile(rb"(?=" + _STAMP + rb" )")
_FRACTION = re.compile(rb"\.(\d+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line with its newline; `stamp` is when its first record arrived."""

    stamp: int
    raw: bytes

    @property
    def digest(self) -> str:
        """Name the line. How its engine writes the stamp (time zone, trailing zeros) is no part of it."""
        text = self.raw.partition(b" ")[2].removesuffix(b"\n")
        return blake2b(b"%d %b" % (self.stamp, text), digest_size=DIGEST_BYTES).hexdigest()

    @property
    def records(self) -> Iterator["Line"]:
        """Yield what follows each later stamp in it, real or written by the container: its later records, the last
        ones of very many. Each is a copy of its rest of the line, and a container may print nothing but stamps.
        """
        for found in deque(_LATER_STAMP.finditer(self.raw, 1), maxlen=RECENT_LINES):
            if later := _line(self.raw[found.start() :].removesuffix(b"\n")):
                yield later


@dataclass(frozen=True, slots=True)
class Printed:
    """What an engine printed: whole lines, an unfinished one, and what it said itself, which has no stamp."""

    lines: tuple[Line, ...]
    tail: Line | None = None
    said: bytes = b""


@dataclass(frozen=True, slots=True)
class Selected:
    """What is new of it, and where the next visit begins. `is_cut`: more was printed than may be taken."""

    lines: tuple[Line, ...]
    position: StreamPosition
    is_cut: bool = False


def parse_printed(raw: bytes) -> Printed:
    """Take what an engine printed apart."""
    *whole, rest = raw.split(b"\n")
    lines, said = [], b""
    for text in whole:
        if line := _line(text):
            lines.append(line)
        else:
            said = said or text
    tail = _line(rest) if rest else None
    return Printed(tuple(lines), tail, said or (rest if tail is None else b""))


def _line(text: bytes) -> Line | None:
    found = _STAMPED.match(text)
    stamp = parse_stamp(found[1]) if found else None
    return Line(stamp, text + b"\n") if stamp is not None else None


def parse_stamp(text: bytes) -> int | None:
    """Return a stamp as nanoseconds since 1970, None where it is no time."""
    fraction = _FRACTION.search(text)
    seconds = _seconds(_FRACTION.sub(b"", text))
    if seconds is None:
        return None
    return seconds * SECOND + (int(fraction[1].ljust(9, b"0")) if fraction else 0)


@lru_cache(maxsize=1024)
def _seconds(text: bytes) -> int | None:
    try:
        seconds = int(datetime.fromisoformat(text.decode("ascii")).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < LAST_SECOND else None


def format_stamp(stamp: int) -> str:
    """Return a stamp as engines read it."""
    seconds, fraction = divmod(stamp, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def token_stamp(position: StreamPosition) -> int | None:
    """Return from when on lines are asked for again; None = from the first one."""
    return parse_stamp(position.token.encode("ascii", "replace")) if position.token else None


def asked_since(position: StreamPosition) -> int | None:
    """Return the stamp that an engine is given: Docker prints what has it too, Podman only what comes after it."""
    begin = token_stamp(position)
    return begin - 1 if begin is not None else None


def select_new(printed: Sequence[Line], position: StreamPosition, allowance: int) -> Selected:
    """Leave out what was taken before; take the rest in the order of stamps, up to `allowance` bytes but one line at
    the least.
    """
    begin = token_stamp(position)
    known = Counter(position.recent)
    seen: list[Line] = []
    new: list[Line] = []
    size, is_cut = 0, False
    for line in printed:
        if begin is not None and _was_taken(line, begin, known):
            seen += [line] if line.stamp >= begin else []
            continue
        rest = line if begin is None or line.stamp > begin + WINDOW else _rest_of(line, known)
        if new and size + len(rest.raw) > allowance:
            is_cut = True
            break
        seen.append(line)
        new.append(rest)
        size += len(rest.raw)
    return Selected(tuple(sorted(new, key=attrgetter("stamp"))), boundary(seen, position), is_cut)


def _was_taken(line: Line, begin: int, known: Counter[str]) -> bool:
    """Tell whether a line was taken by an earlier visit, and use up one memory of it. All before `begin` was."""
    if line.stamp < begin:
        return True
    if line.stamp > begin + WINDOW or known[line.digest] == 0:
        return False
    known[line.digest] -= 1
    return True


def _rest_of(line: Line, known: Counter[str]) -> Line:
    """Return what is new of a line: all of it, or the records behind a part that was taken by itself.

    A last record without newline is taken when its container has ended; started again, it goes on in that line.
    """
    for record in line.records:
        start = Line(line.stamp, line.raw.removesuffix(record.raw))
        if known[start.digest] > 0:
            known[start.digest] -= 1
            return record
    return line


def select_last(printed: Sequence[Line], position: StreamPosition, look_back: int) -> Selected:
    """Take the last lines within `look_back` bytes; what came before them counts as taken."""
    size, kept = 0, 0
    for line in reversed(printed):
        size += len(line.raw)
        if size > look_back:
            break
        kept += 1
    last = printed[len(printed) - kept :]
    return Selected(tuple(sorted(last, key=attrgetter("stamp"))), boundary(printed, position))


def boundary(seen: Sequence[Line], position: StreamPosition) -> StreamPosition:
    """Return where the next visit begins: a second before the last stamp, or as early as few enough lines allow.

    `seen` are all lines from the old position on that are taken now or were before.
    """
    if not seen:
        return position
    newest = max(line.stamp for line in seen)
    begin = _narrowed(seen, max(newest - WINDOW, token_stamp(position) or 0), newest)
    recent = [digest for line in seen for digest in _digests_from(line, begin)]
    return replace(position, token=format_stamp(begin), recent=tuple(recent[:RECENT_LINES]))


def _narrowed(seen: Sequence[Line], begin: int, newest: int) -> int:
    """Return the earliest stamp not before `begin` from which on there are few enough lines to remember; one behind
    the newest where that one has too many.
    """
    window = sorted((line for line in seen if line.stamp >= begin), key=attrgetter("stamp"), reverse=True)
    count = size = 0
    later = newest + 1
    for stamp, lines in groupby(window, key=attrgetter("stamp")):
        for line in lines:
            count += 1
            size += len(line.raw)
        if count > RECENT_LINES or size > RECENT_BYTES:
            return later
        later = stamp
    return begin


def _digests_from(line: Line, begin: int) -> Iterator[str]:
    """Return the names under which a line will be printed again from `begin` on: its own, or those of its later
    records.
    """
    if line.stamp >= begin:
        yield line.digest
        return
    yield from (record.digest for record in line.records if record.stamp >= begin)
