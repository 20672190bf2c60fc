"""The JSON Schema of the file, for editors that check and complete YAML."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from dthostmon.config.models import Overrides, Settings
from dthostmon.config.sections import Section
from dthostmon.config.structure import key_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "${VAR}, ${VAR:-default}, ${file:PATH} or ${cred:NAME}",
}
_SCALARS = frozenset({"integer", "number", "boolean"})


def schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of dthostmon.yaml."""
    made = Settings.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = made["$defs"]
    for model in _models(Section):
        if made_section := definitions.get(model.__name__):
            made_section["type"] = ["object", "null"]  # a section may be there and empty
            _finish(model, made_section["properties"])
    _finish(Settings, made["properties"])
    widened = _widened(made)
    widened["$defs"]["Reference"] = _REFERENCE
    return {"$schema": DIALECT, **widened}


def _models(root: type[BaseModel]) -> list[type[BaseModel]]:
    return [model for child in root.__subclasses__() for model in (child, *_models(child))]


def _finish(model: type[BaseModel], properties: Mapping[str, dict[str, Any]]) -> None:
    """Write defaults as a user would, and no null where a key is left out to inherit."""
    rendered = model.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
    for name, field in model.model_fields.items():
        made = properties[key_of(name, field)]
        if issubclass(model, Overrides) and field.default is None:
            made.pop("default", None)
            made["anyOf"] = [choice for choice in made.get("anyOf", []) if choice != {"type": "null"}]
        elif field.default is not PydanticUndefined:
            made["default"] = rendered[key_of(name, field)]


def _widened(made: Any) -> Any:
    """Let `${…}` stand wherever the schema asks for more than any text."""
    if isinstance(made, list):
        return [_widened(item) for item in made]
    if not isinstance(made, dict):
        return made
    widened = {key: _widened_part(key, value) for key, value in made.items()}
    if not _constrains_text(made):
        return widened
    notes = {
        key: widened.pop(key) for key in ("title", "description", "default", "examples", "$comment") if key in widened
    }
    return {**notes, "anyOf": [widened, {"$ref": "#/$defs/Reference"}]}


def _constrains_text(made: Mapping[str, Any]) -> bool:
    kind = made.get("type")
    return isinstance(kind, str) and (
        kind in _SCALARS or (kind == "string" and bool({"pattern", "enum"} & made.keys()))
    )


def _widened_part(key: str, value: Any) -> Any:
    if key in {"properties", "$defs"}:
        return {name: _widened(below) for name, below in value.items()}
    return _widened(value) if key in {"anyOf", "items", "additionalProperties"} else value
