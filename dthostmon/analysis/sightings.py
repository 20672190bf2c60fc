"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from dataclasses import dataclass, field
from datetime import datetime

from dthostmon.analysis.grouping import Grouping
from dthostmon.model import Evidence
from dthostmon.rules import Match, RuleSet, Trail, TrailKey

FIRST_LINES = 2
LAST_LINES = 2
MAX_TRAILS = 2000  # of one visit; the values that flood it are the flooder's own
MAX_COMPLETIONS = 1000
MAX_CLEARINGS = 1000  # of one rule and its values


@dataclass(frozen=True, slots=True)
class Sighting:
    """A line that a rule decided, and how often it was seen. `at` is its time, or the visit's where it tells none."""

    match: Match
    evidence: Evidence
    count: int
    at: datetime


@dataclass(slots=True)
class WatchedTrail:
    """A trail in the making, with a few of its lines."""

    trail: Trail
    first: list[Evidence] = field(default_factory=list)
    last: list[Evidence] = field(default_factory=list)

    def add(self, sighting: Sighting) -> None:
        """Count one more sighting."""
        self.trail.add(sighting.at.timestamp(), sighting.count)
        if len(self.first) < FIRST_LINES:
            self.first.append(sighting.evidence)
        else:
            self.last = [*self.last, sighting.evidence][-LAST_LINES:]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The first and the last lines."""
        return (*self.first, *self.last)


class Sightings:
    """Gathers what the rules decide; bounded, whatever a host writes."""

    def __init__(self, rules: RuleSet) -> None:
        self.grouping = Grouping()
        self.trails: dict[TrailKey, WatchedTrail] = {}
        self.completions: list[Sighting] = []
        self.cleared: dict[TrailKey, list[float]] = {}
        self._rules = rules

    def add(self, sighting: Sighting) -> None:
        """Take what a rule said of a line.

        A line that may complete a sequence is kept back until what came before it is known.
        """
        rule = sighting.match.rule
        self._clear(sighting)
        for watch in self._rules.watches(rule):
            key = watch.key(sighting.match.fields)
            if key is None or (key not in self.trails and len(self.trails) >= MAX_TRAILS):
                continue
            trail = self.trails.get(key)
            if trail is None:
                trail = self.trails[key] = WatchedTrail(Trail(watch.within))
            trail.add(sighting)
        if self._rules.completed_by(rule) and len(self.completions) < MAX_COMPLETIONS:
            self.completions.append(sighting)
        elif rule.speaks:
            self.grouping.add(sighting.match, sighting.evidence, sighting.count)

    def _clear(self, sighting: Sighting) -> None:
        """Note when a line showed that other lines were no trouble."""
        for rule in self._rules.clears(sighting.match.rule):
            by = rule.cleared_by.by if rule.cleared_by else ()
            key = (rule.id, *(sighting.match.fields.get(name, "") for name in by))
            times = self.cleared.setdefault(key, [])
            if len(times) < MAX_CLEARINGS:
                times.append(sighting.at.timestamp())
