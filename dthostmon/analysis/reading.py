"""How lines are asked what they say: where their message stands, and which rules may speak of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dthostmon import templates
from dthostmon.rules import Match, Rule, decide

MAX_REPEATS = 1000

_REPEATED = "message repeated "
_REPEATED_MESSAGE = re.compile(r"message repeated (\d{1,9}) times: \[ ?(.*?)\]?$", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What lines have in common that are judged in the same way.

    `candidates` are the rules that may speak of them; `may_tell` = one of those may become a finding, or counts, or
    tells of logins. `is_tagged` = their message stands behind the first ': '. It equals nothing but itself, so that
    lines are grouped by it quickly.
    """

    candidates: tuple[Rule, ...]
    may_tell: bool
    is_tagged: bool

    def messages(self, texts: Sequence[str]) -> tuple[Sequence[str], Sequence[int]]:
        """Return what cleaned lines say, and for how many messages syslog wrote each."""
        if self.is_tagged:
            messages = [text.partition(": ")[2] for text in texts]
        else:
            messages = [templates.take_apart(text).message for text in texts]
        unfolded = [_unfold(message) if message.startswith(_REPEATED) else (message, 1) for message in messages]
        return [message for message, _ in unfolded], [times for _, times in unfolded]

    def match(self, text: str) -> Match | None:
        """Return which rule a cleaned line is of, and what that captures."""
        (message,), _ = self.messages([text])
        return decide(self.candidates, message)


def _unfold(message: str) -> tuple[str, int]:
    """Take 'message repeated 3 times: [ … ]' apart; a forged number counts MAX_REPEATS at most."""
    if repeated := _REPEATED_MESSAGE.match(message):
        return repeated[2], min(int(repeated[1]), MAX_REPEATS)
    return message, 1
