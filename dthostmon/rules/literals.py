"""Which of many literals occur in some text: looked up by a word, so that their number hardly matters."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import compress, repeat

from dthostmon.rules.rule import Rule

EDGE_CHARACTERS = 4

_WORD = re.compile(r"[A-Za-z_]{4,}")
# bytes that are in no word, as blanks: so a text is cut into words faster than any expression finds them
_CUT = bytes(byte if _WORD.match(chr(byte) * EDGE_CHARACTERS) else 0x20 for byte in range(256))


@dataclass(frozen=True, slots=True)
class RuleLiteral:
    """A literal that lines of a rule hold. `place` is its place in the order of trial."""

    place: int
    text: str
    rule: Rule


class Edge(Enum):
    """How a text that holds a literal must hold one of the literal's words."""

    WHOLE = slice(None)
    START = slice(EDGE_CHARACTERS)
    END = slice(-EDGE_CHARACTERS, None)


_EDGES = tuple(Edge)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, without the short ones: all of them, and what they are, begin and end with."""

    text: str
    by_edge: Sequence[set[str]]


def words_of(text: str) -> Words:
    """Cut a text into words."""
    pieces = set(text.encode("utf-8", "replace").translate(_CUT).decode("ascii").split())
    words = {piece for piece in pieces if len(piece) >= EDGE_CHARACTERS}
    starts, ends = Edge.START.value, Edge.END.value
    return Words("\n".join(words), (words, {word[starts] for word in words}, {word[ends] for word in words}))


class LiteralIndex:
    """The literals of some rules, which come with their places in the order of trial.

    A word within a literal is a whole word of any text that holds it; the last word of a literal is the beginning of
    one, its first word the end of one. So a literal is looked for only where its rarest word may be, and most of the
    words of a text need not be compared with any literal.
    """

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        literals = [RuleLiteral(place, text, rule) for place, rule in rules for text in rule.contains or ("",)]
        frequency = Counter(anchor for literal in literals for anchor in _anchors(literal.text))
        self._inner: list[RuleLiteral] = []  # a part of a word
        self._short: list[RuleLiteral] = []  # holds no word
        self._by_edge: Sequence[dict[str, list[RuleLiteral]]] = [{} for _ in _EDGES]
        for literal in literals:
            if anchors := [*_anchors(literal.text)]:
                edge, word = min(anchors, key=lambda one: (frequency[one], _EDGES.index(one[0]), one[1]))
                self._by_edge[_EDGES.index(edge)].setdefault(word, []).append(literal)
            else:
                (self._inner if _WORD.fullmatch(literal.text) else self._short).append(literal)

    def occurring(self, text: str, words: Words) -> Sequence[RuleLiteral]:
        """Return the literals that occur in a text of these words, in no order."""
        possible = list(self._short)
        for literals, edges in zip(self._by_edge, words.by_edge, strict=True):
            for word in literals.keys() & edges:
                possible += literals[word]
        found = [literal for literal in possible if literal.text in text]
        return found + [literal for literal in self._inner if literal.text in words.text]


def rules_of_all(literals: Iterable[RuleLiteral], messages: Sequence[str]) -> list[tuple[Rule, ...]]:
    """Return the rules of which each message holds one of the literals, in the order of trial: few are different."""
    literals = sorted(literals, key=lambda literal: literal.place)
    if not literals:
        return [()] * len(messages)
    columns = [map(str.__contains__, messages, repeat(literal.text)) for literal in literals]
    held_by_all = list(zip(*columns, strict=True))
    rules_of = {held: tuple(dict.fromkeys(_rules_of(literals, held))) for held in set(held_by_all)}
    return list(map(rules_of.__getitem__, held_by_all))


def _rules_of(literals: Iterable[RuleLiteral], is_held: Iterable[bool]) -> Iterator[Rule]:
    return (literal.rule for literal in compress(literals, is_held))


def _anchors(text: str) -> Iterator[tuple[Edge, str]]:
    """Yield what must be found among the words of a text that holds the literal `text`."""
    for found in _WORD.finditer(text):
        if found.start() > 0 and found.end() < len(text):
            yield Edge.WHOLE, found[0]
        elif found.start() > 0:
            yield Edge.START, found[0][Edge.START.value]
        elif found.end() < len(text):
            yield Edge.END, found[0][Edge.END.value]
