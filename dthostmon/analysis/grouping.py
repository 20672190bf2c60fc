"""Matches of rules gathered into findings: of one cause one finding, with its count and a few lines as evidence."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from dthostmon.analysis.seen_line import SeenLine
from dthostmon.model import Evidence, Finding, FindingSource, Severity
from dthostmon.rules import Match, Rule, RuleSequence, fill

FIRST_EVIDENCE_LINES = 3
LAST_EVIDENCE_LINES = 2
MAX_GROUPS_PER_RULE = 50
MAX_VALUES_PER_FIELD = 200
NAMED_VALUES = 2
OTHERS = "others"


class Group:
    """What is known of one finding in the making. `key` holds the values of the rule's `group_by`."""

    def __init__(self, rule: Rule | RuleSequence, key: tuple[str, ...]) -> None:
        self.rule = rule
        self.key = key
        self.count = 0
        self._first: list[Evidence | SeenLine] = []
        self._last: deque[Evidence | SeenLine] = deque(maxlen=LAST_EVIDENCE_LINES)
        self._values: dict[str, Counter[str]] = {}
        self._begin: datetime | None = None
        self._end: datetime | None = None

    def add(self, fields: Mapping[str, str], lines: Sequence[Evidence | SeenLine], count: int) -> None:
        """Count what `lines` show."""
        self.count += count
        for line in lines:
            (self._first if len(self._first) < FIRST_EVIDENCE_LINES else self._last).append(line)
            if line.time is not None:
                self._note_time(line.time)
        for name, value in fields.items():
            values = self._values.get(name)
            if values is None:
                values = self._values[name] = Counter()
            values[value if value in values or len(values) < MAX_VALUES_PER_FIELD else OTHERS] += count

    def _note_time(self, time: datetime) -> None:
        if self._begin is None or time < self._begin:
            self._begin = time
        if self._end is None or time > self._end:
            self._end = time

    @property
    def last_seen(self) -> datetime | None:
        """When its newest line was written; None where no line tells."""
        return self._end

    @property
    def fields(self) -> dict[str, str]:
        """The most frequent value of each field."""
        return {name: values.most_common(1)[0][0] for name, values in self._values.items()}

    def finding(self, severity: Severity) -> Finding:
        """Return what is told of it."""
        words = {name: _enumerate(values) for name, values in self._values.items()}
        return Finding(
            kind=self.rule.kind,
            severity=severity,
            title=fill(self.rule.title, words, self.count),
            source=FindingSource.RULE,
            rule=self.rule.id,
            count=self.count,
            evidence=tuple(map(_shown, (*self._first, *self._last))),
            recommended_action=fill(self.rule.recommended_action, words, self.count),
            fields=self.fields,
            first_seen=self._begin,
            last_seen=self._end,
        )


def _shown(line: Evidence | SeenLine) -> Evidence:
    return line.evidence() if isinstance(line, SeenLine) else line


def _enumerate(values: Counter[str]) -> str:
    """Name the most frequent values: 'root', 'root and admin', 'root, admin and 12 more'."""
    named = [value for value, _ in values.most_common(NAMED_VALUES)]
    if more := len(values) - len(named):
        return f"{', '.join(named)} and {more} more"
    return " and ".join(named)


class Grouping:
    """Gathers the matches of one run. Memory is bounded: beyond MAX_GROUPS_PER_RULE one group takes what is left."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[tuple[str, ...], Group]] = {}

    def add(self, match: Match, line: SeenLine, count: int) -> None:
        """Count `count` occurrences of a line that a rule decided."""
        fields = match.fields
        groups = self._groups.setdefault(match.rule.id, {})
        key = tuple(fields.get(name, "") for name in match.rule.group_by)
        if key not in groups:
            if len(groups) >= MAX_GROUPS_PER_RULE:
                fields = {**fields, **dict.fromkeys(match.rule.group_by, OTHERS)}
                key = (OTHERS,) * len(key)
            groups.setdefault(key, Group(match.rule, key))
        groups[key].add(fields, [line], count)

    def findings(self, severity_of: Callable[[Rule, Group], Severity | None]) -> Iterator[Finding]:
        """Return the findings; a group without a severity tells nothing."""
        for groups in self._groups.values():
            for group in groups.values():
                if isinstance(group.rule, Rule) and (severity := severity_of(group.rule, group)):
                    yield group.finding(severity)
