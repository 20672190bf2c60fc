"""From a file and the environment to a `Configuration`, or to all problems at once."""

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from dthostmon.config.checks import cross_checks
from dthostmon.config.configuration import Configuration
from dthostmon.config.document import Document, KeyPath, line_and_column, parse
from dthostmon.config.environment import override
from dthostmon.config.fields import database_password
from dthostmon.config.inheritance import effective_thresholds, layers, levels_of_mounts, make_hosts
from dthostmon.config.models import Overrides, Settings
from dthostmon.config.problems import from_validation, shortened
from dthostmon.config.sections import Levels, Sustain
from dthostmon.config.sources import SourceFile, UnusableFileError, read_source, unreadable
from dthostmon.config.structure import is_secret
from dthostmon.config.substitution import Substitution
from dthostmon.errors import ConfigurationError, Problem
from dthostmon.model import Host, TransportKind

FILE_VARIABLE = "DTHOSTMON_CONFIG"
FILE_PLACES = (Path("dthostmon.yaml"), Path("/etc/dthostmon/dthostmon.yaml"))


def find_file(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """Choose the file: the given one, $DTHOSTMON_CONFIG, ./dthostmon.yaml, /etc/dthostmon/dthostmon.yaml.

    Raises ConfigurationError where none of the last two exists; the first two are taken at their word.
    """
    if explicit is not None:
        return explicit
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    for place in FILE_PLACES:
        if os.path.exists(place):  # noqa: PTH110  # Path.exists raises where a folder may not be looked into
            return place
    looked = f"no -c FILE, no ${FILE_VARIABLE}, no readable ./{FILE_PLACES[0]} and no readable {FILE_PLACES[1]}"
    message = f"{looked}; 'dthostmon config init' writes one to start from"
    raise ConfigurationError([Problem("configuration", 0, 0, "", message)])


def load(path: Path, environ: Mapping[str, str], edited: str | None = None) -> Configuration:
    """Read, check and resolve a configuration; raises ConfigurationError with every problem that it has.

    `edited` is the text that the file shall hold: it is checked instead of what the file holds.
    """
    source, text = _read(path)
    text = text if edited is None else edited
    document, problems = parse(text, str(path))
    substitution = Substitution(path.parent, environ)
    document, misnamed = override(substitution.apply(document), environ)
    settings, mistakes = _validate(document)
    problems += [*substitution.problems, *misnamed, *mistakes, *cross_checks(document)]
    if settings is not None and not problems:
        problems += [*_disordered_levels(document, settings), *_impossible_sustains(document, settings)]
    if settings is None or problems:
        raise ConfigurationError(_in_order(problems))
    hosts, wrong_ways = _make_hosts(document, settings, environ)
    if wrong_ways:
        raise ConfigurationError(_in_order(wrong_ways))
    warnings = tuple(_warnings(document, settings, source, hosts))
    return Configuration(path, settings, hosts, warnings, (source, *substitution.sources), document)


def _read(path: Path) -> tuple[SourceFile, str]:
    try:
        source, data = read_source(path)
    except FileNotFoundError as exc:
        message = "there is no such file; 'dthostmon config init' writes one to start from"
        raise ConfigurationError([Problem(str(path), 0, 0, "", message)]) from exc
    except (OSError, UnusableFileError) as exc:
        raise ConfigurationError([Problem(str(path), 0, 0, "", f"cannot be used: {unreadable(exc)}")]) from exc
    return source, _decode(data, str(path))


def _decode(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = data[: exc.start].decode("utf-8-sig", "replace")
        line, column = line_and_column(before, len(before))
        message = f"found the byte 0x{data[exc.start]:02x}, which is not UTF-8; save the file as UTF-8"
        raise ConfigurationError([Problem(where, line, column, "", message)]) from exc


def _validate(document: Document) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(document.tree), []
    except ValidationError as exc:
        return None, list(from_validation(document, exc))


def _make_hosts(
    document: Document, settings: Settings, environ: Mapping[str, str]
) -> tuple[tuple[Host, ...], list[Problem]]:
    hosts: list[Host] = []
    problems: list[Problem] = []
    sites = {host.name: (index, host.site) for index, host in enumerate(settings.hosts)}
    for made in make_hosts(settings, environ):
        if isinstance(made, Host):
            hosts.append(made)
        else:
            *inner, overall = layers(*sites[made.host], "jump")
            problems.append(document.problem(next(filter(document.has, inner), overall), str(made)))
    return tuple(hosts), problems


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by place, the file's problems first; of several at one key keep the first, which explains the others."""
    first: dict[tuple[str, int, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.where, problem.line, problem.column, problem.path), problem)
    return sorted(first.values(), key=lambda problem: (not problem.line, problem.where, problem.line, problem.column))


def _disordered_levels(document: Document, settings: Settings) -> Iterator[Problem]:
    """Yield a problem where a higher severity would begin at a lower percentage, after all merging."""
    for path, site, host in _layers(settings):
        thresholds = effective_thresholds(settings, site, host)
        of_mounts = levels_of_mounts(thresholds.disk).items()
        all_levels: dict[KeyPath, Levels] = {(name,): getattr(thresholds, name) for name in ("cpu", "memory", "disk")}
        all_levels |= {("disk", "mounts", mount): levels for mount, levels in of_mounts}
        for below, levels in all_levels.items():
            if not _rising(levels):
                message = (
                    f"info {levels.info}, warn {levels.warn}, critical {levels.critical}: expected rising percentages"
                )
                yield document.problem((*path, "thresholds", *below), message)


def _impossible_sustains(document: Document, settings: Settings) -> Iterator[Problem]:
    """Yield a problem where a level would have to be reached in more visits than are looked at, after all merging."""
    for path, site, host in _layers(settings):
        thresholds = effective_thresholds(settings, site, host)
        for name in ("cpu", "memory", "disk"):
            sustain: Sustain = getattr(thresholds, name).sustain
            if sustain.cycles > sustain.of:
                message = f"cycles {sustain.cycles}, of {sustain.of}: expected cycles to be no more than of"
                yield document.problem((*path, "thresholds", name, "sustain"), message)


def _layers(settings: Settings) -> Iterator[tuple[KeyPath, Overrides, Overrides]]:
    """Yield every place that thresholds can be set at, with the site and the host that count there."""
    nothing = Overrides()
    yield (), nothing, nothing
    for name, site in settings.sites.items():
        yield ("sites", name), site, nothing
    for index, host in enumerate(settings.hosts):
        yield ("hosts", index), settings.sites[host.site] if host.site else nothing, host


def _rising(levels: Levels) -> bool:
    set_levels = [level for level in (levels.info, levels.warn, levels.critical) if level is not None]
    return set_levels == sorted(set_levels)


def _warnings(document: Document, settings: Settings, source: SourceFile, hosts: Sequence[Host]) -> Iterator[Problem]:
    if not settings.hosts:
        yield document.problem(("hosts",), "no hosts: nothing is watched; add one under hosts")
    yield from _logs_that_need_a_shell(document, hosts)
    if not source.others_read:
        return
    for path, place in document.values.items():
        if place.literal and not place.variable and _holds_secret(document, settings, path):
            yield document.problem(
                path,
                f"a literal secret in a file that others can read; 'chmod 600 {source.path}',"
                " or write ${file:PATH}, ${cred:NAME} or ${VAR} instead",
            )


def _logs_that_need_a_shell(document: Document, hosts: Sequence[Host]) -> Iterator[Problem]:
    """Yield a warning for each log that a command reads and that hosts without a shell shall have."""
    waiting: dict[tuple[KeyPath, str], list[str]] = {}
    for index, host in enumerate(hosts):
        *inner, overall = layers(index, host.site, "logs")
        path = next(filter(document.find, inner), overall)
        for number, pattern in enumerate(host.logs if host.transport is TransportKind.SFTP else ()):
            if not pattern.startswith("/"):
                waiting.setdefault(((*path, number), pattern), []).append(host.name)
    for (path, pattern), names in waiting.items():
        listed = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        message = (
            f"'{shortened(pattern)}' takes a command to read, and transport sftp gives none: never read on {listed}"
        )
        yield document.problem(path, f"{message}; leave it out there, or write transport: ssh")


def _holds_secret(document: Document, settings: Settings, path: KeyPath) -> bool:
    if path == ("database", "url"):
        return bool(database_password(settings.database.url))
    value = document.find(path)
    return isinstance(value, str) and bool(value) and is_secret(Settings, path)
