"""How the lines of one shape are read: they differ in numbers alone, so the shape shows which words of them matter.

A rule's expression takes microseconds for each line, and a log may hold nothing but lines that a rule speaks of.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dthostmon import templates
from dthostmon.rules import Rule

MAX_TRIED_BEFORE = 4
MAX_LONGER = 64  # digits that a line may have more than its shape, because expressions say how long a part may be

_NUMBER = re.compile(r"[0-9]")
# how a shape begins whose lines may begin with a time, although what follows says that it is none of a header
_LIKE_A_STAMP = re.compile(r"(?:<\d+>(?:0 )?)?(?:[A-Z][a-z][a-z] {1,2}0 |0[-/.]0[-/.]0)", re.ASCII)


Spans = Mapping[str, tuple[int, int]]


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

    `header_words` is how many words a line has up to its time, `splits` at how many blanks it is cut. `tried_before`
    are rules that read numbers: where one of them is found in the words from `message_word` on, the plan does not hold,
    nor does it for lines longer than `longest`.
    """

    rule: Rule | None
    names: tuple[str, ...] = ()
    header_words: int = 0
    splits: int = 0
    places: tuple[Place, ...] = ()
    tried_before: tuple[Rule, ...] = ()
    message_word: int = 0
    longest: int = templates.LINE_BYTES

    def doubtful(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the lines that the plan may not hold for."""
        if max(map(len, lines), default=0) <= self.longest:
            return self._tried(lines)
        too_long = [line for line in lines if len(line) > self.longest]
        return too_long + self._tried([line for line in lines if len(line) <= self.longest])

    def _tried(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the lines in which a rule is found that reads numbers."""
        if not self.tried_before or not lines:
            return []
        start, searches = self.message_word, [rule.pattern.search for rule in self.tried_before]
        messages = [text.split(" ", start)[start] for text in _texts(lines)]
        return [
            line for line, message in zip(lines, messages, strict=True) if any(search(message) for search in searches)
        ]

    def read(self, lines: Sequence[bytes]) -> tuple[list[str], list[list[str]]]:
        """Return the header of each line up to its time, and a column of values for each field."""
        splits, header_words = self.splits, self.header_words
        words = [text.split(" ", splits) for text in _texts(lines)]
        columns = []
        for word, part in self.places:
            column = [one[word] for one in words]
            columns.append(column if part is None else [value[part] for value in column])
        return [" ".join(one[:header_words]) for one in words], columns


def _texts(lines: Sequence[bytes]) -> list[str]:
    return b"\n".join(lines).decode("ascii").split("\n")


NOBODY = Plan(None)


def plan(candidates: Iterable[Rule], shape: bytes) -> Plan | None:
    """Return how to read the lines of a shape; None where each line must be judged by itself.

    That is so where many rules that read numbers come first, where a line is cleaned before it is judged (other places
    then), where syslog has folded messages, where no blank borders on a field, and where what follows the time shows
    that it is one. It is not for lines that are cut.
    """
    if not shape.isascii():
        return None
    (shown,) = templates.shape_texts([shape])
    if not shown.isprintable() or len(shown) != len(shape):
        return None
    line = templates.take_apart(shown)
    if not shown.endswith(line.message) or line.message.startswith("message repeated "):
        return None
    start = len(shown) - len(line.message)
    end_of_time = shown.find(line.time) + len(line.time) if line.time else 0
    if not _is_told_by_header(line.time, shown, end_of_time):
        return None
    tried_before, planned = _decided(candidates, shown, start, end_of_time)
    if planned is None or not tried_before:
        return planned
    begins_a_word = start == 0 or shown[start - 1] == " "
    if len(tried_before) > MAX_TRIED_BEFORE or not begins_a_word:
        return None
    return planned._replace(tried_before=tried_before, message_word=shown.count(" ", 0, start))


def _is_told_by_header(time: str | None, shown: str, end_of_time: int) -> bool:
    if time is None:
        return not _LIKE_A_STAMP.match(shown)
    words = shown[:end_of_time].count(" ") + 1
    return templates.take_apart(" ".join(shown.split(" ", words)[:words])).time == time


def _decided(
    candidates: Iterable[Rule], shown: str, start: int, end_of_time: int
) -> tuple[tuple[Rule, ...], Plan | None]:
    """Return the rules that must be tried first, because they read numbers, and what holds where none of them is found.

    The first rule that does not read numbers and is found is found in all lines of the shape.
    """
    tried_before = []
    for rule in candidates:
        if rule.reads_numbers:
            tried_before.append(rule)
        elif (spans := _captured(rule, shown, start)) is not None:
            places = [(name, _place(shown, begin, end)) for name, (begin, end) in spans.items()]
            planned = _made(rule, shown[:end_of_time], places)
            return tuple(tried_before), planned and _bounded(planned, spans, shown, start)
    return tuple(tried_before), NOBODY


def _bounded(planned: Plan, spans: Spans, shown: str, start: int) -> Plan | None:
    """Return the plan for lines whose numbers make no part longer than its rule lets it be; None where any might.

    What the rule finds where numbers are short is the most that it finds. A part is no more than MAX_LONGER longer in
    a line that is so much longer as a whole: so it is enough to see that no number of that length makes a difference.
    """
    rule = planned.rule
    if rule is None:
        return planned
    for number in _NUMBER.finditer(shown, start):
        end = number.end()
        longer = shown[:end] + "0" * MAX_LONGER + shown[end:]
        moved = {name: (_moved(begin, end), _moved(last, end)) for name, (begin, last) in spans.items()}
        if _captured(rule, longer, start) != moved:
            return None
    return planned._replace(longest=min(templates.LINE_BYTES, len(shown) + MAX_LONGER))


def _moved(place: int, end: int) -> int:
    return place + MAX_LONGER if place >= end else place


def _captured(rule: Rule, shown: str, start: int) -> Spans | None:
    """Return from where to where each field goes that a rule captures; None where the rule does not apply."""
    found = rule.pattern.search(shown[start:])
    if found is None:
        return None
    spans = {name: found.span(name) for name in rule.pattern.groupindex}
    captured = {name: (begin + start, end + start) for name, (begin, end) in spans.items() if end > begin}
    return captured if all(name in captured for name in rule.fields) else None


def _made(rule: Rule, header: str, places: Sequence[tuple[str, _Field | None]]) -> Plan | None:
    """Return the plan; None where a field has no place, or where one that goes on to the end is not alone there."""
    fields = [field for _, field in places if field is not None]
    last = max((field.place.word for field in fields), default=0)
    at_end = [field for field in fields if field.to_end or field.place.word == last]
    to_end = any(field.to_end for field in at_end)
    if len(fields) < len(places) or (to_end and len(at_end) > 1):
        return None
    header_words = len(header.split(" ")) if header else 0
    splits = last if to_end else max(last + 1, header_words)
    names, found = tuple(name for name, _ in places), tuple(field.place for field in fields)
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
