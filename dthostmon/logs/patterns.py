"""From the configured patterns to the logs of a host."""

import asyncio
import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import problems
from dthostmon.model import Finding, HostState
from dthostmon.transport import DirectoryEntry, Files, FileStat

ROTATED_NAME = re.compile(
    r"(?P<base>.+?)(?P<suffix>\.\d{1,5}|-\d{8}(?:[-.T]?\d{1,6})?|\.old|\.bak)(?P<packed>\.(?:gz|xz|zst|bz2|lz4))?"
)
COMPRESSED_NAME = re.compile(r".+\.(?:gz|xz|zst|bz2|lz4)")
GLOB_CHARACTERS = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class MatchedLog:
    """A log that a pattern names. `stat` is None while its file is away (between the two steps of a rotation, say).

    `is_new_pattern`: only patterns that were never visited before match it, so the look-back applies.
    """

    path: str
    stat: FileStat | None
    is_new_pattern: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """The logs in the order of their patterns, the patterns that could be looked at, and what was wrong with the
    others.
    """

    logs: tuple[MatchedLog, ...]
    patterns: frozenset[str]
    problems: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    pattern: str
    files: Mapping[str, FileStat]
    problem: Finding | None = None


async def match_logs(files: Files, patterns: Sequence[str], state: HostState, newest: int) -> Matched:
    """Find the logs that the patterns name: regular files, at most the `newest` ones, each once, rotated copies left
    out.

    A log that was read before and whose file is away stays in the list: its last lines may be waiting in a rotated
    file.
    """
    matches = await asyncio.gather(*(_match_pattern(files, pattern) for pattern in patterns))
    found = {path: stat for match in matches for path, stat in match.files.items()}
    kept = _without_rotated_copies(found)
    chosen = _newest(kept, newest)
    trouble = [match.problem for match in matches if match.problem]
    if len(chosen) < len(kept):
        trouble.append(problems.too_many_files(len(kept), newest))
    known = {path for match in matches if match.pattern in state.patterns for path in match.files}
    logs = [MatchedLog(path, stat, path not in known) for path, stat in kept.items() if path in chosen]
    away = [
        MatchedLog(path, None, is_new_pattern=False)
        for path in state.cursors
        if path not in kept and _names_any(patterns, path)
    ]
    return Matched(
        logs=(*logs, *away),
        patterns=frozenset(
            match.pattern for match in matches if match.problem is None or match.files or not is_glob(match.pattern)
        ),
        problems=tuple(trouble),
    )


def is_glob(pattern: str) -> bool:
    """Tell whether a pattern may name several files."""
    return GLOB_CHARACTERS.search(pattern) is not None


async def _match_pattern(files: Files, pattern: str) -> _Match:
    try:
        if is_glob(pattern):
            return _Match(pattern, await _expand(files, pattern))
        return await _match_one(files, pattern)
    except FileUnreadableError as error:
        return _Match(pattern, {}, problems.unreadable(error.path, error.reason))


async def _match_one(files: Files, path: str) -> _Match:
    stat = await files.stat(path)
    if stat is None:
        return _Match(path, {}, problems.missing(path))
    if not stat.regular:
        return _Match(path, {}, problems.not_a_regular_file(path, directory=stat.directory))
    return _Match(path, {path: stat})


async def _expand(files: Files, pattern: str) -> Mapping[str, FileStat]:
    """Expand a glob one path component at a time; a directory that may not be listed is an error only where nothing
    else matched.
    """
    folders = ["/" if pattern.startswith("/") else "."]
    *parents, last = pattern.strip("/").split("/")
    for part in parents:
        folders = await _matching_folders(files, folders, part)
    entries = await _matching_entries(files, folders, last)
    plain = [(path, entry) for path, entry in entries if not COMPRESSED_NAME.fullmatch(path)]
    return {path: stat for path, stat in await _resolve_links(files, plain) if stat.regular}


async def _matching_folders(files: Files, folders: Sequence[str], part: str) -> list[str]:
    if not is_glob(part):
        return [posixpath.join(folder, part) for folder in folders]
    entries = await _matching_entries(files, folders, part)
    return [path for path, stat in await _resolve_links(files, entries) if stat.directory]


async def _matching_entries(files: Files, folders: Sequence[str], part: str) -> list[tuple[str, DirectoryEntry]]:
    listings = await _list_all(files, folders)
    return [
        (posixpath.join(folder, entry.name), entry)
        for folder, listing in listings
        for entry in listing
        if _matches(entry.name, part)
    ]


async def _list_all(files: Files, folders: Sequence[str]) -> list[tuple[str, Sequence[DirectoryEntry]]]:
    listings: list[tuple[str, Sequence[DirectoryEntry]]] = []
    refused: FileUnreadableError | None = None
    for folder in folders:
        try:
            listings.append((folder, await files.list(folder)))
        except FileUnreadableError as error:
            refused = error
    if refused and not listings:
        raise refused
    return listings


async def _resolve_links(files: Files, entries: Sequence[tuple[str, DirectoryEntry]]) -> list[tuple[str, FileStat]]:
    """Return the stats of what the entries lead to; a link that leads nowhere is left out."""
    resolved = []
    for path, entry in entries:
        stat = await _stat_or_none(files, path) if entry.link else entry.stat
        if stat is not None:
            resolved.append((path, stat))
    return resolved


async def _stat_or_none(files: Files, path: str) -> FileStat | None:
    try:
        return await files.stat(path)
    except FileUnreadableError:
        return None


def _matches(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)


def _names_any(patterns: Iterable[str], path: str) -> bool:
    parts = path.split("/")
    return any(
        len(parts) == len(pattern_parts := pattern.split("/")) and all(map(_matches_or_equal, parts, pattern_parts))
        for pattern in patterns
    )


def _matches_or_equal(name: str, part: str) -> bool:
    return name == part or _matches(name, part)


def _without_rotated_copies(found: Mapping[str, FileStat]) -> dict[str, FileStat]:
    """Leave out what a rotation made of another matched log: its lines are read as part of that log."""
    return {
        path: stat
        for path, stat in found.items()
        if not ((name := ROTATED_NAME.fullmatch(path)) and name["base"] in found)
    }


def _newest(found: Mapping[str, FileStat], count: int) -> frozenset[str]:
    if len(found) <= count:
        return frozenset(found)
    return frozenset(sorted(found, key=lambda path: found[path].mtime, reverse=True)[:count])
