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
    """Where a field stands: which part of which word (counted by blanks), None = all of it."""

    word: int
    part: slice | None


class _Field(NamedTuple):
    """A place, and whether the field goes on to the line's end from there."""

    place: Place
    to_end: bool


class Plan(NamedTuple):
    """The rule of a shape's lines, None where no rule decides, and where its fields, `names`, stand.

    `header_words` is how many words a line has up to its time, `splits` at how many blanks it is cut.
    """

    rule: Rule | None
    names: tuple[str, ...] = ()
    header_words: int = 0
    splits: int = 0
    places: tuple[Place, ...] = ()

    def read(self, lines: Sequence[bytes]) -> tuple[list[str], list[list[str]]]:
        """Return the header of each line up to its time, and a column of values for each field."""
        splits, header_words = self.splits, self.header_words
        words = [text.split(" ", splits) for text in b"\n".join(lines).decode("ascii").split("\n")]
        columns = []
        for word, part in self.places:
            column = [one[word] for one in words]
            columns.append(column if part is None else [value[part] for value in column])
        return [" ".join(one[:header_words]) for one in words], columns


NOBODY = Plan(None)


def plan(candidates: Iterable[Rule], shape: bytes) -> Plan | None:
    """Return how to read the lines of a shape; None where each line must be judged by itself.

    That is so where a rule asks for a number, where a line is cleaned before it is judged (other places then), where
    syslog has folded messages, and where no blank borders on a field. Nor is it how to read a line that is cut.
    """
    if not shape.isascii():
        return None
    (shown,) = templates.shape_texts([shape])
    if not shown.isprintable() or len(shown) != len(shape):
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


def _made(rule: Rule, header: str, places: Sequence[tuple[str, _Field | None]]) -> Plan | None:
    fields = [(name, field) for name, field in places if field is not None]
    to_end = [field.place.word for _, field in fields if field.to_end]
    last = max((field.place.word for _, field in fields), default=0)
    if len(fields) < len(places) or (to_end and to_end != [last]):
        return None
    header_words = len(header.split(" ")) if header else 0
    splits = last if to_end else max(last + 1, header_words)
    names, found = tuple(name for name, _ in fields), tuple(field.place for _, field in fields)
    return Plan(rule, names, header_words, splits, found) if splits >= header_words else None


def _place(shown: str, begin: int, end: int) -> _Field | None:
    """Return where a field stands; None where that is not the same in all lines of the shape."""
    word_begin = shown.rfind(" ", 0, begin) + 1
    to_end = " " in shown[begin:end]
    word_end = shown.find(" ", end) if not to_end else len(shown)
    rest = shown[end : word_end if word_end >= 0 else len(shown)]
    behind = shown[word_begin:begin]
    if _NUMBER.search(behind) or _NUMBER.search(rest) or (to_end and " " in rest):
        return None
    part = slice(len(behind), -len(rest) or None) if behind or rest else None
    return _Field(Place(shown.count(" ", 0, begin), part), to_end)
