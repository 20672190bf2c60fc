"""What rules and sequences count within windows of time: trails of one visit, bounded whatever a host writes."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, count, filterfalse, islice
from typing import NamedTuple

from dthostmon.analysis.batch import Batch
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.rules import RuleSet, Trail, TrailKey, Watch

FIRST_LINES = 2
LAST_LINES = 2
# of what one rule or sequence watches, so that a flood of one kind hides no other kind, and of all
MAX_TRAILS_PER_OWNER = 300
MAX_TRAILS = 2500
BUSY_LINES = 3  # that many of one piece of a log take the place of a trail with a single line


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


class WatchedTrails:
    """The trails of one visit."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._trails: dict[TrailKey, dict[TrailKey, WatchedTrail]] = {}  # by owner, and by the values it is of

    @property
    def by_key(self) -> dict[TrailKey, WatchedTrail]:
        """What was counted for whom."""
        return {owner + values: one for owner, trails in self._trails.items() for values, one in trails.items()}

    def add(self, batch: Batch) -> None:
        """Count the lines of a batch for all that watch its rule."""
        for by, watches in self._rules.watches_by(batch.rule).items():
            self._follow(watches, batch, list(batch.rows(by) or ()))

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
