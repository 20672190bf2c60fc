"""How the lines of one shape are read: they differ in numbers alone, so the shape shows which words of them matter.

A rule's expression takes microseconds for each line, and a log may hold nothing but lines that a rule speaks of.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dthostmon import templates
from dthostmon.rules import Rule

_NUMBER = re.compile(r"[0-9]")


class Place(NamedTuple):
    """Where a field stands: which part of which word (counted by blanks). `to_end` = it goes on to the line's end."""

    word: int
    part: slice
    to_end: bool


class Plan(NamedTuple):
    """The rule of a shape's lines, None where no rule decides, and where its fields, `names`, stand.

    `header_words` is how many words a line has up to its time.
    """

    rule: Rule | None
    header_words: int = 0
    names: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    def read(self, line: bytes) -> tuple[str, list[str]]:
        """Return the header of a line up to its time, and the values of the fields."""
        words = line.decode("ascii").split(" ")
        values = [(" ".join(words[word:]) if to_end else words[word])[part] for word, part, to_end in self.places]
        return " ".join(words[: self.header_words]), values


NOBODY = Plan(None)


def plan(candidates: Iterable[Rule], key: bytes) -> Plan | None:
    """Return how to read the lines of a key's shape; None where each line must be judged by itself.

    That is so where a rule asks for a number, where a line is cleaned before it is judged (other places then), where
    syslog has folded messages, and where no blank borders on a field.
    """
    if len(key) > templates.LINE_BYTES or not key.isascii():
        return None
    shapes = templates.shapes([key])
    (shown,) = templates.shape_texts(shapes)
    if not shown.isprintable() or len(shown) != len(shapes[0]):
        return None
    line = templates.take_apart(shown)
    if not shown.endswith(line.message) or line.message.startswith("message repeated "):
        return None
    end_of_time = shown.find(line.time) + len(line.time) if line.time else 0
    return _decided(candidates, shown, len(shown) - len(line.message), end_of_time)


def _decided(candidates: Iterable[Rule], shown: str, start: int, end_of_time: int) -> Plan | None:
    for rule in candidates:
        if rule.reads_numbers:
            return None
        found = rule.pattern.search(shown[start:])
        if found is None:
            continue
        spans = {name: found.span(name) for name in rule.pattern.groupindex}
        captured = {name: (begin + start, end + start) for name, (begin, end) in spans.items() if end > begin}
        if any(name not in captured for name in rule.fields):
            continue
        places = [(name, _place(shown, begin, end)) for name, (begin, end) in captured.items()]
        return _made(rule, shown[:end_of_time], places)
    return NOBODY


def _made(rule: Rule, header: str, places: Sequence[tuple[str, Place | None]]) -> Plan | None:
    known = tuple(place for _, place in places if place is not None)
    if len(known) < len(places):
        return None
    return Plan(rule, len(header.split(" ")) if header else 0, tuple(name for name, _ in places), known)


def _place(shown: str, begin: int, end: int) -> Place | None:
    """Return where a field stands; None where that is not the same in all lines of the shape."""
    word_begin = shown.rfind(" ", 0, begin) + 1
    to_end = " " in shown[begin:end]
    word_end = shown.find(" ", end) if not to_end else len(shown)
    rest = shown[end : word_end if word_end >= 0 else len(shown)]
    behind = shown[word_begin:begin]
    if _NUMBER.search(behind) or _NUMBER.search(rest) or (to_end and " " in rest):
        return None
    return Place(shown.count(" ", 0, begin), slice(len(behind), -len(rest) or None), to_end)
