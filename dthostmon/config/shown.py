"""What is in force, for `config show`: each value with its origin, secrets masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dthostmon.config.checks import SSH_KEYS
from dthostmon.config.configuration import Configuration
from dthostmon.config.document import Document, KeyPath, dotted
from dthostmon.config.inheritance import INHERITED, layers
from dthostmon.config.models import HostSettings, Machine, Overrides
from dthostmon.config.structure import feature_missing, key_of
from dthostmon.model import TransportKind


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """One line of `config show`; `origin` is "default", a file and line, a site, or an environment variable."""

    path: str
    text: str
    origin: str


def effective_values(configuration: Configuration, host: str | None) -> tuple[EffectiveValue, ...]:
    """Tell what is in force: of everything, or of one host with what it inherits (NotFoundError: no such host)."""
    document, settings = configuration.document, configuration.settings
    values = dict(_leaves(settings, ()))
    if host is None:
        return tuple(_effective(document, path, path, text) for path, text in values.items())
    index = configuration.hosts.index(configuration.host(host))
    return tuple(_of_host(document, settings.hosts[index], index, values))


def _of_host(
    document: Document, own: HostSettings, index: int, values: Mapping[KeyPath, str]
) -> Iterator[EffectiveValue]:
    for path, text in _leaves(own, (), only_set=False):
        if path[0] in Machine.model_fields and text != "null":
            yield _effective(document, path, ("hosts", index, *path), text)
    for key, overall in INHERITED.items():
        if own.transport is TransportKind.LOCAL and key in SSH_KEYS:
            continue
        for rest in _below(values, overall, *layers(index, own.site, key)):
            source = next(layer for layer in layers(index, own.site, key, rest) if layer in values)
            yield _effective(document, (key, *rest), source, values[source])


def _below(values: Mapping[KeyPath, str], overall: KeyPath, *over: KeyPath) -> Iterator[KeyPath]:
    """Yield what is set below a key, and what a site or a host adds to the maps there."""
    found = [path[len(overall) :] for path in values if path[: len(overall)] == overall]
    added = [path[len(layer) :] for layer in over for path in values if path[: len(layer)] == layer]
    maps = [rest for rest in added if rest and all(isinstance(part, str) for part in rest)]
    yield from dict.fromkeys([*found, *maps])


def _effective(document: Document, path: KeyPath, source: KeyPath, text: str) -> EffectiveValue:
    return EffectiveValue(dotted(path), text, _origin(document, source))


def _origin(document: Document, path: KeyPath) -> str:
    if not document.has(path):
        return "default"
    place = document.place(path)
    if place.variable:
        return f"environment {place.variable}"
    written = f"{Path(document.where).name}:{place.line}"
    return f"site {path[1]} ({written})" if path[0] == "sites" else written


def _leaves(section: BaseModel, path: KeyPath, *, only_set: bool = False) -> Iterator[tuple[KeyPath, str]]:
    """Yield every value below a section as text. Sites and hosts tell only what they set themselves."""
    rendered = section.model_dump(mode="json", by_alias=True)
    for name, field in type(section).model_fields.items():
        if feature_missing(field) or (only_set and name not in section.model_fields_set):
            continue
        key = key_of(name, field)
        yield from _leaf(getattr(section, name), rendered[key], (*path, key), only_set=only_set)


def _leaf(value: Any, rendered: Any, path: KeyPath, *, only_set: bool) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, BaseModel):
        yield from _leaves(value, path, only_set=only_set or isinstance(value, Overrides))
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaf(below, rendered[key], (*path, key), only_set=only_set)
    elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        for index, item in enumerate(value):
            yield from _leaf(item, rendered[index], (*path, index), only_set=only_set)
    else:
        yield path, _text(rendered)


def _text(rendered: Any) -> str:
    if rendered is None:
        return "null"
    if isinstance(rendered, bool):
        return str(rendered).lower()
    if isinstance(rendered, list):
        return ", ".join(map(str, rendered)) if rendered else "[]"
    return f"{rendered:g}" if isinstance(rendered, float) else str(rendered)
