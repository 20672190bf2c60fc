"""One rule: which lines it speaks of and what they mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dthostmon.model import Severity


@dataclass(frozen=True, eq=False)
class Rule:
    """What one kind of message means.

    A line is this rule's when its program is one of `programs` (none named = any program), its message holds one of
    `contains` (none named = any message), and `expression` is found in the message with all `fields` captured.
    `severity` is None for a benign rule: such lines are understood and tell nothing. Lines that agree in `group_by` are
    one finding. `threshold` names the setting below which the finding's count is only INFO.
    """

    id: str
    kind: str
    severity: Severity | None
    programs: tuple[str, ...]
    contains: tuple[str, ...]
    expression: str
    fields: tuple[str, ...]
    group_by: tuple[str, ...]
    threshold: str | None
    title: str
    meaning: str
    recommended_action: str
    matching_samples: tuple[str, ...]
    other_samples: tuple[str, ...]

    @property
    def benign(self) -> bool:
        """Whether a match says that all is well."""
        return self.severity is None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when the first line asks for it: a start compiles nothing that no log needs."""
        return re.compile(self.expression)

    def match(self, message: str) -> "Match | None":
        """Return what the rule captures from a message, None where it does not apply."""
        found = self.pattern.search(message)
        if found is None:
            return None
        fields = {name: value for name, value in found.groupdict().items() if value}
        if not all(name in fields for name in self.fields):
            return None
        return Match(self, fields)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that applies to a line, with what it captured; empty captures are left out."""

    rule: Rule
    fields: Mapping[str, str]
