"""What is known of a line by its key alone: its template, and the rules that may speak of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dthostmon import templates
from dthostmon.model import Template
from dthostmon.rules import Match, Rule, RuleSet, decide

MAX_KEYS = 20_000
MAX_KEY_BYTES = 4 << 20
MAX_REPEATS = 1000

_REPEATED_MESSAGE = re.compile(r"message repeated (\d{1,9}) times: \[ ?(.*?)\]?$", re.DOTALL)


@dataclass(slots=True)
class TemplateTally:
    """The count of one template in the making; the sample is the first line that showed it."""

    template: Template
    sample: bytes
    count: int = 0


class Key(NamedTuple):
    """All lines that differ in their digits only: a tuple, because one is made for each distinct line.

    They are taken apart at the same place, `message_start`. `may_tell` = a rule may speak of them, or count them.
    """

    tally: TemplateTally
    candidates: tuple[Rule, ...]
    may_tell: bool
    message_start: int

    def judge(self, text: str) -> tuple[Match | None, int]:
        """Return the match of a cleaned line, and for how many messages syslog wrote it."""
        message, times = _unfold(text[self.message_start :])
        return decide(self.candidates, message), times


def _unfold(message: str) -> tuple[str, int]:
    """Take 'message repeated 3 times: [ … ]' apart; a forged number counts MAX_REPEATS at most."""
    if message.startswith("message repeated ") and (repeated := _REPEATED_MESSAGE.match(message)):
        return repeated[2], min(int(repeated[1]), MAX_REPEATS)
    return message, 1


class KeyTable:
    """The distinct keys of one run: a cache of pure results, emptied when full; that changes no result."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._templates = templates.TemplateTable()
        self._tallies: dict[str, TemplateTally] = {}
        self._keys: dict[bytes, Key] = {}
        self._key_bytes = 0
        self._by_shape: dict[tuple[str | None, str], tuple[TemplateTally, tuple[Rule, ...], bool]] = {}

    @property
    def tallies(self) -> Iterable[TemplateTally]:
        """The templates so far, in the order of their first line."""
        return self._tallies.values()

    def look_up(self, distinct: Iterable[bytes], keys: Sequence[bytes], lines: Sequence[bytes]) -> Mapping[bytes, Key]:
        """Return what is known of the distinct keys, given in the order in which they come first in `keys`.

        `lines` are the true lines of `keys`, in the same order.
        """
        if len(self._keys) > MAX_KEYS or self._key_bytes > MAX_KEY_BYTES:
            self._keys, self._by_shape, self._key_bytes = {}, {}, 0
        fresh = [key for key in distinct if key not in self._keys]
        if fresh:
            first_lines = dict(zip(reversed(keys), reversed(lines), strict=True))
            for key in fresh:
                self._keys[key] = self._study(key, first_lines[key])
            self._key_bytes += sum(map(len, fresh))
        return self._keys

    def _study(self, key: bytes, line: bytes) -> Key:
        text = templates.clean(key)
        program, message = templates.take_apart(text)
        shape = program, templates.shorten_numbers(message)
        tally, candidates, may_tell = self._by_shape.get(shape) or self._study_shape(shape, line)
        return Key(tally, candidates, may_tell, len(text) - len(message))

    def _study_shape(self, shape: tuple[str | None, str], line: bytes) -> tuple[TemplateTally, tuple[Rule, ...], bool]:
        parsed = templates.ParsedLine(*shape)
        template = self._templates.admit(parsed)
        tally = self._tallies.get(template.id)
        if tally is None:
            tally = self._tallies[template.id] = TemplateTally(template, templates.visible_part(line))
        candidates = self._rules.candidates(parsed.program, parsed.message)
        known = self._by_shape[shape] = tally, candidates, any(map(self._rules.may_tell, candidates))
        return known
