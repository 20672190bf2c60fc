"""Where the rest of a log is after a rotation: the rotated files beside it, and which of them is the one that was
read.
"""

import asyncio
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dthostmon.errors import FileUnreadableError
from dthostmon.logs.positions import FINGERPRINT_BYTES, fingerprint, is_recognisable, is_unchanged, start_of
from dthostmon.model import FilePosition
from dthostmon.transport import DirectoryEntry, Files, FileStat, FileSystemUsage

COMPRESSIONS = r"(?:gz|xz|zst|bz2|lz4)"
STAMP = r"(?:\d{8}|\d{4}-\d\d-\d\d)(?:[-._T]?\d{1,6})?"
# What rotations make of `app.log`: app.log.1, app.log-20260131, app.log.2026-01-31, app-20260131.log, app.log.old.
ROTATED = re.compile(
    r"(?P<stem>.+?)"
    rf"(?:\.(?P<number>\d{{1,5}})|[-.](?P<date>{STAMP})(?P<extension>\.[a-z]{{1,6}})?|\.(?P<single>old|bak))"
)
COMPRESSED = re.compile(rf".+\.{COMPRESSIONS}")


@dataclass(frozen=True, slots=True)
class RotatedName:
    """What a rotated file's name tells: its log, the naming scheme, and an age that is greater for an older file."""

    log: str
    scheme: str
    age: tuple[int, str]


def rotated_name(name: str) -> RotatedName | None:
    """Read the name of a rotated file, compressed or not; None where it is no such name."""
    plain = re.sub(rf"\.{COMPRESSIONS}$", "", name)
    found = ROTATED.fullmatch(plain)
    if found is None:
        return None
    if found["number"]:
        return RotatedName(found["stem"], "number", (int(found["number"]), ""))
    if found["date"]:
        digits = re.sub(r"\D", "", found["date"]).ljust(14, "0")
        return RotatedName(found["stem"] + (found["extension"] or ""), "date", (-int(digits), found["date"]))
    return RotatedName(found["stem"], "single", (0, ""))


@dataclass(slots=True)
class ListedOnce:
    """A host's files, each folder listed once."""

    files: Files
    _listings: dict[str, asyncio.Future[Sequence[DirectoryEntry]]] = field(default_factory=dict)

    async def stat(self, path: str) -> FileStat | None:
        """See `Files`."""
        return await self.files.stat(path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `Files`; the second time it is what the first time told."""
        if directory not in self._listings:
            self._listings[directory] = asyncio.ensure_future(self.files.list(directory))
        return await asyncio.shield(self._listings[directory])

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Files`."""
        return await self.files.read(path, offset, length)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `Files`."""
        return await self.files.usage(path)

    async def link(self, path: str) -> str | None:
        """See `Files`."""
        return await self.files.link(path)


@dataclass(frozen=True, slots=True)
class Sibling:
    """A rotated, uncompressed copy of a log. `age` orders siblings of one naming scheme: a greater one is older."""

    path: str
    stat: FileStat
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


async def unread_chain(
    files: Files, log: str, stat: FileStat | None, current: FilePosition, skip: str | None
) -> Sequence[Unread]:
    """Return the files that hold what came after `current`, oldest first: the one that was read, newer siblings, the
    log itself.

    `stat` is that of the log's own path, None while it is away. `skip` is the path of a rotated file whose rest is
    read elsewhere. Empty where the file that was read is gone.
    """
    siblings = [sibling for sibling in await list_siblings(files, log) if sibling.path != skip]
    own = [Unread(_at(current, log), stat)] if stat else []
    rotated = [Unread(_at(current, sibling.path), sibling.stat) for sibling in siblings]
    match = await _first_match(files, [*_in_order_of_trust(current, own, rotated)])
    if match is None:
        return ()
    if match.position.path == log:
        return (match,)
    newer = [
        Unread(start_of(sibling.path, sibling.stat), sibling.stat)
        for sibling in newer_siblings(siblings, match.position.path)
    ]
    return (match, *newer, *([Unread(start_of(log, stat), stat)] if stat else []))


async def find_rotated(files: Files, log: str, position: FilePosition) -> Unread | None:
    """Find a file that was rotated before under its name of now; None where it is gone (or compressed)."""
    siblings = await list_siblings(files, log)
    untouched_first = sorted(siblings, key=lambda sibling: not is_unchanged(position, sibling.stat))
    return await _first_match(files, [Unread(_at(position, sibling.path), sibling.stat) for sibling in untouched_first])


async def list_siblings(files: Files, log: str) -> Sequence[Sibling]:
    """List the rotated, uncompressed copies beside a log, the newest first."""
    folder, name = posixpath.split(log)
    try:
        entries = await files.list(folder or ".")
    except FileUnreadableError:
        return ()
    found = [
        Sibling(posixpath.join(folder, entry.name), entry.stat, rotated.scheme, rotated.age)
        for entry in entries
        if entry.stat.regular and not COMPRESSED.fullmatch(entry.name) and (rotated := rotated_name(entry.name))
        if rotated.log == name
    ]
    return sorted(found, key=lambda sibling: (-sibling.stat.mtime, sibling.age))


def newer_siblings(siblings: Sequence[Sibling], path: str) -> Sequence[Sibling]:
    """Return the siblings that were rotated after the one at `path`, oldest first."""
    [base] = [sibling for sibling in siblings if sibling.path == path]
    newer = [sibling for sibling in siblings if sibling.scheme == base.scheme and sibling.age < base.age]
    return sorted(newer, key=lambda sibling: sibling.age, reverse=True)


def _at(position: FilePosition, path: str) -> FilePosition:
    return replace(position, path=path)


def _in_order_of_trust(current: FilePosition, own: Sequence[Unread], rotated: Sequence[Unread]) -> Sequence[Unread]:
    """Order the candidates so that the first whose bytes match is the right one; `rotated` has the newest first.

    The same inode comes first. A file that cannot be known by its bytes is looked for among the copies that were
    written since our visit, the oldest first, before the log itself: its start may be the same in every file.
    """
    if is_recognisable(current):
        return sorted([*own, *rotated], key=lambda unread: current.inode not in {None, unread.stat.inode})
    return [*(unread for unread in reversed(rotated) if _may_be_later(current, unread.stat)), *own]


def _may_be_later(current: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file may be the one of our visit: written since then, or, if it was not empty, left as it was."""
    return stat.mtime > current.mtime or (current.size > 0 and stat.mtime == current.mtime)


async def _first_match(files: Files, candidates: Sequence[Unread]) -> Unread | None:
    for candidate in candidates:
        if await _holds(files, candidate):
            return candidate
    return None


async def _holds(files: Files, candidate: Unread) -> bool:
    """Tell whether a file holds, before the offset, the bytes that were read there."""
    position = candidate.position
    seen = position.offset if is_recognisable(position) else position.size
    if candidate.stat.size < seen:
        return False
    known = min(FINGERPRINT_BYTES, position.offset)
    try:
        before = await files.read(position.path, position.offset - known, known)
    except FileUnreadableError:
        return False
    return fingerprint(before) == position.fingerprint
