"""What pydantic found, said in the words of the file: where, what was found, what would be right."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from dthostmon.config.document import Document, KeyPath, Value
from dthostmon.config.models import Settings
from dthostmon.config.structure import is_secret, known_keys
from dthostmon.errors import Problem

SHOWN_CHARACTERS = 60
_NAME = re.compile(r"'([^']+)'")

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "keys and values",
    "mapping_type": "keys and values",
    "model_type": "keys and values",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "string_type": "a text (in quotes, where it looks like something else)",
    "tuple_type": "a list: [a, b], or lines that start with '- '",
}


def from_validation(document: Document, error: ValidationError) -> Iterator[Problem]:
    """Turn every error of one validation into problems with their places."""
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["loc"][-1:] == ("[key]",) and detail["type"] == "literal_error":
            yield document.problem(path, _unknown_name(str(path[-1]), detail["ctx"]["expected"]), at_key=True)
        else:
            yield from _from_detail(document, path, detail["type"], detail.get("ctx", {}), detail["msg"])


def _from_detail(document: Document, path: KeyPath, kind: str, context: dict[str, Any], text: str) -> Iterator[Problem]:
    if kind == "extra_forbidden":
        yield document.problem(path, _unknown_key(path), at_key=True)
    elif kind == "missing":
        yield document.problem(path, f"the key '{path[-1]}' is missing")
    elif kind == "not_yet":
        for below in context["below"]:
            yield document.problem((*path, *below), text, at_key=bool(below))
    else:
        yield document.problem(path, f"found {_found(document, path)}; expected {_expected(kind, context, text)}")


def _unknown_name(name: str, expected: str) -> str:
    """Say of a key that is chosen from a list of names, and not of a model's fields."""
    return f"unknown key '{shortened(name)}'{did_you_mean(name, tuple(_NAME.findall(expected)))}"


def _unknown_key(path: KeyPath) -> str:
    key, keys = str(path[-1]), known_keys(Settings, path[:-1])
    return f"unknown key '{shortened(key)}'{did_you_mean(key, keys)}"


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """Return the nearest known name as the end of a message, or all of them where they are few, or nothing."""
    from difflib import get_close_matches  # seldom needed

    near = get_close_matches(name.lower(), known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known are {', '.join(known)}" if 0 < len(known) <= 12 else ""


def shortened(text: str) -> str:
    """Cut text for a message and make what does not print visible."""
    visible = text if text.isprintable() else repr(text)[1:-1]
    return visible if len(visible) <= SHOWN_CHARACTERS else visible[:SHOWN_CHARACTERS] + "…"


def _found(document: Document, path: KeyPath) -> str:
    place, value = document.place(path), document.find(path)
    if not place.literal:
        return "something else in what ${…} stands for"
    if is_secret(Settings, path):
        return "something else (a secret, not shown)"
    return _shown(value)


def _shown(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{shortened(value)}'" if isinstance(value, str) else f"{value}"


def _expected(kind: str, context: dict[str, Any], text: str) -> str:
    if kind == "expected":
        return str(context["what"])
    if kind in {"literal_error", "enum"}:
        return str(context["expected"])
    return _EXPECTED.get(kind) or text[:1].lower() + text[1:]
