"""The files of the configured globs, read over `session.files` in any case: their own bytes, owner and mode.

What is told are records (see `records`): first one of what could not be looked at, then one for each file.
"""

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import records
from dthostmon.facts.histories import is_history
from dthostmon.facts.sources import FactFiles, Source, Told
from dthostmon.transport import FileStat, globs

MAX_FILES = 500
MAX_BYTES = 8 * 1024 * 1024  # that are read of all files in one visit
LONGEST_TEXT = 256 * 1024  # what is longer is no configuration that anybody reads a diff of
TEXT_BYTES = 1024 * 1024  # of all files together: it is held until the visit ends, and is searched for secrets
END_BYTES = 64 * 1024
LONGEST_REASON = 300


@dataclass(slots=True)
class _Budget:
    """What may still be read and kept."""

    left: int
    text_left: int
    unread: int = 0

    def take(self, size: int) -> bool:
        """Tell whether so many bytes may be read, and count them."""
        if size > self.left:
            self.unread += 1
            return False
        self.left -= size
        return True

    def keep(self, size: int) -> bool:
        """Tell whether so many bytes may be kept, and count them."""
        if size > self.text_left:
            return False
        self.text_left -= size
        return True


@dataclass(slots=True)
class _Matched:
    files: dict[str, FileStat] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    refused_histories: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def refuse(self, pattern: str, errors: Iterable[FileUnreadableError]) -> None:
        """Note what could not be looked at, so that nobody takes it for gone."""
        refused = self.refused_histories if is_history(pattern) else self.refused
        refused += [str(error)[:LONGEST_REASON] for error in errors]


def watched(patterns: Sequence[str]) -> Source:
    """Make the source that tells of the files that some globs name."""

    async def tell(files: FactFiles) -> Told:
        matched = await _match(files, patterns)
        budget = _Budget(MAX_BYTES, TEXT_BYTES)
        chosen = sorted(matched.files)[:MAX_FILES]
        told = [record for path in chosen if (record := await _record(files, path, matched, budget))]
        limits = list(_limits(len(matched.files), budget))
        missing = {"files": [*limits, *matched.refused], "histories": [*limits, *matched.refused_histories]}
        return Told(records.written([missing, *told]), "; ".join(matched.unread)[:LONGEST_REASON] or None)

    return tell


async def _match(files: FactFiles, patterns: Sequence[str]) -> _Matched:
    matched = _Matched()
    for pattern in dict.fromkeys(patterns):
        try:
            if globs.is_glob(pattern):
                expanded = await globs.expand(files, pattern)
                matched.files |= {path: found for path, found in expanded.found.items() if found.regular}
                matched.refuse(pattern, expanded.refused)
            elif (found := await files.stat(pattern)) and found.regular:
                matched.files[pattern] = found
        except FileUnreadableError as error:
            matched.refuse(pattern, [error])
    return matched


def _limits(found: int, budget: _Budget) -> Iterator[str]:
    if found > MAX_FILES:
        yield f"the globs match {found} files, more than the {MAX_FILES} that are watched"
    if budget.unread:
        yield f"{budget.unread} files not read: together they hold more than {MAX_BYTES // 1024**2} MiB"


async def _record(files: FactFiles, path: str, matched: _Matched, budget: _Budget) -> records.Record | None:
    """Tell of one file; None where nothing can be told of it, which is noted."""
    found = await _with_owner(files, path, matched.files[path])
    if not budget.take(min(found.size, LONGEST_TEXT)):
        return None
    record: dict[str, object] = {
        "path": path,
        "size": found.size,
        "mtime": int(found.mtime),
        "mode": None if found.mode is None else stat.S_IMODE(found.mode),
        "uid": found.uid,
        "gid": found.gid,
    }
    try:
        return record | await _content(files, path, found, budget)
    except FileUnreadableError as error:
        matched.unread.append(str(error))
        if not is_history(path):
            return record  # owner and mode are worth to be watched too
        matched.refuse(path, [error])
        return None


async def _with_owner(files: FactFiles, path: str, found: FileStat) -> FileStat:
    """Look at a file itself where the listing that named it told no owner, as that of a collector program."""
    if found.uid is not None:
        return found
    try:
        return await files.stat(path) or found
    except FileUnreadableError:
        return found


async def _content(files: FactFiles, path: str, found: FileStat, budget: _Budget) -> dict[str, object]:
    """Tell what a file holds.

    What is larger than LONGEST_TEXT has a digest of its size, time and both ends: what it costs to read all of it each
    time is out of proportion, and what is written there changes the time.
    """
    if is_history(path):
        start = max(0, found.size - LONGEST_TEXT)
        return {"history": await files.piece(path, start, LONGEST_TEXT), "cut": start > 0}
    if found.size > LONGEST_TEXT:
        ends = [await files.piece(path, start, END_BYTES) for start in (0, found.size - END_BYTES)]
        stamp = f"{found.size} {found.mtime:.0f} ".encode()
        return {"digest": f"parts:{sha256(stamp + b''.join(ends)).hexdigest()}"}
    held = await files.piece(path, 0, LONGEST_TEXT + 1)
    told: dict[str, object] = {"size": len(held), "digest": sha256(held).hexdigest()}
    if len(held) > LONGEST_TEXT or b"\0" in held or not budget.keep(len(held)):
        return told
    return told | {"content": held}
