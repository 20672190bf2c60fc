"""How lines are asked what they say: where their message stands, and which rules may speak of it."""

import re
from dataclasses import dataclass

from dthostmon import templates
from dthostmon.rules import Match, Rule, decide

MAX_REPEATS = 1000

_REPEATED_MESSAGE = re.compile(r"message repeated (\d{1,9}) times: \[ ?(.*?)\]?$", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What lines have in common that are judged in the same way.

    `candidates` are the rules that may speak of them; `may_tell` = one of those may become a finding, or counts.
    `is_tagged` = their message stands behind the first ': '. It equals nothing but itself, so that lines are grouped by
    it quickly.
    """

    candidates: tuple[Rule, ...]
    may_tell: bool
    is_tagged: bool

    def message(self, text: str) -> tuple[str, int]:
        """Return what a cleaned line says, and for how many messages syslog wrote it."""
        message = text.partition(": ")[2] if self.is_tagged else templates.take_apart(text).message
        return _unfold(message) if message.startswith("message repeated ") else (message, 1)

    def match(self, text: str) -> Match | None:
        """Return which rule a cleaned line is of, and what that captures."""
        message, _ = self.message(text)
        return decide(self.candidates, message)


def _unfold(message: str) -> tuple[str, int]:
    """Take 'message repeated 3 times: [ … ]' apart; a forged number counts MAX_REPEATS at most."""
    if repeated := _REPEATED_MESSAGE.match(message):
        return repeated[2], min(int(repeated[1]), MAX_REPEATS)
    return message, 1
