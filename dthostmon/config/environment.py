"""Values that environment variables `DTHOSTMON__SECTION__KEY` set over the file's."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from dthostmon.config.document import Document, KeyPath, Place, Value
from dthostmon.config.models import Settings
from dthostmon.errors import Problem

ENVIRONMENT_PREFIX = "DTHOSTMON__"
ENVIRONMENT_DELIMITER = "__"


def override(document: Document, environ: Mapping[str, str]) -> tuple[Document, list[Problem]]:
    """Merge the variables over the document, the general ones first; each value's place is then its variable."""
    problems: list[Problem] = []
    for variable in sorted(name for name in environ if name.upper().startswith(ENVIRONMENT_PREFIX)):
        values = _read(variable, environ[variable])
        if isinstance(values, Problem):
            problems.append(values)
        else:
            document = _merge(document, variable, values)
    return document, problems


def _read(variable: str, text: str) -> dict[str, Value] | Problem:
    """Let pydantic-settings read one variable, so that what it says is about this one.

    It is imported here because most daemons have no such variable, and it costs 5 MB.
    """
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

    source = EnvSettingsSource(
        cast("type[BaseSettings]", Settings), env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter=ENVIRONMENT_DELIMITER
    )
    source.env_vars = {variable.lower(): text}
    where = f"environment variable {variable}"
    try:
        values = cast("dict[str, Value]", source())
    except SettingsError:  # no JSON: the text itself is the value, such as 0.0.0.0:8080
        source.config = {**source.config, "enable_decoding": False}
        values = cast("dict[str, Value]", source())
    if not values:
        return Problem(where, 0, 0, "", f"unknown name{_nearest_variable(variable)}")
    return values


def _nearest_variable(variable: str) -> str:
    from difflib import get_close_matches  # seldom needed

    first, *rest = variable[len(ENVIRONMENT_PREFIX) :].split(ENVIRONMENT_DELIMITER)
    near = get_close_matches(first.lower(), list(Settings.model_fields), n=1)
    return f"; did you mean {'__'.join([ENVIRONMENT_PREFIX.rstrip('_'), near[0].upper(), *rest])}?" if near else ""


def _merge(document: Document, variable: str, values: dict[str, Value]) -> Document:
    places = dict(document.values)
    for path in _ends(values):
        stale = [known for known in places if known[: len(path)] == path]
        for known in stale:
            del places[known]
        places[path] = Place(variable=variable, literal=True)
    return replace(document, tree=_overlay(document.tree, values), values=places)


def _ends(value: Value, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _ends(below, (*path, key))
    else:
        yield path


def _overlay(base: dict[str, Value], over: dict[str, Value]) -> dict[str, Value]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
