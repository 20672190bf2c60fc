"""What keys exist where, read from the models."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from dthostmon.config.document import KeyPath
from dthostmon.config.fields import NotYet, OnWish


def key_of(name: str, field: FieldInfo) -> str:
    """Return the key as the file writes it, which is not the field's name where that is a word of Python."""
    return field.alias or name


def feature_missing(field: FieldInfo) -> str | None:
    """Name what a key is waiting for; None where it works."""
    return next((marker.feature for marker in field.metadata if isinstance(marker, NotYet)), None)


def is_on_wish(field: FieldInfo) -> bool:
    """Tell whether the example of a key is no default."""
    return any(isinstance(marker, OnWish) for marker in field.metadata)


def known_keys(root: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """Return the keys that may stand at a path, () where it is no section."""
    section = section_at(root, path)
    return tuple(key_of(*item) for item in section.model_fields.items()) if section else ()


def section_at(root: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """Return the model of the section at a path."""
    found: Any = root
    for part in path:
        found = _below(found, part)
    return section_of(found)


def is_secret(root: type[BaseModel], path: KeyPath) -> bool:
    """Tell whether the value at a path, or one that contains it, must never be shown."""
    found: Any = root
    for part in path:
        found = _below(found, part)
        if SecretStr in _alternatives(found):
            return True
    return False


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation such as `X`, `X | None` or `Annotated[X, …]`."""
    models = (found for found in _alternatives(annotation) if isinstance(found, type) and issubclass(found, BaseModel))
    return next(models, None)


def item_section(annotation: Any) -> type[BaseModel] | None:
    """Return the model of the items in a list or the values in a mapping."""
    return section_of(_below(annotation, 0))


def is_mapping(annotation: Any) -> bool:
    """Tell whether an annotation is that of a mapping."""
    return any(get_origin(found) is Mapping for found in _alternatives(annotation))


def _below(annotation: Any, part: str | int) -> Any:
    section = section_of(annotation)
    if section is not None:
        fields = {key_of(name, field): field.annotation for name, field in section.model_fields.items()}
        return fields.get(str(part))
    for found in _alternatives(annotation):
        arguments = [argument for argument in get_args(found) if argument is not Ellipsis]
        if arguments:
            return arguments[-1]
    return None


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for alternative in get_args(annotation):
            yield from _alternatives(alternative)
    else:
        yield annotation
