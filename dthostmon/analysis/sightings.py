"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from dataclasses import dataclass, field
from typing import NamedTuple

from dthostmon.analysis.grouping import Grouping
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.model import Evidence
from dthostmon.rules import Match, RuleSet, Trail, TrailKey

FIRST_LINES = 2
LAST_LINES = 2
MAX_TRAILS = 2000  # of one visit; the values that flood it are the flooder's own
MAX_COMPLETIONS = 1000
MAX_CLEARINGS = 1000  # of one rule and its values


class Sighting(NamedTuple):
    """A line that a rule decided, and how often it was seen.

    `at` is its time in seconds since 1970, or the visit's where it tells none.
    """

    match: Match
    line: SeenLine
    times: int
    at: float


@dataclass(slots=True)
class WatchedTrail:
    """A trail in the making, with a few of its lines."""

    trail: Trail
    first: list[SeenLine] = field(default_factory=list)
    last: list[SeenLine] = field(default_factory=list)

    def add(self, line: SeenLine, count: int, at: float) -> None:
        """Count one more sighting."""
        self.trail.add(at, count)
        if len(self.first) < FIRST_LINES:
            self.first.append(line)
        else:
            self.last = [*self.last[1 - LAST_LINES :], line]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The first and the last lines."""
        return tuple(line.evidence() for line in (*self.first, *self.last))


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
        (rule, fields), line, count, at = sighting.match, sighting.line, sighting.times, sighting.at
        for watch in self._rules.watches(rule):
            key = watch.key(fields)
            trail = self.trails.get(key) if key else None
            if trail is None and key and len(self.trails) < MAX_TRAILS:
                trail = self.trails[key] = WatchedTrail(Trail(watch.within))
            if trail is not None:
                trail.add(line, count, at)
        if self._rules.clears(rule):
            self._clear(sighting)
        if self._rules.completed_by(rule) and len(self.completions) < MAX_COMPLETIONS:
            self.completions.append(sighting)
        elif rule.speaks:
            self.grouping.add(sighting.match, line, count)

    def _clear(self, sighting: Sighting) -> None:
        """Note when a line showed that other lines were no trouble."""
        for rule in self._rules.clears(sighting.match.rule):
            by = rule.cleared_by.by if rule.cleared_by else ()
            key = (rule.id, *(sighting.match.fields.get(name, "") for name in by))
            times = self.cleared.setdefault(key, [])
            if len(times) < MAX_CLEARINGS:
                times.append(sighting.at)
