"""A YAML file as plain values, with the place of each: every later problem can name its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dthostmon.errors import ConfigurationError, Problem

MAX_DEPTH = 20
MAX_VALUES = 100_000
_TOO_LARGE = f"too large: at most {MAX_DEPTH} levels and {MAX_VALUES} values, anchors expanded"

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"
KeyPath: TypeAlias = tuple[str | int, ...]

_NOTHING: Value = []  # compared by identity: no document contains this very list

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({_TAG + "str", _TAG + "timestamp"})  # 2026-01-31 stays what was typed
_PLAIN_TAGS = frozenset({_TAG + "null", _TAG + "bool", _TAG + "int", _TAG + "float"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: line and column from 1, or the environment variable that gave it.

    `literal` is False where the text itself stood elsewhere (`${…}`): it may be a secret, and no message shows it.
    """

    line: int = 0
    column: int = 0
    variable: str | None = None
    literal: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file and the places of values and keys; `tree` is what the models validate."""

    where: str
    tree: dict[str, Value]
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]

    def place(self, path: KeyPath) -> Place:
        """Tell where a value was written; for one that was not, where its nearest parent was."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place())

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """Make a problem that names the place of a value, or of its key."""
        place = self.keys.get(path) if at_key else None
        return problem_at(self.where, place or self.place(path), path, message)

    def has(self, path: KeyPath) -> bool:
        """Tell whether something was written at a path, null included."""
        return _descend(self.tree, path) is not _NOTHING

    def find(self, path: KeyPath) -> Value:
        """Return the value at a path, None where there is none."""
        value = _descend(self.tree, path)
        return None if value is _NOTHING else value


def _descend(value: Value, path: KeyPath) -> Value:
    """Follow a path; `_NOTHING` where it leads nowhere."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part, _NOTHING)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return _NOTHING
    return value


def problem_at(where: str, place: Place, path: KeyPath, message: str) -> Problem:
    """Make a problem at a place, which names the environment variable where one gave the value."""
    if place.variable:
        return Problem(f"environment variable {place.variable}", 0, 0, dotted(path), message)
    return Problem(where, place.line, place.column, dotted(path), message)


def dotted(path: KeyPath) -> str:
    """Render a path as a person writes it: `hosts[2].port`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def strings(value: Value, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from strings(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from strings(below, (*path, index))


def parse(text: str, where: str) -> tuple[Document, list[Problem]]:
    """Parse YAML; duplicate keys and foreign tags are listed, what is no YAML mapping raises ConfigurationError."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _LimitedComposer
    root = _compose(yaml, text, where)
    if not isinstance(root, MappingNode):
        raise ConfigurationError([_no_mapping(root, where)])
    builder = _Builder(where, yaml.constructor)
    tree = builder.mapping(root, ())
    return Document(where, tree, builder.values, builder.keys), builder.problems


def _compose(yaml: YAML, text: str, where: str) -> Node | None:
    try:
        root: Node | None = yaml.compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigurationError([Problem(where, line, column, "", _syntax_message(str(exc.problem)))]) from exc
    except YAMLError as exc:  # the reader's errors know a position only
        offset = getattr(exc, "position", 0)
        line, column = line_and_column(text, offset)
        message = "a control character, which YAML does not allow; delete it"
        raise ConfigurationError([Problem(where, line, column, "", message)]) from exc
    return root


class _LimitedComposer(Composer):
    """Stops at the limits while it reads: a file of 4 MiB could otherwise become 400 MB of nodes."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False  # YAML allows it, and a warning would reach the user without a place
        self.levels = 0
        self.nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.levels += 1
        self.nodes += 1
        if self.levels > MAX_DEPTH + 2 or self.nodes > 2 * MAX_VALUES:  # each value of a mapping has a key beside it
            raise MarkedYAMLError(problem=_TOO_LARGE, problem_mark=self.parser.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Turn an offset in characters into a line and a column, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _syntax_message(problem: str) -> str:
    if problem == _TOO_LARGE:
        return problem
    if "\\t" in problem:
        return "a tab, where YAML takes only spaces; replace it with spaces"
    if problem == "mapping values are not allowed here":
        problem += "; a text that contains ': ' needs quotes"
    if problem == "but found another document":
        problem = "a second document ('---'); put everything into one"
    return f"not valid YAML: {problem}"


def _no_mapping(root: Node | None, where: str) -> Problem:
    if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
        return Problem(where, 0, 0, "", "the file is empty; 'dthostmon config init' writes one to start from")
    kind = "a list" if isinstance(root, SequenceNode) else "a text"
    mark = root.start_mark
    message = f"found {kind}; expected keys such as 'database:' and 'hosts:' at the left margin"
    return Problem(where, mark.line + 1, mark.column + 1, "", message)


@dataclass(slots=True)
class _Builder:
    """Turns YAML nodes into values; anchors are expanded, within the limits."""

    where: str
    constructor: SafeConstructor
    values: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def build(self, node: Node, path: KeyPath) -> Value:
        self.values[path] = _place(node)
        if len(path) > MAX_DEPTH or len(self.values) > MAX_VALUES:
            raise ConfigurationError([problem_at(self.where, _place(node), (), _TOO_LARGE)])
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Value]:
        result: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else None
            if key is None:
                self.complain(key_node, path, "found a list or a mapping as a key; expected a name")
            elif key in result:
                first = self.keys[(*path, key)].line
                self.complain(key_node, (*path, key), f"the key is there twice (first in line {first}); keep one")
            else:
                self.keys[(*path, key)] = _place(key_node)
                result[key] = self.build(value_node, (*path, key))
        return result

    def scalar(self, node: Node, path: KeyPath) -> Value:
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        if node.tag not in _PLAIN_TAGS:
            self.complain(node, path, f"found the tag {node.tag}; tags are not understood here, leave it out")
            return None
        try:
            value: Value = self.constructor.construct_object(node)
        except ValueError:  # a number of thousands of digits, or "!!int twelve"
            self.complain(node, path, "found something that is no number; put it in quotes if it is a text")
            return None
        return value

    def complain(self, node: Node, path: KeyPath, message: str) -> None:
        self.problems.append(problem_at(self.where, _place(node), path, message))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
