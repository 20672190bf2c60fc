"""`config.example.yaml`: every key with its meaning and an example, made from the models."""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dthostmon.config.models import Overrides, Settings
from dthostmon.config.structure import feature_missing, is_mapping, is_on_wish, item_section, key_of, section_of

COMMENT_COLUMNS = 100
INDENT = "  "

_HEADER = """\
# Every key of dthostmon's configuration, with its meaning. What is not commented out is a working configuration;
# the values are the defaults unless the key has none. A short file to start from: 'dthostmon config init'.
#
# Any value may hold ${VAR}, ${VAR:-default}, ${file:PATH} (relative to this file) or ${cred:NAME} (a systemd
# credential); $${ is a literal ${. A variable such as DTHOSTMON__MONITORING__INTERVAL=5m stands over the file.
# Durations: 30s, 5m, 1h, 7d. Sizes: 512B, 64KiB, 4MiB. Host over site over global: lists replace, maps merge.
"""

_PLAIN = re.compile(
    r"[A-Za-z/~][A-Za-z0-9 ._/@~-]*(:[A-Za-z0-9/.]+)*|[0-9]+(s|m|h|d|KiB|MiB)|[0-9]+(\.[0-9]+){3}(:[0-9]+)?"
)
_WORDS_OF_YAML = frozenset({"null", "true", "false", "yes", "no", "on", "off"})


def example_text() -> str:
    """Return the complete example file."""
    sections = ("\n".join(_entry(Settings, name, field)) for name, field in Settings.model_fields.items())
    return _HEADER + "\n" + "\n\n".join(sections) + "\n"


def _section(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield from _entry(model, name, field)


def _entry(owner: type[BaseModel], name: str, field: FieldInfo) -> Iterator[str]:
    """Yield the lines of one key: its description, then the key with its value or the section below it."""
    feature = feature_missing(field)
    yield from _comment(f"{field.description} Not available yet." if feature else str(field.description))
    lines = [*_lines_of(owner, name, field)]
    is_off = feature or is_on_wish(field) or _inherits(owner, name)
    yield from (f"# {line}" for line in lines) if is_off else lines


def _inherits(owner: type[BaseModel], name: str) -> bool:
    return issubclass(owner, Overrides) and name in Overrides.model_fields


def _lines_of(owner: type[BaseModel], name: str, field: FieldInfo) -> Iterator[str]:
    key, section, items = key_of(name, field), section_of(field.annotation), item_section(field.annotation)
    if section and not _inherits(owner, name):
        yield f"{key}:"
        yield from _indented(_section(section))
    elif items and name == "sites":
        yield f"{key}:"
        yield from _indented(iter(["chicago:", *_indented(_site_lines(items))]))
    elif items and not is_mapping(field.annotation):
        yield f"{key}:"
        yield from _indented(_list_item(items))
    else:
        yield f"{key}: {flow(_example_value(owner, name, field))}"


def _site_lines(model: type[BaseModel]) -> Iterator[str]:
    """Yield a site that sets one key, so that the others may stay commented out."""
    for name, field in model.model_fields.items():
        lines = [*_entry(model, name, field)]
        yield from (line.removeprefix("# ") if name == "thresholds" and line == lines[-1] else line for line in lines)


def _list_item(model: type[BaseModel]) -> Iterator[str]:
    """Yield one item of a list; its first line that is no comment carries the dash."""
    lines = [*_section(model)]
    start = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    yield from lines[:start]
    yield f"- {lines[start]}"
    yield from _indented(iter(lines[start + 1 :]))


def _example_value(owner: type[BaseModel], name: str, field: FieldInfo) -> Any:
    """Choose the default where it says something, else the example."""
    says_nothing = field.default in (None, ()) or (is_on_wish(field) and not field.default)
    if field.is_required() or says_nothing or _inherits(owner, name):
        return field.examples[0] if field.examples else None
    default = owner.model_construct().model_dump(mode="json", by_alias=True)[key_of(name, field)]
    return default if default != "" or not field.examples else field.examples[0]


def flow(value: Any) -> str:
    """Render a value in YAML's flow style, texts without quotes where they need none."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS_OF_YAML:
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(text, COMMENT_COLUMNS))


def _indented(lines: Iterator[str]) -> Iterator[str]:
    yield from (INDENT + line for line in lines)
