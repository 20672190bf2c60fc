"""Which of many literals occur in some text: looked up by a piece of a word, so that their number hardly matters."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dthostmon.rules.rule import Rule

PIECE_CHARACTERS = 4

_WORD = re.compile(r"[A-Za-z]{4,}")


@dataclass(frozen=True, slots=True)
class RuleLiteral:
    """A literal that lines of a rule hold. `place` is its place in the order of trial."""

    place: int
    text: str
    rule: Rule


class LiteralIndex:
    """The literals of the rules of one program.

    A text can only hold a literal if it holds the literal's rarest piece of four letters within one word. Those are
    few; the pieces of a text are made once for each of its distinct words.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        named = [(text, rule) for rule in rules for text in rule.contains or ("",)]
        literals = [RuleLiteral(place, text, rule) for place, (text, rule) in enumerate(named)]
        frequency = Counter(piece for literal in literals for piece in set(_pieces(literal.text)))
        self._without_piece: list[RuleLiteral] = []
        self._by_piece: dict[str, list[RuleLiteral]] = {}
        for literal in literals:
            pieces = set(_pieces(literal.text))
            if pieces:
                self._by_piece.setdefault(min(pieces, key=lambda one: (frequency[one], one)), []).append(literal)
            else:
                self._without_piece.append(literal)

    def occurring(self, text: str) -> list[RuleLiteral]:
        """Return the literals that occur in a text, in the order of trial."""
        pieces = {piece for piece in _pieces(text) if piece in self._by_piece}
        possible = [literal for piece in pieces for literal in self._by_piece[piece]]
        found = [literal for literal in (*self._without_piece, *possible) if literal.text in text]
        found.sort(key=lambda literal: literal.place)
        return found

    def rules_of_all(self, messages: Sequence[str]) -> list[tuple[Rule, ...]]:
        """Return the rules of which each message holds a literal, in the order of trial."""
        occurring = self.occurring("\n".join(messages))
        if not occurring:
            return [()] * len(messages)
        return [
            tuple(dict.fromkeys([literal.rule for literal in occurring if literal.text in message]))
            for message in messages
        ]


def _pieces(text: str) -> Iterable[str]:
    return (
        word[start : start + PIECE_CHARACTERS]
        for word in set(_WORD.findall(text))
        for start in range(len(word) - PIECE_CHARACTERS + 1)
    )
