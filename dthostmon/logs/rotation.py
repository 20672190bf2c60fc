"""Where the rest of a log is after a rotation: the rotated files beside it, and which of them is the one that was
read.

A rotation may be under way while we look. Whatever is not settled is left for the next visit.
"""

import asyncio
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from dthostmon.errors import FileUnreadableError
from dthostmon.logs.compressed import COMPRESSED, UnpackedFiles, is_compressed
from dthostmon.logs.positions import FINGERPRINT_BYTES, fingerprint, is_recognisable, is_unchanged, unread_bytes
from dthostmon.model import FilePosition
from dthostmon.transport import DirectoryEntry, FileReader, FileStat

STAMP = r"(?P<day>\d{8}|\d{4}-\d\d-\d\d)(?:[-._T]?(?P<more>\d{1,6}))?"  # a time of day, or a number within the day
# What rotations make of `app.log`: app.log.1, app.log-20260131, app.log.2026-01-31, app-20260131.log, app.log.old.
ROTATED = re.compile(
    r"(?P<stem>.+?)"
    rf"(?:\.(?P<number>\d{{1,5}})|[-.](?P<date>{STAMP})(?P<extension>\.[a-z]{{1,6}})?|\.(?P<single>old|bak))"
)

GZIP_SIZE_BYTES = 4
MOST_UNPACKED = 20  # copies of one log that a visit unpacks in search of the right one
GROWING_COPIES = 3  # so many in one order are no accident


@dataclass(frozen=True, slots=True)
class RotatedName:
    """What a rotated file's name tells: its log, the naming scheme, and an age that is greater for an older file."""

    log: str
    scheme: str
    age: tuple[int, str]


@lru_cache(maxsize=20_000)  # asked for every log at every visit
def rotated_name(name: str) -> RotatedName | None:
    """Read the name of a rotated file, compressed or not; None where it is no such name."""
    compressed = COMPRESSED.fullmatch(name)
    found = ROTATED.fullmatch(compressed["plain"] if compressed else name)
    if found is None:
        return None
    if found["number"]:
        return RotatedName(found["stem"], "number", (int(found["number"]), ""))
    if found["date"]:
        # as numbers, each by itself: the tenth file of a day is newer than its ninth
        day, more = int(found["day"].replace("-", "")), int(found["more"] or -1)
        age = -(day * 10**7 + more + 1)
        return RotatedName(found["stem"] + (found["extension"] or ""), "date", (age, found["date"]))
    return RotatedName(found["stem"], found["single"], (0, ""))  # two schemes: neither is newer than the other


Listings = dict[str, asyncio.Future[Sequence[DirectoryEntry]]]


@dataclass(slots=True)
class ListedOnce:
    """A host's files, each folder listed once; `listings` may be shared."""

    files: FileReader
    listings: Listings = field(default_factory=dict)

    async def stat(self, path: str) -> FileStat | None:
        """See `FileReader`."""
        return await self.files.stat(path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `FileReader`; the second time it is what the first time told."""
        if directory not in self.listings:
            self.listings[directory] = asyncio.ensure_future(self.files.list(directory))
        return await asyncio.shield(self.listings[directory])

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `FileReader`."""
        return await self.files.read(path, offset, length)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as its directory lists it: the size of a compressed one is not what it unpacks to."""

    path: str
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Sibling(ListedFile):
    """A rotated copy of a log. `age` orders siblings of one naming scheme: a greater one is older."""

    scheme: str
    age: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file with lines that were not read, and how far it was read."""

    position: FilePosition
    stat: FileStat

    @property
    def size(self) -> int:
        """How many bytes of it were not read."""
        return self.stat.size - self.position.offset


@dataclass(frozen=True, slots=True)
class Found:
    """What a search showed. `match` is the file that was read before, None where it is not there; `newer` are the
    copies that were rotated after it, oldest first: without it, those that were written since the visit.

    `is_settled` is False where a file went away while it was looked at or is still being compressed: the next visit
    will see more. `copies` are all that were there, `refused` are the copies that could not be looked at.
    """

    match: Unread | None
    newer: Sequence[Sibling] = ()
    copies: Sequence[Sibling] = ()
    is_settled: bool = True
    refused: Sequence[FileUnreadableError] = ()


async def find_read_file(
    files: FileReader, log: str, stat: FileStat | None, current: FilePosition, skip: str | None
) -> Found:
    """Find the file that `current` stands in: the log's own, or a rotated copy of it.

    `stat` is that of the log's own path, None while it is away. `skip` is the path of a copy that is read elsewhere.
    """
    siblings = [sibling for sibling in await list_siblings(files, log) if sibling.path != skip]
    own = [ListedFile(log, stat)] if stat else []
    found = await _first_match(files, current, _in_order_of_trust(current, own, siblings))
    if found.match is None:
        return replace(found, newer=_written_since(siblings, current), copies=siblings)
    if found.match.position.path == log:
        return found
    return replace(found, newer=newer_siblings(siblings, found.match.position.path))


def _written_since(siblings: Sequence[Sibling], current: FilePosition) -> Sequence[Sibling]:
    """Return the copies that hold only what came after a visit, oldest first: the file of the visit is gone."""
    later = [sibling for sibling in siblings if sibling.stat.mtime > current.mtime]
    if not later:
        return ()
    oldest = max(later, key=lambda sibling: (sibling.scheme, sibling.age))
    return [oldest, *newer_siblings(siblings, oldest.path)]


async def find_rotated(files: UnpackedFiles, log: str, position: FilePosition) -> Found:
    """Find a file that was rotated before under its name of now. One that was compressed as we left it is not: nothing
    of it is unread.
    """
    siblings = [sibling for sibling in await list_siblings(files, log) if _may_hold(position, sibling)]
    if not position.head_size and not position.offset:
        # It stood empty, so the bytes of any file would fit: it is known by its inode, or not at all.
        siblings = [one for one in siblings if position.inode is not None and one.stat.inode == position.inode]
    for sibling in siblings:
        if await _was_compressed_as_left(files.files, position, sibling):
            return Found(None)
    untouched_first = sorted(siblings, key=lambda one: (not is_unchanged(position, one.stat), is_compressed(one.path)))
    return await _first_match(files, position, untouched_first)


async def _was_compressed_as_left(packed: FileReader, position: FilePosition, sibling: Sibling) -> bool:
    """Tell without unpacking whether a copy is the file of a position of which all was read: gzip keeps the time of the
    last line, and puts the size (modulo 2^32) last.
    """
    if not sibling.path.endswith(".gz") or unread_bytes(position) or sibling.stat.mtime != position.mtime:
        return False
    try:
        trailer = await packed.read(sibling.path, max(0, sibling.stat.size - GZIP_SIZE_BYTES), GZIP_SIZE_BYTES)
    except FileUnreadableError:
        return False
    return int.from_bytes(trailer, "little") == position.size % 2**32


async def are_same_copies(files: FileReader, log: str, found: Found, skip: str | None) -> bool:
    """Tell whether no rotation came since a search, so that what was not found is not there."""
    return [sibling for sibling in await list_siblings(files, log) if sibling.path != skip] == list(found.copies)


async def is_still_there(
    files: FileReader, log: str, first: FilePosition, newer: Sequence[Sibling], skip: str | None
) -> bool:
    """Tell whether the file of a position still has its name, and the same copies are newer than it.

    A rotation that came in between moved the file or added a name.
    """
    siblings = [sibling for sibling in await list_siblings(files, log) if sibling.path != skip]
    if not any(sibling.path == first.path for sibling in siblings):
        return False
    is_same, _ = await _holds(files, first)
    return is_same and [one.path for one in newer_siblings(siblings, first.path)] == [one.path for one in newer]


async def list_siblings(files: FileReader, log: str) -> Sequence[Sibling]:
    """List the rotated copies beside a log, the newest first. One that is there compressed and plain is listed plain:
    it is being compressed at this moment.
    """
    folder, name = posixpath.split(log)
    stem, _ = posixpath.splitext(name)  # what each of its copies begins with; reading 100,000 names takes half a second
    try:
        entries = await files.list(folder or ".")
    except FileUnreadableError:
        return ()
    beside = [entry for entry in entries if entry.name.startswith(stem) and entry.stat.regular]
    found = {
        (rotated.scheme, rotated.age): Sibling(
            posixpath.join(folder, entry.name), entry.stat, rotated.scheme, rotated.age
        )
        for entry in sorted(beside, key=lambda entry: not is_compressed(entry.name))
        if (rotated := rotated_name(entry.name)) and rotated.log == name
    }
    return sorted(_by_age(list(found.values())), key=lambda sibling: (-sibling.stat.mtime, sibling.age))


def _by_age(siblings: Sequence[Sibling]) -> Sequence[Sibling]:
    """Turn the numbers round where they grow with time, as log4j2 counts: there the greatest is the youngest."""
    numbered = sorted((one for one in siblings if one.scheme == "number"), key=lambda one: one.age)
    times = [one.stat.mtime for one in numbered]
    if len(numbered) < GROWING_COPIES or not all(earlier < later for earlier, later in pairwise(times)):
        return siblings
    return [replace(one, age=(-one.age[0], one.age[1])) if one.scheme == "number" else one for one in siblings]


def newer_siblings(siblings: Sequence[Sibling], path: str) -> Sequence[Sibling]:
    """Return the siblings that were rotated after the one at `path`, oldest first."""
    [base] = [sibling for sibling in siblings if sibling.path == path]
    newer = [sibling for sibling in siblings if sibling.scheme == base.scheme and sibling.age < base.age]
    return sorted(newer, key=lambda sibling: sibling.age, reverse=True)


def _in_order_of_trust(
    current: FilePosition, own: Sequence[ListedFile], rotated: Sequence[Sibling]
) -> Sequence[ListedFile]:
    """Order the candidates so that the first whose bytes match is the right one; `rotated` has the newest first.

    The same inode comes first, and what must be unpacked last. A file that cannot be known by its bytes is looked for
    among the copies that were written since our visit, the oldest first, before the log itself: its start may be the
    same in every file.
    """
    possible = [one for one in rotated if _may_hold(current, one)]
    if not is_recognisable(current):
        oldest_first = sorted(possible, key=lambda one: (one.scheme, one.age), reverse=True)
        return [*(one for one in oldest_first if _may_be_later(current, one.stat)), *own]
    plain = [one for one in [*own, *possible] if not is_compressed(one.path)]
    # the first that was rotated after our visit is the one, and few are worth the bytes
    packed = sorted((one for one in possible if is_compressed(one.path)), key=lambda one: one.stat.mtime)
    same_inode_first = sorted(plain, key=lambda one: current.inode not in {None, one.stat.inode})
    return [*same_inode_first, *packed[:MOST_UNPACKED]]


def _may_hold(position: FilePosition, candidate: ListedFile) -> bool:
    """Tell whether a copy is worth being unpacked: compressing keeps the time of the last line, or sets a later one."""
    return not is_compressed(candidate.path) or candidate.stat.mtime >= int(position.mtime)


def _may_be_later(current: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file may be the one of our visit: written since then, or, if it was not empty, left as it was."""
    return stat.mtime > current.mtime or (current.size > 0 and int(stat.mtime) == int(current.mtime))


async def _first_match(files: FileReader, position: FilePosition, candidates: Sequence[ListedFile]) -> Found:
    refused: list[FileUnreadableError] = []
    for candidate in candidates:
        at = replace(position, path=candidate.path)
        is_match, stat = await _look(files, candidate, at, refused)
        if is_match and stat:
            return Found(Unread(at, stat), refused=refused)
    gone = [error for error in refused if error.transient or await _is_gone(files, error.path)]
    return Found(None, is_settled=not gone, refused=refused)


async def _look(
    files: FileReader, candidate: ListedFile, at: FilePosition, refused: list[FileUnreadableError]
) -> tuple[bool, FileStat | None]:
    """Tell whether a candidate is the file, with the size that counts; note what could not be looked at."""
    if candidate.stat.size < _seen(at) and not is_compressed(candidate.path):
        return False, None
    try:
        return await _holds(files, at)
    except FileUnreadableError as error:
        refused.append(error)
        return False, None


def _seen(position: FilePosition) -> int:
    return position.offset if is_recognisable(position) else position.size


async def _holds(files: FileReader, position: FilePosition) -> tuple[bool, FileStat | None]:
    """Tell whether a file holds the bytes that were seen there, and its size when unpacked: those before the offset,
    or, where they are few, all from the start, an unfinished line included.
    """
    known = min(FINGERPRINT_BYTES, position.offset)
    seen = known if is_recognisable(position) else max(known, position.head_size)
    before = await files.read(position.path, position.offset - known, seen)
    if fingerprint(before[:known]) != position.fingerprint:
        return False, None
    if seen > known and fingerprint(before[: position.head_size]) != position.head:
        return False, None
    stat = await files.stat(position.path)
    return stat is not None and stat.size >= _seen(position), stat


async def _is_gone(files: FileReader, path: str) -> bool:
    try:
        return await files.stat(path) is None
    except FileUnreadableError:
        return False
