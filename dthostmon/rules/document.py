"""A pack as YAML: values first, positions only once there is a mistake to point at (the round trip of both is slow)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml.error import StringMark
    from ruamel.yaml.nodes import Node

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a pack.

    `path` leads to it through keys and list indexes; `mark` is (line, column) where YAML itself told.
    """

    path: Steps
    message: str
    mark: tuple[int, int] | None = None


def parse_document(text: str) -> tuple[object, Sequence[Mistake]]:
    """Return the plain values of a YAML document, or where it is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return YAML(typ="safe", pure=True).load(text), ()
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        position = (mark.line + 1, mark.column + 1) if mark else None
        return None, (Mistake((), f"this is no YAML: {exc.problem or exc.context}", position),)
    except ReaderError as exc:
        before = text[: exc.position]
        position = before.count("\n") + 1, exc.position - before.rfind("\n")
        return None, (Mistake((), f"this is no YAML: it holds the character {exc.character:#06x}", position),)
    except (YAMLError, ValueError, RecursionError) as exc:
        return None, (Mistake((), f"this is no YAML: {exc}"),)


def parse_tested_document(text: str) -> object:
    """Return the plain values of a pack that the project's tests have parsed: in C where there is a C.

    All builtin packs take the other parser 40 times as long, at every start. It reads YAML 1.1 and forgives a key that
    comes twice; a test holds the two parsers together.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, loader)  # noqa: S506  # either loader is a safe one


def place(text: str, mistake: Mistake) -> tuple[int, int]:
    """Return line and column of a mistake, both from 1; those of what is around it where it is missing."""
    if mistake.mark:
        return mistake.mark
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, RecursionError):
        return 1, 1
    if node is None:
        return 1, 1
    mark = node.start_mark
    for step in mistake.path:
        found = _child(node, step)
        if found is None:
            break
        mark, node = found
    return mark.line + 1, mark.column + 1


def _child(node: "Node", step: str | int) -> "tuple[StringMark, Node] | None":
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None
