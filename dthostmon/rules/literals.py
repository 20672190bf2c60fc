"""Which of many literals occur in some text: looked up by a word, so that their number hardly matters."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import compress, repeat
from typing import TypeAlias

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


class _Edge(Enum):
    """How a text that holds a literal must hold one of the literal's words."""

    WHOLE = slice(None)
    START = slice(EDGE_CHARACTERS)
    END = slice(-EDGE_CHARACTERS, None)


_EDGES = tuple(_Edge)

Edges: TypeAlias = Mapping[_Edge, set[str]]  # the words of a text, or their starts, or their ends


class LiteralIndex:
    """The literals of some rules, which come with their places in the order of trial, and those of a shared index.

    A word within a literal is a whole word of any text that holds it; the last word of a literal is the beginning of
    one, its first word the end of one. So a literal is looked for only where its rarest word may be, and most of the
    words of a text need not be compared with any literal.
    """

    def __init__(self, rules: Iterable[tuple[int, Rule]], shared: "LiteralIndex | None" = None) -> None:
        literals = [RuleLiteral(place, text, rule) for place, rule in rules for text in rule.contains or ("",)]
        frequency = Counter(anchor for literal in literals for anchor in _anchors(literal.text))
        self._inner: list[RuleLiteral] = []  # a part of a word
        self._short: list[RuleLiteral] = []  # holds no word
        self._by_edge: Mapping[_Edge, dict[str, list[RuleLiteral]]] = {edge: {} for edge in _Edge}
        self._shared: Sequence[LiteralIndex] = (shared,) if shared else ()
        for literal in literals:
            if anchors := [*_anchors(literal.text)]:
                edge, word = min(anchors, key=lambda one: (frequency[one], _EDGES.index(one[0]), one[1]))
                self._by_edge[edge].setdefault(word, []).append(literal)
            else:
                (self._inner if _WORD.fullmatch(literal.text) else self._short).append(literal)

    def occurring(self, text: str) -> list[RuleLiteral]:
        """Return the literals that occur in a text, in the order of trial."""
        pieces = set(text.encode("utf-8", "replace").translate(_CUT).decode("ascii").split())
        words = {piece for piece in pieces if len(piece) >= EDGE_CHARACTERS}
        edges = {edge: words if edge is _Edge.WHOLE else {word[edge.value] for word in words} for edge in _EDGES}
        found = [literal for part in (self, *self._shared) for literal in part.occurring_own(text, words, edges)]
        found.sort(key=lambda literal: literal.place)
        return found

    def occurring_own(self, text: str, words: set[str], edges: Edges) -> Iterator[RuleLiteral]:
        """Yield the literals of this index alone that occur in a text of these words, in no order."""
        yield from (literal for literal in (*self._short, *self._possible(edges)) if literal.text in text)
        if self._inner:
            all_words = "\n".join(words)
            yield from (literal for literal in self._inner if literal.text in all_words)

    def _possible(self, edges: Edges) -> Iterator[RuleLiteral]:
        for edge, literals in self._by_edge.items():
            for word in literals.keys() & edges[edge]:
                yield from literals[word]

    def rules_of_all(self, messages: Sequence[str]) -> list[tuple[Rule, ...]]:
        """Return the rules of which each message holds a literal, in the order of trial: few are different."""
        occurring = self.occurring("\n".join(messages))
        if not occurring:
            return [()] * len(messages)
        columns = [map(str.__contains__, messages, repeat(literal.text)) for literal in occurring]
        held_by_all = list(zip(*columns, strict=True))
        rules_of = {held: tuple(dict.fromkeys(_rules_of(occurring, held))) for held in set(held_by_all)}
        return list(map(rules_of.__getitem__, held_by_all))


def _rules_of(literals: Iterable[RuleLiteral], is_held: Iterable[bool]) -> Iterator[Rule]:
    return (literal.rule for literal in compress(literals, is_held))


def _anchors(text: str) -> Iterator[tuple[_Edge, str]]:
    """Yield what must be found among the words of a text that holds the literal `text`."""
    for found in _WORD.finditer(text):
        if found.start() > 0 and found.end() < len(text):
            yield _Edge.WHOLE, found[0]
        elif found.start() > 0:
            yield _Edge.START, found[0][_Edge.START.value]
        elif found.end() < len(text):
            yield _Edge.END, found[0][_Edge.END.value]
