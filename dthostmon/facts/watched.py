"""The files of the configured globs, read over `session.files` in any case: their own bytes, owner and mode.

What is told are records (see `records`): first one of what could not be looked at, then one for each file.
"""

import asyncio
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
GROWTH_BYTES = 4096  # by which a file may be longer than its size says: it was written, or the kernel makes it up
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class _Plan:
    """A file to read. `keeps_text`: what it holds is passed on."""

    path: str
    found: FileStat
    keeps_text: bool


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
        matched = _Matched()
        await asyncio.gather(*(_match(files, pattern, matched) for pattern in dict.fromkeys(patterns)))
        chosen = {path: matched.files[path] for path in sorted(matched.files)[:MAX_FILES]}
        plans = list(_plans(chosen))
        told = await asyncio.gather(*(_record(files, plan, matched) for plan in plans))
        limits = list(_limits(len(matched.files), len(chosen) - len(plans)))
        missing = {
            "files": [*limits, *sorted(matched.refused)],
            "histories": [*limits, *sorted(matched.refused_histories)],
        }
        unread = "; ".join(sorted(matched.unread))[:LONGEST_REASON]
        return Told(records.written([missing, *filter(None, told)]), unread or None)

    return tell


async def _match(files: FactFiles, pattern: str, matched: _Matched) -> None:
    try:
        if globs.is_glob(pattern):
            expanded = await globs.expand(files, pattern)
            matched.files |= {path: found for path, found in expanded.found.items() if found.regular}
            matched.refuse(pattern, expanded.refused)
        elif (found := await files.stat(pattern)) and found.regular:
            matched.files[pattern] = found
    except FileUnreadableError as error:
        matched.refuse(pattern, [error])


def _plans(files: Mapping[str, FileStat]) -> Iterator[_Plan]:
    """Choose what is read and what is kept, by the sizes that were told: the same files each time."""
    left, text_left = MAX_BYTES, TEXT_BYTES
    for path, found in files.items():
        size = min(found.size, LONGEST_TEXT)
        if size <= left:
            left -= size
            keeps = found.size <= min(text_left, LONGEST_TEXT) and not is_history(path)
            text_left -= found.size if keeps else 0
            yield _Plan(path, found, keeps)


def _limits(found: int, unread: int) -> Iterator[str]:
    if found > MAX_FILES:
        yield f"the globs match {found} files, more than the {MAX_FILES} that are watched"
    if unread:
        yield f"{unread} files not read: together they hold more than {MAX_BYTES // 1024**2} MiB"


async def _record(files: FactFiles, plan: _Plan, matched: _Matched) -> records.Record | None:
    """Tell of one file; None where nothing can be told of it, which is noted."""
    found = await _with_owner(files, plan.path, plan.found)
    record: dict[str, object] = {
        "path": plan.path,
        "size": found.size,
        "mtime": int(found.mtime),
        "mode": None if found.mode is None else stat.S_IMODE(found.mode),
        "uid": found.uid,
        "gid": found.gid,
    }
    try:
        return record | await _content(files, plan)
    except FileUnreadableError as error:
        matched.unread.append(str(error))
        if not is_history(plan.path):
            return record  # owner and mode are worth to be watched too
        matched.refuse(plan.path, [error])
        return None


async def _with_owner(files: FactFiles, path: str, found: FileStat) -> FileStat:
    """Look at a file itself where the listing that named it told no owner, as that of a collector program."""
    if found.uid is not None:
        return found
    try:
        return await files.stat(path) or found
    except FileUnreadableError:
        return found


async def _content(files: FactFiles, plan: _Plan) -> dict[str, object]:
    """Tell what a file holds.

    What is larger than LONGEST_TEXT has a digest of its size, time and both ends: what it costs to read all of it each
    time is out of proportion, and what is written there changes the time.
    """
    path, size = plan.path, plan.found.size
    if is_history(path):
        start = max(0, size - LONGEST_TEXT)
        return {"history": await files.piece(path, start, LONGEST_TEXT), "cut": start > 0}
    if size > LONGEST_TEXT:
        ends = [await files.piece(path, start, END_BYTES) for start in (0, size - END_BYTES)]
        stamp = f"{size} {plan.found.mtime:.0f} ".encode()
        return {"digest": f"parts:{sha256(stamp + b''.join(ends)).hexdigest()}"}
    held = await _whole(files, path, size)
    told: dict[str, object] = {"size": len(held), "digest": sha256(held).hexdigest()}
    is_text = plan.keeps_text and len(held) <= size + GROWTH_BYTES and b"\0" not in held
    return told | {"content": held} if is_text else told


async def _whole(files: FactFiles, path: str, size: int) -> bytes:
    """Return what a file holds, in one piece where it is as long as was told: what is asked for more than that takes
    requests of its own.
    """
    expected = min(LONGEST_TEXT, size + GROWTH_BYTES)
    held = await files.piece(path, 0, expected)
    if len(held) < expected or expected == LONGEST_TEXT:
        return held
    return held + await files.piece(path, expected, LONGEST_TEXT - expected)
