"""Adds hosts to the text of a configuration and takes them out; every character beside them stays as it is.

ruamel's round trip would keep the comments, but set indents, spaces and long lines anew. So it only tells where things
stand, the text is cut there, and the result is read again and compared before anybody gets it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from dthostmon.config.document import Value, parse
from dthostmon.errors import ConfigurationError, Problem

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*|[0-9]{1,3}(\.[0-9]{1,3}){3}")
_WORDS_OF_YAML = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_INDENT = 2


@dataclass(frozen=True, slots=True)
class _Piece:
    """A value as it stands in the text, from `start` to `end`, comments after it excluded.

    `inner` holds the items of a list, or key, value, key, value, … of a mapping. `in_flow`: written with brackets.
    """

    kind: str
    start: int
    end: int
    column: int
    text: str = ""
    in_flow: bool = False
    inner: "tuple[_Piece, ...]" = ()

    @property
    def is_empty(self) -> bool:
        """Whether this is `[]`, `null` or nothing at all."""
        empty_list = self.kind == "list" and self.in_flow and not self.inner
        return empty_list or (self.kind == "scalar" and self.text in {"", "~", "null"})


@dataclass(frozen=True, slots=True)
class _Outline:
    """The top of a document: its root, the end of its text, and `hosts` with its key where it has them."""

    root: _Piece
    end: int
    key: _Piece | None = None
    hosts: _Piece | None = None


def add_host(text: str, where: str, values: Mapping[str, Value]) -> str:
    """Return the text with one more host after the others. `where` names the file in errors.

    Raises ConfigurationError where the text is no configuration, or writes its hosts in a way that this cannot edit.
    """
    tree, outline = _read(text, where)
    hosts = tree.get("hosts") or []
    if not isinstance(hosts, list):
        raise _uneditable(where, "hosts is no list")
    if outline.hosts and outline.hosts.kind == "alias":
        raise _uneditable(where, "hosts is an alias of another list")
    return _checked(_with_host(text, outline, values), where, {**tree, "hosts": [*hosts, dict(values)]})


def remove_host(text: str, where: str, index: int) -> str:
    """Return the text without the host at `index`. Comments above it stay, those within it go. Raises as `add_host`."""
    tree, outline = _read(text, where)
    hosts = tree.get("hosts")
    if not isinstance(hosts, list) or not outline.hosts or index >= len(outline.hosts.inner):
        raise _uneditable(where, "hosts does not list it")
    edited = _without_host(text, outline, index)
    return _checked(edited, where, {**tree, "hosts": hosts[:index] + hosts[index + 1 :]})


def _read(text: str, where: str) -> tuple[dict[str, Value], _Outline]:
    document, problems = parse(text, where)
    if problems:
        raise ConfigurationError(problems)
    return document.tree, _outline(text)


def _checked(edited: str, where: str, tree: dict[str, Value]) -> str:
    """Return the edited text; raises ConfigurationError where it does not say exactly what was meant."""
    try:
        document, problems = parse(edited, where)
    except ConfigurationError as error:
        raise _uneditable(where, error.problems[0].message) from error
    if problems or document.tree != tree:
        raise _uneditable(where, "the change would change more than the host")
    return edited


def _uneditable(where: str, why: str) -> ConfigurationError:
    return ConfigurationError([Problem(where, 0, 0, "hosts", f"not changed: {why}; edit the list of hosts by hand")])


def _outline(text: str) -> _Outline:
    events = iter([*YAML(typ="safe", pure=True).parse(text)][2:])  # after the starts of stream and document
    root = _piece(next(events), events)
    last = next(event for event in events if isinstance(event, DocumentEndEvent))
    end = last.start_mark.index if last.explicit else len(text)
    for key, value in zip(root.inner[::2], root.inner[1::2], strict=True):
        if key.text == "hosts":
            return _Outline(root, end, key, _after_colon(text, key) if value.start == value.end else value)
    return _Outline(root, end)


def _after_colon(text: str, key: _Piece) -> _Piece:
    """Return the place of a value that is not there: ruamel puts it below the comments that follow."""
    colon = text.index(":", key.end) + 1
    return _Piece("scalar", colon, colon, 0)


def _piece(event: Any, events: Iterator[Any]) -> _Piece:
    start, end, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
    if isinstance(event, ScalarEvent):
        return _Piece("scalar", start, end, column, event.value if event.style is None else f"'{event.value}")
    if isinstance(event, AliasEvent):
        return _Piece("alias", start, end, column)
    kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
    inner, last = [], end
    while not isinstance(event := next(events), SequenceEndEvent | MappingEndEvent):
        inner.append(_piece(event, events))
        last = inner[-1].end
    # The end of a block is where the next thing begins, comments between them included: its last value tells better.
    in_flow = event.end_mark.index > event.start_mark.index
    return _Piece(kind, start, event.end_mark.index if in_flow else last, column, "", in_flow, tuple(inner))


def _with_host(text: str, outline: _Outline, values: Mapping[str, Value]) -> str:
    hosts = outline.hosts
    if hosts is None:
        return _with_section(text, outline, values)
    if hosts.is_empty and not outline.root.in_flow and "#" not in text[hosts.start : hosts.end]:
        return _with_first_host(text, hosts, values)
    if hosts.in_flow:
        return _with_host_in_flow(text, hosts, values)
    return _with_host_in_block(text, hosts, values)


def _with_section(text: str, outline: _Outline, values: Mapping[str, Value]) -> str:
    before = _ended(text[: outline.end])
    return f"{before}{_eol(text)}hosts:{_eol(text)}{_block(values, _INDENT, _INDENT, _eol(text))}{text[outline.end :]}"


def _with_first_host(text: str, hosts: _Piece, values: Mapping[str, Value]) -> str:
    """Put a block list in the place of `[]` or of nothing, in the line after it."""
    before, after = text[: hosts.start].rstrip(" "), text[hosts.end :]
    rest, newline, below = after.partition("\n")
    if before.endswith("\n") and not rest.strip():  # the brackets had a line of their own
        return before + _block(values, _INDENT, _INDENT, _eol(text)) + below
    return _ended(before + rest + newline, _eol(text)) + _block(values, _INDENT, _INDENT, _eol(text)) + below


def _with_host_in_flow(text: str, hosts: _Piece, values: Mapping[str, Value]) -> str:
    if not hosts.inner:
        return f"{text[: hosts.end - 1]}{_flow(values)}{text[hosts.end - 1 :]}"
    last = hosts.inner[-1]
    tail, newline, below = text[last.end :].partition("\n")
    comma = tail.strip().startswith(",")
    if not newline or tail.strip().removeprefix(",").strip().partition("#")[0]:
        return f"{text[: last.end]}, {_flow(values)}{text[last.end :]}"
    lines = f"{text[: last.end]}{'' if comma else ','}{tail}\n{' ' * last.column}{_flow(values)}"
    return f"{lines}{',' if comma else ''}{_eol(text)}{below}"


def _with_host_in_block(text: str, hosts: _Piece, values: Mapping[str, Value]) -> str:
    last = hosts.inner[-1]
    dash = _dash(text, last)
    column = dash - _line_start(text, dash)
    end = _end_of_item(text, last, column)
    gap = _eol(text) if len(hosts.inner) > 1 and _blank_above(text, hosts.inner[-1]) else ""
    if last.in_flow:
        item = f"{' ' * column}- {_flow(values)}{_eol(text)}"
    else:
        item = _block(values, column, max(last.column - column, _INDENT), _eol(text))
    return f"{_ended(text[:end], _eol(text))}{gap}{item}{text[end:]}"


def _without_host(text: str, outline: _Outline, index: int) -> str:
    hosts, key = outline.hosts, outline.key
    assert hosts is not None and key is not None  # noqa: S101, PT018  # the caller found the host in them
    if hosts.in_flow:
        return _without_item_in_flow(text, hosts, index)
    item = hosts.inner[index]
    dash = _dash(text, item)
    start = _line_start(text, dash)
    end = _end_of_item(text, item, dash - start)
    before, after = text[:start], text[end:]
    if _ends_blank(before) and (not after.strip() or not after.partition("\n")[0].strip()):
        before = before[: _line_start(before, len(before) - 1)]
    if len(hosts.inner) == 1:
        colon = _after_colon(text, key).start
        before = f"{before[:colon]} []{before[colon:]}"
    return before + after


def _without_item_in_flow(text: str, hosts: _Piece, index: int) -> str:
    items = hosts.inner
    if index + 1 < len(items):
        return text[: items[index].start] + text[items[index + 1].start :]
    start = items[index - 1].end if index else hosts.start + 1
    return text[:start] + text[items[index].end :]


def _dash(text: str, item: _Piece) -> int:
    """Return where the dash of a block item stands: in its line, or above it (`- &anchor`, `- # comment`)."""
    start = _line_start(text, item.start)
    while start and not text[start : item.start].lstrip(" ").startswith("-"):
        start = _line_start(text, start - 1)
    return text.index("-", start)


def _end_of_item(text: str, item: _Piece, column: int) -> int:
    """Return the end of an item's last line; the comments right below it that are indented deeper belong to it."""
    end = _next_line(text, item.end - 1)
    while end < len(text):
        line = text[end : _next_line(text, end)]
        comment = line.lstrip(" ")
        if not comment.startswith("#") or len(line) - len(comment) <= column:
            break
        end += len(line)
    return end


def _blank_above(text: str, item: _Piece) -> bool:
    """Tell whether a blank line stands above an item and the comments over it."""
    start = _line_start(text, _dash(text, item))
    while start and text[_line_start(text, start - 1) : start].strip().startswith("#"):
        start = _line_start(text, start - 1)
    return _ends_blank(text[:start])


def _ends_blank(text: str) -> bool:
    return text.endswith("\n") and not text[_line_start(text, len(text) - 1) :].strip()


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, max(index, 0)) + 1


def _next_line(text: str, index: int) -> int:
    newline = text.find("\n", max(index, 0))
    return newline + 1 if newline >= 0 else len(text)


def _eol(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _ended(text: str, eol: str = "\n") -> str:
    return text if not text or text.endswith("\n") else text + eol


def _block(values: Mapping[str, Value], column: int, width: int, eol: str) -> str:
    lines = [f"{key}: {_rendered(value)}{eol}" for key, value in values.items()]
    first = " " * column + "-".ljust(width)
    return first + (" " * (column + width)).join(lines)


def _flow(values: Mapping[str, Value]) -> str:
    return "{" + ", ".join(f"{key}: {_rendered(value)}" for key, value in values.items()) + "}"


def _rendered(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_rendered, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)
