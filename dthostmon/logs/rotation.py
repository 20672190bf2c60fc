"""Where the rest of a log is after a rotation: the rotated files beside it, and which of them is the one that was
read.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.logs.positions import FINGERPRINT_BYTES, fingerprint, is_recognisable, is_unchanged, start_of
from dthostmon.model import FilePosition
from dthostmon.transport import Files, FileStat

NUMBERED = re.compile(r"\.(\d{1,5})")
DATED = re.compile(r"[-.](\d{8}(?:[-.T]?\d{1,6})?)")


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
        Sibling(posixpath.join(folder, entry.name), entry.stat, *rank)
        for entry in entries
        if entry.stat.regular and entry.name.startswith(name) and (rank := rank_of(entry.name[len(name) :]))
    ]
    return sorted(found, key=lambda sibling: (-sibling.stat.mtime, sibling.age))


def rank_of(suffix: str) -> tuple[str, tuple[int, str]] | None:
    """Return the naming scheme and the age that the end of a rotated file's name tells, None where it is no such
    name.
    """
    if numbered := NUMBERED.fullmatch(suffix):
        return "number", (int(numbered[1]), "")
    if dated := DATED.fullmatch(suffix):
        digits = re.sub(r"\D", "", dated[1]).ljust(14, "0")
        return "date", (-int(digits), suffix)
    if suffix in {".old", ".bak"}:
        return "single", (0, "")
    return None


def newer_siblings(siblings: Sequence[Sibling], path: str) -> Sequence[Sibling]:
    """Return the siblings that were rotated after the one at `path`, oldest first."""
    [base] = [sibling for sibling in siblings if sibling.path == path]
    newer = [sibling for sibling in siblings if sibling.scheme == base.scheme and sibling.age < base.age]
    return sorted(newer, key=lambda sibling: sibling.age, reverse=True)


def _at(position: FilePosition, path: str) -> FilePosition:
    return FilePosition(
        path, position.offset, position.size, position.mtime, position.inode, position.fingerprint, position.unchanged
    )


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
