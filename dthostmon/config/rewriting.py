"""Changes the configuration's file: the new text is read and checked as a whole before it replaces the old one."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dthostmon.config.configuration import Configuration
from dthostmon.config.document import Value
from dthostmon.config.editing import add_host, remove_host
from dthostmon.config.loading import load
from dthostmon.config.replacement import locked_folder, replace_file
from dthostmon.config.sources import UnusableFileError, read_source, unreadable
from dthostmon.errors import ConfigurationError, Problem
from dthostmon.model import Host


def write_host(
    path: Path, environ: Mapping[str, str], values: Mapping[str, Value], approve: Callable[[Host], None]
) -> Host:
    """Add a host to the file and return it; `approve` sees it first, and nothing is written where that raises.

    Raises ConfigurationError for a file or a host that is not right; then nothing is written either.
    """
    with _rewriting(path):
        before, (text, mark) = load(path, environ), _read(path)
        edited = add_host(text, str(path), values)
        after = _load_with(before, environ, edited)
        _demand_names(after, [*(host.name for host in before.hosts), str(values["name"])])
        approve(after.hosts[-1])
        replace_file(path, mark + edited.encode())
    return after.hosts[-1]


def erase_host(path: Path, environ: Mapping[str, str], name: str) -> Host:
    """Take a host out of the file and return it; raises NotFoundError, and ConfigurationError as `write_host`."""
    with _rewriting(path):
        before, (text, mark) = load(path, environ), _read(path)
        removed = before.host(name)
        edited = remove_host(text, str(path), before.hosts.index(removed))
        after = load(path, environ, edited)
        _demand_names(after, [host.name for host in before.hosts if host.name != name])
        replace_file(path, mark + edited.encode())
    return removed


@contextmanager
def _rewriting(path: Path) -> Iterator[None]:
    try:
        with locked_folder(path):
            yield
    except (OSError, UnusableFileError) as error:
        raise ConfigurationError([Problem(str(path), 0, 0, "", f"not changed: {unreadable(error)}")]) from error


def _read(path: Path) -> tuple[str, bytes]:
    """Return the text and the byte order mark before it."""
    data = read_source(path)[1]
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    return data.removeprefix(mark).decode(), mark


def _load_with(before: Configuration, environ: Mapping[str, str], edited: str) -> Configuration:
    """Check the text with the new host in it; what is wrong with the host is said of the host, not of a line that
    nobody has seen.
    """
    try:
        return load(before.path, environ, edited)
    except ConfigurationError as error:
        problems = error.problems
        new = f"hosts[{len(before.hosts)}]"
        raise ConfigurationError([_of_new_host(one, new) for one in problems]) from error


def _of_new_host(problem: Problem, new: str) -> Problem:
    if not problem.path.startswith(new):
        return problem
    return replace(problem, where="the new host", line=0, column=0, path=problem.path.removeprefix(new).lstrip("."))


def _demand_names(after: Configuration, names: list[str]) -> None:
    if [host.name for host in after.hosts] != names:
        message = "not changed: the hosts are not those of this file; look for a variable DTHOSTMON__HOSTS"
        raise ConfigurationError([Problem(str(after.path), 0, 0, "hosts", message)])
