"""Matches of rules gathered into findings: of one cause one finding, with its count and a few lines as evidence."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import filterfalse, islice
from operator import attrgetter

from dthostmon.analysis.batch import Batch
from dthostmon.analysis.evidence import in_order
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.model import Evidence, Finding, FindingSource, Severity
from dthostmon.rules import Rule, RuleSequence, fill

FIRST_EVIDENCE_LINES = 3
LAST_EVIDENCE_LINES = 2
MAX_GROUPS_PER_RULE = 50
MAX_VALUES_PER_FIELD = 200
MAX_REST_VALUES = 2001  # more than a history holds: one of so many was certainly never seen
NAMED_VALUES = 2

Key = tuple[str, ...]
REST: Key = ("\0",)  # of the group that takes what is beyond the limit; no value of a host holds a NUL


class Group:
    """What is known of one finding in the making. `key` holds the values of the rule's `group_by`."""

    def __init__(self, rule: Rule | RuleSequence, key: Key) -> None:
        self.rule = rule
        self.key = key
        self.count = 0
        self._first: list[Evidence | SeenLine] = []
        self._last: deque[Evidence | SeenLine] = deque(maxlen=LAST_EVIDENCE_LINES)
        self._values: dict[str, Counter[str]] = {}
        self.rest_values: set[Key] = set()  # of the rest: what a first sight is asked of
        self._has_more: set[str] = set()  # fields with more different values than are counted
        self._begin: datetime | None = None
        self._end: datetime | None = None

    def add(self, columns: Mapping[str, Sequence[str]], lines: Sequence[Evidence | SeenLine], count: int) -> None:
        """Count what was seen: the values of each field, and the first and last lines of it."""
        self.count += count
        free = FIRST_EVIDENCE_LINES - len(self._first)
        self._first += lines[:free]
        self._last.extend(lines[free:])
        for name, column in columns.items():
            if not _count_values(self._values.setdefault(name, Counter()), column):
                self._has_more.add(name)

    @property
    def is_rest(self) -> bool:
        """Whether it takes what is beyond the limit, of whatever values."""
        return self.key == REST

    def note_times(self, times: Iterable[datetime | None]) -> None:
        """Note when lines were written."""
        if told := [time for time in (*times, self._begin, self._end) if time is not None]:
            self._begin, self._end = min(told), max(told)

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
        words = {name: _enumerate(values, name in self._has_more) for name, values in self._values.items()}
        return Finding(
            kind=self.rule.kind,
            severity=severity,
            title=fill(self.rule.title, words, self.count),
            source=FindingSource.RULE,
            rule=self.rule.id,
            count=self.count,
            evidence=in_order([*map(_shown, (*self._first, *self._last))]),
            recommended_action=fill(self.rule.recommended_action, words, self.count),
            fields=self.fields,
            first_seen=self._begin,
            last_seen=self._end,
        )


def _count_values(values: Counter[str], column: Sequence[str]) -> bool:
    """Count the values of a field, up to MAX_VALUES_PER_FIELD different ones; tell whether that was all of them."""
    if (free := MAX_VALUES_PER_FIELD - len(values)) > 0:
        values.update(dict.fromkeys(islice(dict.fromkeys(filterfalse(values.__contains__, column)), free), 0))
    counted = list(filter(values.__contains__, column))
    values.update(counted)
    return len(counted) == len(column)


def _shown(line: Evidence | SeenLine) -> Evidence:
    return line.evidence() if isinstance(line, SeenLine) else line


def _enumerate(values: Counter[str], has_more: bool) -> str:
    """Name the most frequent values: 'root', 'root and admin', 'root, admin and 12 more'."""
    named = [value for value, _ in values.most_common(NAMED_VALUES)]
    if more := len(values) - len(named):
        return f"{', '.join(named)} and {'more than ' if has_more else ''}{more} more"
    return " and ".join(named)


def _places_by_key(batch: Batch, known: Collection[Key]) -> Mapping[Key, Sequence[int]]:
    """Return the places of the lines that agree in the rule's `group_by`; one group takes what is beyond the limit."""
    if not batch.rule.group_by:
        return {(): range(len(batch.lines))}
    missing = [""] * len(batch.lines)
    keys = list(zip(*(batch.columns.get(name, missing) for name in batch.rule.group_by), strict=True))
    free = MAX_GROUPS_PER_RULE - len(known)
    if free <= 0 and not any(map(known.__contains__, keys)):
        return {REST: range(len(keys))}
    places: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        if key in places:
            places[key].append(place)
        elif key in known or free > 0:
            free -= key not in known
            places[key] = [place]
        else:
            places.setdefault(REST, []).append(place)
    return places


_TOLD = attrgetter("told")


def _last_places(count: int) -> range:
    return range(max(0, count - LAST_EVIDENCE_LINES), count)


class Grouping:
    """Gathers the matches of one run. Memory is bounded: beyond MAX_GROUPS_PER_RULE one group takes what is left."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[Key, Group]] = {}

    def add(self, batch: Batch) -> None:
        """Count lines that one rule decided."""
        groups = self._groups.setdefault(batch.rule.id, {})
        for key, places in _places_by_key(batch, groups).items():
            part = batch if len(places) == len(batch.lines) else batch.at(places)
            group = groups.setdefault(key, Group(batch.rule, key))
            shown = sorted({*range(min(len(places), FIRST_EVIDENCE_LINES)), *_last_places(len(places))})
            group.add(part.columns, [part.line(place) for place in shown], sum(part.counts))
            group.note_times(map(_TOLD, part.moments))
            if group.is_rest and batch.rule.first and (free := MAX_REST_VALUES - len(group.rest_values)) > 0:
                group.rest_values |= set(islice(part.first_values(batch.rule.first), free))

    def findings(self, severity_of: Callable[[Rule, Group], Severity | None]) -> Iterator[Finding]:
        """Return the findings; a group without a severity tells nothing."""
        for groups in self._groups.values():
            for group in groups.values():
                if isinstance(group.rule, Rule) and (severity := severity_of(group.rule, group)):
                    yield group.finding(severity)
