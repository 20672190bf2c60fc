"""One rule: which lines it speaks of and what they mean."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from dthostmon.model import Severity
from dthostmon.rules.counting import Clearing, Escalation, First
from dthostmon.rules.fields import normal_address

Captured = tuple[tuple[str, ...], tuple[str, ...]]  # names and values; what is empty is left out

NO_PROGRAM = "-"
MAX_VALUE_CHARACTERS = 120

# what speaks of numbers and treats them all alike: a class, up to so many repetitions, a group's name
_ANY_NUMBER = re.compile(r"\\d(?!\\d|\[0-9)|\{[01],\d*\}|\(\?P<\w+>", re.ASCII)
_DIGIT_RANGE = re.compile(r"(?<=[\[\w.:/_-])0-9|(?<=\[\^)0-9")


@dataclass(frozen=True, eq=False)
class Rule:
    """What one kind of message means.

    A line is this rule's when its program is one of `programs` (none named = any program, NO_PROGRAM = a line that
    names none), its message holds one of `contains` (none named = any message), and `expression` is found in the
    message with all `fields` captured. `severity` is None for a benign rule: such lines are understood and tell nothing
    by themselves. Lines that agree in `group_by` are one finding. What many of them mean, or a first one, stands in
    `escalations` and `first`; what makes them a mere note, in `cleared_by`.
    """

    id: str
    kind: str
    severity: Severity | None
    programs: tuple[str, ...]
    contains: tuple[str, ...]
    expression: str
    fields: tuple[str, ...]
    group_by: tuple[str, ...]
    title: str
    meaning: str
    recommended_action: str
    matching_samples: tuple[str, ...]
    other_samples: tuple[str, ...]
    escalations: tuple[Escalation, ...] = ()
    first: First | None = None
    cleared_by: Clearing | None = None

    @property
    def benign(self) -> bool:
        """Whether a match says that all is well."""
        return self.severity is None

    @property
    def speaks(self) -> bool:
        """Whether a match may become a finding of this rule."""
        return not self.benign or bool(self.escalations) or self.first is not None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when the first line asks for it: a start compiles nothing that no log needs."""
        return re.compile(self.expression)

    @cached_property
    def reads_numbers(self) -> bool:
        """Whether the expression may tell one number from another, by a digit or by how many there are.

        If not, a line that is like another one but for its numbers matches at the same words.
        """
        rest = _DIGIT_RANGE.sub("", _ANY_NUMBER.sub("", self.expression))
        return "(?P=" in rest or "\\d" in rest or any(character.isdigit() for character in rest)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.pattern.groupindex)

    @cached_property
    def _all_named(self) -> bool:
        return self.pattern.groups == len(self._names)

    def capture_all(self, messages: Iterable[str]) -> Iterator[Captured | None]:
        """Yield what is captured from each message, as it stands there; None where the rule does not apply."""
        names, all_named = self._names, self._all_named
        for found in map(self.pattern.search, messages):
            if found is None:
                yield None
            elif all_named and all(values := found.groups()):
                yield names, values
            else:
                yield self._without_empty(found.groupdict())

    def _without_empty(self, fields: Mapping[str, str | None]) -> Captured | None:
        named = {name: value for name, value in fields.items() if value}
        if any(name not in named for name in self.fields):
            return None
        return tuple(named), tuple(named.values())

    def match(self, message: str) -> "Match | None":
        """Return what the rule captures from a message, None where it does not apply."""
        (captured,) = self.capture_all([message])
        if captured is None:
            return None
        fields = dict(zip(*captured, strict=True))
        if max(map(len, fields.values()), default=0) > MAX_VALUE_CHARACTERS:
            fields = {name: value[:MAX_VALUE_CHARACTERS] for name, value in fields.items()}
        if "address" in fields:
            fields["address"] = normal_address(fields["address"])
        return Match(self, fields)


class Match(NamedTuple):
    """A rule that applies to a line, with what it captured; empty captures are left out."""

    rule: Rule
    fields: Mapping[str, str]
