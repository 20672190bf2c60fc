"""From the configured patterns to the logs of a host."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import problems
from dthostmon.logs.compressed import is_compressed
from dthostmon.logs.rotation import rotated_name
from dthostmon.model import Finding, HostState
from dthostmon.transport import FileReader, FileStat, globs


@dataclass(frozen=True, slots=True)
class MatchedLog:
    """A log that `patterns` name. `stat` is None while its file is away (between the two steps of a rotation, say).

    `is_new_pattern`: only patterns that were never visited before match it, so the look-back applies.
    """

    path: str
    stat: FileStat | None
    patterns: tuple[str, ...]
    is_new_pattern: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """The logs in the order of their patterns, the patterns that could be looked at, and what was wrong with others."""

    logs: tuple[MatchedLog, ...]
    patterns: frozenset[str]
    problems: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    pattern: str
    files: Mapping[str, FileStat]
    problems: tuple[Finding, ...] = ()
    is_visited: bool = True


async def match_logs(files: FileReader, patterns: Sequence[str], state: HostState, newest: int) -> Matched:
    """Find the logs that the patterns name: regular files, the `newest` ones, each path once, without rotated copies.

    A log that was read before and whose file is away stays in the list: its last lines may be waiting in a rotated
    file.
    """
    matches = await asyncio.gather(*(_match_pattern(files, pattern) for pattern in patterns))
    found = {path: stat for match in matches for path, stat in match.files.items()}
    known = [path for path in state.cursors if _names_any(patterns, path)]
    kept = _without_rotated_copies(found, known)
    chosen = _newest(kept, newest)
    too_many = [problems.too_many_files(len(kept), newest)] if len(chosen) < len(kept) else []
    logs = [_matched_log(path, stat, matches, state) for path, stat in kept.items() if path in chosen]
    away = [MatchedLog(path, None, (), is_new_pattern=False) for path in known if path not in found]
    return Matched(
        logs=(*logs, *away),
        patterns=frozenset(match.pattern for match in matches if match.is_visited),
        problems=(*(problem for match in matches for problem in match.problems), *too_many),
    )


def _matched_log(path: str, stat: FileStat, matches: Sequence[_Match], state: HostState) -> MatchedLog:
    naming = tuple(match.pattern for match in matches if path in match.files)
    return MatchedLog(path, stat, naming, is_new_pattern=state.patterns.isdisjoint(naming))


async def _match_pattern(files: FileReader, pattern: str) -> _Match:
    try:
        return await (_match_glob(files, pattern) if globs.is_glob(pattern) else _match_one(files, pattern))
    except FileUnreadableError as error:
        return _Match(pattern, {}, (problems.unreadable(error.path, error.reason),), is_visited=False)


async def _match_one(files: FileReader, path: str) -> _Match:
    if is_compressed(path):
        return _Match(path, {}, (problems.compressed(path),))
    stat = await files.stat(path)
    if stat is None:
        return _Match(path, {}, (problems.missing(path),))
    if not stat.regular:
        return _Match(path, {}, (problems.not_a_regular_file(path, directory=stat.directory),))
    return _Match(path, {path: stat})


async def _match_glob(files: FileReader, pattern: str) -> _Match:
    expanded = await globs.expand(files, pattern, is_wanted=lambda path: not is_compressed(path))
    logs = {path: stat for path, stat in expanded.found.items() if stat.regular}
    told = tuple(problems.unlistable(error.path, error.reason, is_all=not logs) for error in expanded.refused)
    return _Match(pattern, logs, told, is_visited=bool(logs) or not expanded.refused)


def _names_any(patterns: Iterable[str], path: str) -> bool:
    parts = path.split("/")
    return any(
        len(parts) == len(pattern_parts := pattern.split("/")) and all(map(_matches_or_equal, parts, pattern_parts))
        for pattern in patterns
    )


def _matches_or_equal(name: str, part: str) -> bool:
    return name == part or globs.matches_name(name, part)


def _without_rotated_copies(found: Mapping[str, FileStat], known: Iterable[str]) -> dict[str, FileStat]:
    """Leave out what a rotation made of another log, matched or known and away for now: its lines are read as part of
    that log.
    """
    followed = {*found, *known}
    return {path: stat for path, stat in found.items() if not ((name := rotated_name(path)) and name.log in followed)}


def _newest(found: Mapping[str, FileStat], count: int) -> frozenset[str]:
    if len(found) <= count:
        return frozenset(found)
    return frozenset(sorted(found, key=lambda path: found[path].mtime, reverse=True)[:count])
