"""An expression that finds a kind of secret, and where in its match the secret is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dthostmon.redact.marks import Kind, is_marked, symbol

_OPENERS = {")": "(", "]": "[", "}": "{"}
_SECRET_GROUPS = ("secret", "quoted", "plain")


class Redaction(Protocol):
    """A step of `redact`. It has work to do only where one of its `hints` is in the text in lower case.

    No hints: it always looks.
    """

    @property
    def hints(self) -> Sequence[str]: ...

    def apply(self, text: str) -> str: ...


def _always(_match: re.Match[str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """Marks the group `secret` of each match, or `quoted`, or `plain`: an unquoted value, whose last punctuation stays.

    Every expression must be linear: it starts where few starts are (a literal, or a look-behind that admits only the
    start of a run), and what repeats is possessive or bounded.
    """

    kind: Kind
    hints: Sequence[str]
    expression: re.Pattern[str]
    accepts: Callable[[re.Match[str]], bool] = _always

    def apply(self, text: str) -> str:
        return self.expression.sub(self._marked, text)

    def _marked(self, match: re.Match[str]) -> str:
        start, end = secret_span(match)
        if start == end or is_marked(match.string[start:end]) or not self.accepts(match):
            return match[0]
        return match.string[match.start() : start] + symbol(self.kind) + match.string[end : match.end()]


@dataclass(frozen=True, slots=True)
class Part:
    """Applies steps within the matches of an expression only: a command with its arguments, a list of cookies."""

    hints: Sequence[str]
    expression: re.Pattern[str]
    steps: Sequence[Redaction]

    def apply(self, text: str) -> str:
        return self.expression.sub(self._changed, text)

    def _changed(self, match: re.Match[str]) -> str:
        part = match[0]
        for step in self.steps:
            part = step.apply(part)
        return part


def secret_value(match: re.Match[str]) -> str:
    """Return what a match holds for the secret."""
    start, end = secret_span(match)
    return match.string[start:end]


def secret_span(match: re.Match[str]) -> tuple[int, int]:
    """Return where it is."""
    for name in _SECRET_GROUPS:
        if name in match.re.groupindex and match.start(name) >= 0:
            start, end = match.span(name)
            return start, _without_punctuation(match.string, start, end) if name == "plain" else end
    raise AssertionError(f"no group of {_SECRET_GROUPS} matched in {match.re.pattern!r}: give the expression one")


def _without_punctuation(text: str, start: int, end: int) -> int:
    while end > start and (text[end - 1] in ".,:;" or _closes_nothing(text, start, end)):
        end -= 1
    return end


def _closes_nothing(text: str, start: int, end: int) -> bool:
    opener = _OPENERS.get(text[end - 1])
    return opener is not None and text.find(opener, start, end) < 0
