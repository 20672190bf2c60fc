"""Globs on a host: no shell expands them, so that a name can do nothing but match."""

import asyncio
import fnmatch
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dthostmon.errors import FileUnreadableError
from dthostmon.transport.session import DirectoryEntry, FileStat

MAX_MATCHES = 100_000  # names that one step of a glob may lead to: folders of folders multiply
STATS_AT_ONCE = 32
GLOB_CHARACTERS = re.compile(r"[*?\[]")


class Folders(Protocol):
    """What tells of files and folders, as `session.FileReader` does."""

    async def stat(self, path: str) -> FileStat | None:
        """See `session.FileReader`."""

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.FileReader`."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a glob leads to, links followed, and which folders could not be looked into."""

    found: Mapping[str, FileStat]
    refused: Sequence[FileUnreadableError]


def is_glob(pattern: str) -> bool:
    """Tell whether a pattern may name several files."""
    return GLOB_CHARACTERS.search(pattern) is not None


async def expand(files: Folders, pattern: str, is_wanted: Callable[[str], bool] = lambda _: True) -> Expanded:
    """Expand a glob one path component at a time; a folder that may not be listed hides only what is in it.

    Links of paths that are not wanted are not followed. Raises VisitError where the connection died.
    """
    refused: list[FileUnreadableError] = []
    folders = ["/" if pattern.startswith("/") else "."]
    *parents, last = pattern.strip("/").split("/")
    for part in parents:
        folders = await _matching_folders(files, folders, part, refused)
    if not is_glob(last):
        paths = [path for folder in folders if is_wanted(path := posixpath.join(folder, last))]
        return Expanded(await _present(files, paths, refused), refused)
    entries = await _matching_entries(files, folders, last, refused)
    wanted = [(path, entry) for path, entry in entries if is_wanted(path)]
    return Expanded(dict(await _resolve_links(files, wanted)), refused)


def matches_name(name: str, part: str) -> bool:
    """Tell whether one component of a glob matches a name; a leading dot must be written out."""
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)


async def _matching_folders(
    files: Folders, folders: Sequence[str], part: str, refused: list[FileUnreadableError]
) -> list[str]:
    if not is_glob(part):
        return [posixpath.join(folder, part) for folder in folders]
    entries = await _matching_entries(files, folders, part, refused)
    return [path for path, stat in await _resolve_links(files, entries) if stat.directory]


async def _matching_entries(
    files: Folders, folders: Sequence[str], part: str, refused: list[FileUnreadableError]
) -> list[tuple[str, DirectoryEntry]]:
    entries: list[tuple[str, DirectoryEntry]] = []
    for folder in folders:
        try:
            listing = await files.list(folder)
        except FileUnreadableError as error:
            refused.append(error)
            continue
        entries += [(posixpath.join(folder, entry.name), entry) for entry in listing if matches_name(entry.name, part)]
        if len(entries) > MAX_MATCHES:
            refused.append(FileUnreadableError(folder, f"the pattern leads to more than {MAX_MATCHES} names"))
            break
    return entries


async def _present(files: Folders, paths: Sequence[str], refused: list[FileUnreadableError]) -> Mapping[str, FileStat]:
    """Look for one name in several folders; to list each of them would tell much that nobody asked for."""
    found: dict[str, FileStat] = {}
    for start in range(0, len(paths), STATS_AT_ONCE):
        some = paths[start : start + STATS_AT_ONCE]
        stats = await asyncio.gather(*(_stat_or_refusal(files, path) for path in some))
        refused += (stat for stat in stats if isinstance(stat, FileUnreadableError))
        found |= {path: stat for path, stat in zip(some, stats, strict=True) if isinstance(stat, FileStat)}
    return found


async def _stat_or_refusal(files: Folders, path: str) -> FileStat | FileUnreadableError | None:
    try:
        return await files.stat(path)
    except FileUnreadableError as error:
        return FileUnreadableError(posixpath.dirname(path), error.reason)


async def _resolve_links(files: Folders, entries: Sequence[tuple[str, DirectoryEntry]]) -> list[tuple[str, FileStat]]:
    """Return the stats of what the entries lead to; a link that leads nowhere is left out."""
    resolved = []
    for path, entry in entries:
        stat = await _stat_or_none(files, path) if entry.link else entry.stat
        if stat is not None:
            resolved.append((path, stat))
    return resolved


async def _stat_or_none(files: Folders, path: str) -> FileStat | None:
    try:
        return await files.stat(path)
    except FileUnreadableError:
        return None
