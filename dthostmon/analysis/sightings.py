"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, count, filterfalse, islice
from typing import NamedTuple

from dthostmon.analysis.batch import Batch, Sighting
from dthostmon.analysis.grouping import Grouping
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.rules import First, Rule, RuleSet, Trail, TrailKey, Watch

FIRST_LINES = 2
LAST_LINES = 2
# of one visit: of what one rule or sequence watches, so that a flood of one kind hides no other kind, and of all
MAX_TRAILS_PER_OWNER = 300
MAX_TRAILS = 2500
BUSY_LINES = 3  # that many of one piece of a log take the place of a trail with a single line
# different lines of one rule, and of all; of equal ones the first two and the last count
MAX_COMPLETIONS_PER_RULE = 500
MAX_COMPLETIONS = 2000
EQUAL_COMPLETIONS = 3
MAX_FIRST_VALUES = 2000
MAX_CLEARED = 2000
MAX_CLEARINGS = 20  # of one rule and its values


class _Part(NamedTuple):
    """Lines of a batch that go into one trail or into several: how many at what second, the first and the last."""

    counts: Mapping[int, int]
    lines: int
    first: tuple[SeenLine, ...]
    last: tuple[SeenLine, ...]


def _part(batch: Batch, places: Sequence[int]) -> _Part:
    moments, counts = batch.moments, batch.counts
    seen: dict[int, int] = {}
    for place in places:
        second = int(moments[place].seconds)
        seen[second] = seen.get(second, 0) + counts[place]
    first = tuple(map(batch.line, places[:FIRST_LINES]))
    return _Part(seen, len(places), first, tuple(map(batch.line, places[-LAST_LINES:])) if len(places) > 1 else first)


@dataclass(slots=True)
class WatchedTrail:
    """A trail in the making, with a few of its lines."""

    trail: Trail
    first: tuple[SeenLine, ...] = ()
    last: tuple[SeenLine, ...] = ()

    def add(self, part: _Part) -> None:
        """Count lines."""
        self.trail.add_all(part.counts)
        free = FIRST_LINES - len(self.first)
        if free > 0:
            self.first += part.first[:free]
        if part.lines > free:
            self.last = (*self.last, *part.last[free - part.lines :])[-LAST_LINES:]

    @property
    def lines(self) -> tuple[SeenLine, ...]:
        """The first and the last lines."""
        return self.first + self.last


class Sightings:
    """Gathers what the rules decide; bounded, whatever a host writes."""

    def __init__(self, rules: RuleSet) -> None:
        self.grouping = Grouping()
        self.first_values: dict[str, dict[TrailKey, None]] = {}  # what a first sight is asked of, by rule
        self._completions: dict[str, dict[TrailKey, list[Sighting]]] = {}  # by rule, and by the values of its fields
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
        for by, watches in self._rules.watches_by(rule).items():
            self._follow(watches, batch, list(batch.rows(by) or ()))
        for cleared in self._rules.clears(rule):
            self._clear(cleared, batch)
        if rule.first:
            self._note_values(rule.first, batch)
        if self._rules.completed_by(rule):
            batch = self._without_kept_back(batch)
        if rule.speaks and batch.lines:
            self.grouping.add(batch)

    @property
    def completions(self) -> list[Sighting]:
        """The lines that may complete a sequence."""
        return [one for by_values in self._completions.values() for kept in by_values.values() for one in kept]

    def _without_kept_back(self, batch: Batch) -> Batch:
        """Keep the lines that may complete a sequence, and return the others."""
        rows = list(batch.rows(batch.columns) or ())
        completions = self._completions.setdefault(batch.rule.id, {})
        room = min(
            MAX_COMPLETIONS_PER_RULE - len(completions), MAX_COMPLETIONS - sum(map(len, self._completions.values()))
        )
        if room <= 0 and not any(map(completions.__contains__, rows)):
            return batch
        left = []
        for place, values in enumerate(rows):
            kept = completions.get(values)
            if kept is None:
                if room <= 0:
                    left.append(place)
                else:
                    room -= 1
                    completions[values] = [batch.sighting(place)]
            elif len(kept) < EQUAL_COMPLETIONS:
                kept.append(batch.sighting(place))
            else:
                kept[-1] = batch.sighting(place)._replace(times=kept[-1].times + batch.counts[place])
        return batch.at(left)

    def _note_values(self, first: First, batch: Batch) -> None:
        """Note of which values somebody may ask whether they were ever seen."""
        known = self.first_values.setdefault(batch.rule.id, {})
        if (free := MAX_FIRST_VALUES - len(known)) > 0:
            known |= dict.fromkeys(islice(batch.first_values(first), free))

    def _follow(self, watches: Iterable[Watch], batch: Batch, rows: Sequence[TrailKey]) -> None:
        """Count the lines of a batch for what rules and sequences watch by the same fields, whose values are `rows`."""
        different = dict.fromkeys(rows)
        busy = _busy(rows) if len(different) < len(rows) else ()
        followed = [self._trails_of(watch, different, busy) for watch in watches]
        for values, places in _places_by_values(rows, followed).items():
            part = _part(batch, places)
            for trails in followed:
                if trail := trails.get(values):
                    trail.add(part)

    def _trails_of(
        self, watch: Watch, rows: Iterable[TrailKey], busy: Sequence[TrailKey]
    ) -> dict[TrailKey, WatchedTrail]:
        """Return the trails of a watch, with new ones for values that have none, as far as there is room.

        For those of `busy` lines, room is made.
        """
        trails = self._trails.setdefault(watch.owner, {})
        room = max(0, min(MAX_TRAILS_PER_OWNER - len(trails), MAX_TRAILS - sum(map(len, self._trails.values()))))
        if not room and not busy:
            return trails
        urgent = list(filterfalse(trails.__contains__, busy))
        room += _drop_lonely(trails, len(urgent) - room)
        for values in islice(filterfalse(trails.__contains__, dict.fromkeys(chain(urgent, rows))), room):
            trails[values] = WatchedTrail(Trail(watch.within))
        return trails

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


def _busy(rows: Iterable[TrailKey]) -> Sequence[TrailKey]:
    return [values for values, lines in Counter(rows).items() if lines >= BUSY_LINES]


def _drop_lonely(trails: dict[TrailKey, WatchedTrail], most: int) -> int:
    """Drop trails that have a single line, as if it had come when there was no room; return how many."""
    lonely = [values for values, one in trails.items() if sum(one.trail.counts.values()) == 1][: max(0, most)]
    for values in lonely:
        del trails[values]
    return len(lonely)


def _places_by_values(
    rows: Sequence[TrailKey], wanted: Iterable[Collection[TrailKey]]
) -> Mapping[TrailKey, Sequence[int]]:
    """Return where the rows with the same values stand, for values that any of `wanted` holds."""
    is_wanted = list(map(any, zip(*[map(values.__contains__, rows) for values in wanted], strict=True)))
    places: dict[TrailKey, list[int]] = {}
    for place, values in zip(compress(count(), is_wanted), compress(rows, is_wanted), strict=True):
        places.setdefault(values, []).append(place)
    return places
