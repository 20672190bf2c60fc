"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from dataclasses import dataclass, field

from dthostmon.analysis.batch import Batch, Sighting
from dthostmon.analysis.grouping import Grouping
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.rules import Rule, RuleSet, Trail, TrailKey, Watch

FIRST_LINES = 2
LAST_LINES = 2
MAX_TRAILS = 2000  # of one visit; the values that flood it are the flooder's own
MAX_COMPLETIONS = 1000
MAX_CLEARINGS = 1000  # of one rule and its values


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
    def lines(self) -> tuple[SeenLine, ...]:
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

    def add(self, batch: Batch) -> None:
        """Take lines that a rule decided.

        Lines that may complete a sequence are kept back until what came before them is known.
        """
        rule = batch.rule
        for watch in self._rules.watches(rule):
            self._follow(watch, batch)
        for cleared in self._rules.clears(rule):
            self._clear(cleared, batch)
        if self._rules.completed_by(rule):
            kept = range(min(len(batch.lines), MAX_COMPLETIONS - len(self.completions)))
            self.completions += map(batch.sighting, kept)
            batch = batch.at(range(len(kept), len(batch.lines)))
        if rule.speaks and batch.lines:
            self.grouping.add(batch)

    def _follow(self, watch: Watch, batch: Batch) -> None:
        """Count the lines of a batch for what a rule or a sequence watches."""
        trails, owner = self.trails, watch.owner
        for place, values in enumerate(batch.rows(watch.by) or ()):
            key = owner + values
            trail = trails.get(key)
            if trail is None:
                if len(trails) >= MAX_TRAILS:
                    continue
                trail = trails[key] = WatchedTrail(Trail(watch.within))
            trail.add(batch.line(place), batch.counts[place], batch.moments[place].seconds)

    def _clear(self, cleared: Rule, batch: Batch) -> None:
        """Note when lines showed that those of another rule were no trouble."""
        by = cleared.cleared_by.by if cleared.cleared_by else ()
        for values, moments in zip(batch.rows(by) or (), batch.moments, strict=False):
            times = self.cleared.setdefault((cleared.id, *values), [])
            if len(times) < MAX_CLEARINGS:
                times.append(moments.seconds)
