"""Matches of rules gathered into findings: of one cause one finding, with its count and a few lines as evidence."""

import re
from collections import Counter, deque
from collections.abc import Iterator

from dthostmon.model import Evidence, Finding, FindingSource, Severity, Thresholds
from dthostmon.rules import Match, Rule

FIRST_EVIDENCE_LINES = 3
LAST_EVIDENCE_LINES = 2
MAX_GROUPS_PER_RULE = 50
MAX_VALUES_PER_FIELD = 200
MAX_VALUE_CHARACTERS = 120
NAMED_VALUES = 2
OTHERS = "others"

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class _Group:
    """What is known of one finding in the making."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.count = 0
        self._first: list[Evidence] = []
        self._last: deque[Evidence] = deque(maxlen=LAST_EVIDENCE_LINES)
        self._values: dict[str, Counter[str]] = {}

    def add(self, fields: dict[str, str], path: str, line: str, count: int) -> None:
        self.count += count
        (self._first if len(self._first) < FIRST_EVIDENCE_LINES else self._last).append(Evidence(path, line))
        for name, value in fields.items():
            values = self._values.setdefault(name, Counter())
            values[value if value in values or len(values) < MAX_VALUES_PER_FIELD else OTHERS] += count

    def finding(self, thresholds: Thresholds) -> Finding:
        rule = self.rule
        return Finding(
            kind=rule.kind,
            severity=self._severity(thresholds),
            title=self._fill(rule.title),
            source=FindingSource.RULE,
            rule=rule.id,
            count=self.count,
            evidence=(*self._first, *self._last),
            recommended_action=self._fill(rule.recommended_action),
            fields={name: values.most_common(1)[0][0] for name, values in self._values.items()},
        )

    def _severity(self, thresholds: Thresholds) -> Severity:
        if self.rule.threshold == "failed_logins" and self.count < thresholds.failed_logins:
            return Severity.INFO
        return self.rule.severity or Severity.INFO

    def _fill(self, text: str) -> str:
        words = {name: _enumerate(values) for name, values in self._values.items()}
        words |= {"count": str(self.count), "s": "" if self.count == 1 else "s"}
        return _PLACEHOLDER.sub(lambda match: words.get(match[1], "unknown"), text)


def _enumerate(values: Counter[str]) -> str:
    """Name the most frequent values: 'root', 'root and admin', 'root, admin and 12 more'."""
    named = [value for value, _ in values.most_common(NAMED_VALUES)]
    if more := len(values) - len(named):
        return f"{', '.join(named)} and {more} more"
    return " and ".join(named)


class Grouping:
    """Gathers the matches of one run. Memory is bounded: beyond MAX_GROUPS_PER_RULE one group takes what is left."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[tuple[str, ...], _Group]] = {}

    def add(self, match: Match, path: str, line: str, count: int) -> None:
        """Count `count` occurrences of a line that a rule decided."""
        rule = match.rule
        fields = {name: value[:MAX_VALUE_CHARACTERS] for name, value in match.fields.items()}
        groups = self._groups.setdefault(rule.id, {})
        key = tuple(fields[name] for name in rule.group_by)
        if key not in groups:
            if len(groups) >= MAX_GROUPS_PER_RULE:
                fields |= dict.fromkeys(rule.group_by, OTHERS)
                key = (OTHERS,) * len(key)
            groups.setdefault(key, _Group(rule))
        groups[key].add(fields, path, line, count)

    def findings(self, thresholds: Thresholds) -> Iterator[Finding]:
        """Return the findings, each with the severity that its count deserves."""
        for groups in self._groups.values():
            for group in groups.values():
                yield group.finding(thresholds)
