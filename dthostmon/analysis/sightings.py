"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count, filterfalse, islice

from dthostmon.analysis.batch import Batch, Sighting
from dthostmon.analysis.grouping import Grouping
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.rules import First, Rule, RuleSet, Trail, TrailKey, Watch

FIRST_LINES = 2
LAST_LINES = 2
# of one visit: of what one rule or sequence watches, so that a flood of one kind hides no other kind, and of all
MAX_TRAILS_PER_OWNER = 1000
MAX_TRAILS = 5000
MAX_COMPLETIONS = 2000  # different ones; of equal ones the first two and the last count
EQUAL_COMPLETIONS = 3
MAX_FIRST_VALUES = 2000
MAX_CLEARED = 2000
MAX_CLEARINGS = 20  # of one rule and its values


@dataclass(slots=True)
class WatchedTrail:
    """A trail in the making, with a few of its lines."""

    trail: Trail
    first: tuple[SeenLine, ...] = ()
    last: tuple[SeenLine, ...] = ()

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
        if free > 0:
            self.first += tuple(map(batch.line, places[:free]))
        if len(places) > free:
            self.last = (*self.last, *map(batch.line, places[free:][-LAST_LINES:]))[-LAST_LINES:]

    @property
    def lines(self) -> tuple[SeenLine, ...]:
        """The first and the last lines."""
        return self.first + self.last


class Sightings:
    """Gathers what the rules decide; bounded, whatever a host writes."""

    def __init__(self, rules: RuleSet) -> None:
        self.grouping = Grouping()
        self.first_values: dict[str, dict[TrailKey, None]] = {}  # what a first sight is asked of, by rule
        self._completions: dict[TrailKey, list[Sighting]] = {}
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
        if rule.first:
            self._note_values(rule.first, batch)
        if self._rules.completed_by(rule):
            batch = batch.at(self._keep_back(batch))
        if rule.speaks and batch.lines:
            self.grouping.add(batch)

    @property
    def completions(self) -> list[Sighting]:
        """The lines that may complete a sequence."""
        return [sighting for kept in self._completions.values() for sighting in kept]

    def _keep_back(self, batch: Batch) -> list[int]:
        """Keep the lines that may complete a sequence, and return the places of the others."""
        left = []
        for place, values in enumerate(batch.rows(batch.columns) or ()):
            kept = self._completions.get((batch.rule.id, *values))
            if kept is None:
                if len(self._completions) >= MAX_COMPLETIONS:
                    left.append(place)
                else:
                    self._completions[batch.rule.id, *values] = [batch.sighting(place)]
            elif len(kept) < EQUAL_COMPLETIONS:
                kept.append(batch.sighting(place))
            else:
                kept[-1] = batch.sighting(place)._replace(times=kept[-1].times + batch.counts[place])
        return left

    def _note_values(self, first: First, batch: Batch) -> None:
        """Note of which values somebody may ask whether they were ever seen."""
        known = self.first_values.setdefault(batch.rule.id, {})
        known |= dict.fromkeys(islice(batch.first_values(first), MAX_FIRST_VALUES - len(known)))

    def _follow(self, watch: Watch, batch: Batch) -> None:
        """Count the lines of a batch for what a rule or a sequence watches."""
        rows = list(batch.rows(watch.by) or ())
        trails = self._trails.setdefault(watch.owner, {})
        room = MAX_TRAILS - sum(map(len, self._trails.values()))
        if (free := min(MAX_TRAILS_PER_OWNER - len(trails), room)) > 0:
            for values in islice(dict.fromkeys(filterfalse(trails.__contains__, rows)), free):
                trails[values] = WatchedTrail(Trail(watch.within))
        for values, places in _places_by_values(rows, trails).items():
            trails[values].add(batch, places)

    def _clear(self, cleared: Rule, batch: Batch) -> None:
        """Note when lines showed that those of another rule were no trouble."""
        by = cleared.cleared_by.by if cleared.cleared_by else ()
        for values, moments in zip(batch.rows(by) or (), batch.moments, strict=False):
            times = self.cleared.get((cleared.id, *values))
            if times is None:
                if len(self.cleared) < MAX_CLEARED:
                    self.cleared[cleared.id, *values] = [moments.seconds]
            elif len(times) < MAX_CLEARINGS:
                times.append(moments.seconds)
            else:
                times[-1] = moments.seconds


def _places_by_values(rows: Sequence[TrailKey], wanted: Collection[TrailKey]) -> Mapping[TrailKey, Sequence[int]]:
    """Return where the rows with the same values stand, for values that are wanted."""
    is_wanted = list(map(wanted.__contains__, rows))
    places: dict[TrailKey, list[int]] = {}
    for place, values in zip(compress(count(), is_wanted), compress(rows, is_wanted), strict=True):
        places.setdefault(values, []).append(place)
    return places
