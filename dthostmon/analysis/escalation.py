"""How bad a group of lines is: what its rule says of one, of many within a window, and of a first one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.analysis.grouping import Group
from dthostmon.analysis.sequences import KnownTrail
from dthostmon.analysis.sightings import Sightings
from dthostmon.model import History, Severity, Thresholds
from dthostmon.model.history import ValueKey
from dthostmon.rules import Escalation, First, Rule, RuleSet, TrailKey, values_of


@dataclass(slots=True)
class Escalated:
    """The severities of one visit's groups."""

    rules: RuleSet
    trails: Mapping[TrailKey, KnownTrail]
    sightings: Sightings
    thresholds: Thresholds
    history: History
    learned: bool
    _reached: dict[TrailKey, list[tuple[str, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self._reached = defaultdict(list)
        for key, known in self.trails.items():
            escalation = self.rules.escalation(key)
            if escalation and known.since is not None and known.trail.reaches(self._count(escalation), known.since):
                self._reached[key[:2]].append(key[2:])

    def _count(self, escalation: Escalation) -> int:
        count = escalation.count
        return count if isinstance(count, int) else int(getattr(self.thresholds, count))

    def severity(self, rule: Rule, group: Group) -> Severity | None:
        """Return how bad a group is; None = it tells nothing."""
        worst = max((severity for severity in self._severities(rule, group) if severity), default=None)
        return min(worst, Severity.INFO) if worst and self._is_cleared(rule, group) else worst

    def _is_cleared(self, rule: Rule, group: Group) -> bool:
        clearing = rule.cleared_by
        if clearing is None or group.last_seen is None or group.is_rest:
            return False
        told = dict(zip(rule.group_by, group.key, strict=True))
        times = self.sightings.cleared.get((rule.id, *(told[name] for name in clearing.by)), ())
        return any(abs(time - group.last_seen.timestamp()) <= clearing.within for time in times)

    def _severities(self, rule: Rule, group: Group) -> Iterator[Severity | None]:
        yield rule.severity
        for index, escalation in enumerate(rule.escalations):
            reached = self._reached.get((rule.id, str(index)), ())
            if any(_agree(rule, group, escalation, values) for values in reached):
                yield escalation.severity
        if rule.first and self._is_first(rule, rule.first, group):
            yield rule.first.severity if self.learned else rule.first.learning

    def _is_first(self, rule: Rule, first: First, group: Group) -> bool:
        """Tell whether a group's values were never seen, or any of the rest's."""
        asked = group.rest_values if group.is_rest else [values_of(first.by, group.fields)]
        return any((rule.id, *values) not in self.history.values for values in asked)

    @property
    def values(self) -> set[ValueKey]:
        """The values of this visit that a later first sight is asked of."""
        return {(rule, *values) for rule, found in self.sightings.first_values.items() for values in found}


def _agree(rule: Rule, group: Group, escalation: Escalation, values: tuple[str, ...]) -> bool:
    """Tell whether what was counted is of this group: where both name a field, they have the same value of it."""
    if group.is_rest:
        return True
    told = dict(zip(rule.group_by, group.key, strict=True))
    return all(told.get(name, value) == value for name, value in zip(escalation.by, values, strict=True))
