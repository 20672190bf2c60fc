"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, count, filterfalse, islice

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

    def add(self, batch: Batch, places: Sequence[int]) -> None:
        """Count the lines of a batch that stand at these places."""
        moments, counts = batch.moments, batch.counts
        seen: dict[float, int] = {}
        for place in places:
            at = moments[place].seconds
            seen[at] = seen.get(at, 0) + counts[place]
        for at, count_at in seen.items():
            self.trail.add(at, count_at)
        free = FIRST_LINES - len(self.first)
        self.first += map(batch.line, places[:free])
        self.last = [*self.last, *map(batch.line, places[free:][-LAST_LINES:])][-LAST_LINES:]

    @property
    def lines(self) -> tuple[SeenLine, ...]:
        """The first and the last lines."""
        return (*self.first, *self.last)


class Sightings:
    """Gathers what the rules decide; bounded, whatever a host writes."""

    def __init__(self, rules: RuleSet) -> None:
        self.grouping = Grouping()
        self.completions: list[Sighting] = []
        self.cleared: dict[TrailKey, list[float]] = {}
        self._rules = rules
        self._trails: dict[TrailKey, dict[TrailKey, WatchedTrail]] = {}  # by owner, and by the values it is of

    @property
    def trails(self) -> dict[TrailKey, WatchedTrail]:
        """What was counted for whom."""
        return {owner + values: one for owner, trails in self._trails.items() for values, one in trails.items()}

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
        rows = list(batch.rows(watch.by) or ())
        trails = self._trails.setdefault(watch.owner, {})
        if (free := MAX_TRAILS - sum(map(len, self._trails.values()))) > 0:
            for values in islice(dict.fromkeys(filterfalse(trails.__contains__, rows)), free):
                trails[values] = WatchedTrail(Trail(watch.within))
        for values, places in _places_by_values(rows, trails).items():
            trails[values].add(batch, places)

    def _clear(self, cleared: Rule, batch: Batch) -> None:
        """Note when lines showed that those of another rule were no trouble."""
        by = cleared.cleared_by.by if cleared.cleared_by else ()
        for values, moments in zip(batch.rows(by) or (), batch.moments, strict=False):
            times = self.cleared.setdefault((cleared.id, *values), [])
            if len(times) < MAX_CLEARINGS:
                times.append(moments.seconds)


def _places_by_values(rows: Sequence[TrailKey], wanted: Collection[TrailKey]) -> Mapping[TrailKey, Sequence[int]]:
    """Return where the rows with the same values stand, for values that are wanted."""
    is_wanted = list(map(wanted.__contains__, rows))
    places: dict[TrailKey, list[int]] = {}
    for place, values in zip(compress(count(), is_wanted), compress(rows, is_wanted), strict=True):
        places.setdefault(values, []).append(place)
    return places
