"""How often something was seen within a window of time, across visits. Pure, and independent of the order of lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_SLOTS = 240

TrailKey = tuple[str, ...]  # whose trail it is (a rule's or sequence's id, which part of it), and the values it is of


@dataclass(frozen=True, slots=True)
class Watch:
    """A count to keep of a rule's lines that agree in the fields of `by`, within so many seconds."""

    owner: TrailKey
    within: float
    by: tuple[str, ...]

    def key(self, fields: Mapping[str, str]) -> TrailKey | None:
        """Return whose trail a line with these fields belongs to; None where it lacks one of them."""
        for name in self.by:
            if name not in fields:
                return None
        return (*self.owner, *[fields[name] for name in self.by])


@dataclass(slots=True)
class Trail:
    """Counts by second; where there are many, the older ones are joined, so that memory stays bounded.

    `peak` is the most that any window held before that.
    """

    within: float
    counts: dict[int, int] = field(default_factory=dict)
    peak: int = 0

    def add(self, moment: float, count: int) -> None:
        """Count `count` sightings at `moment` (seconds since 1970)."""
        second = int(moment)
        self.counts[second] = self.counts.get(second, 0) + count
        if len(self.counts) > MAX_SLOTS:
            self.peak = self.most()
            self.counts = _coarser(self.counts)

    def add_all(self, counts: Mapping[int, int]) -> None:
        """Count sightings by second."""
        if not self.counts and len(counts) <= MAX_SLOTS:
            self.counts = dict(counts)
            return
        for second, count in counts.items():
            self.add(second, count)

    def absorb(self, newer: "Trail", since: float) -> None:
        """Take what a later visit counted; only windows that end at `since` or later are of interest any more."""
        self.peak = newer.peak
        for slot, count in newer.counts.items():
            self.counts[slot] = self.counts.get(slot, 0) + count
        if len(self.counts) > MAX_SLOTS:
            self.peak = self.most(since)
            self.counts = _coarser(self.counts)

    def most(self, since: float = 0) -> int:
        """Return the most that was seen within any window that ends at `since` or later."""
        slots = sorted(self.counts)
        most, held, begin = self.peak, 0, 0
        for slot in slots:
            held += self.counts[slot]
            while slots[begin] <= slot - self.within:
                held -= self.counts[slots[begin]]
                begin += 1
            if held > most and slot >= int(since):
                most = held
        return most

    def reaches(self, count: int, since: float) -> bool:
        """Tell whether any window that ends at `since` or later holds so many."""
        return self.peak + sum(self.counts.values()) >= count and self.most(since) >= count

    def until(self, moment: float) -> int:
        """Return how many were seen in the window that ends at `moment`."""
        return sum(count for slot, count in self.counts.items() if moment - self.within < slot <= moment)

    def reached(self, count: int, begin: int, end: float) -> int | None:
        """Return the second by which so many were seen from `begin` on, within the window that ends at `end`."""
        seen = 0
        for slot in sorted(self.counts):
            if slot >= begin and end - self.within < slot <= end:
                seen += self.counts[slot]
                if seen >= count:
                    return slot
        return None

    def forget(self, moment: float) -> None:
        """Drop what was seen until `moment`."""
        self.counts = {slot: count for slot, count in self.counts.items() if slot > moment}


def _coarser(counts: Mapping[int, int]) -> dict[int, int]:
    """Join the older half in pairs, under the later second: what came after something must not seem to be before."""
    slots = sorted(counts)
    half = len(slots) // 4 * 2
    joined = {late: counts[early] + counts[late] for early, late in zip(slots[:half:2], slots[1:half:2], strict=True)}
    return joined | {slot: counts[slot] for slot in slots[half:]}


def follows(trails: Iterable[tuple[Trail | None, int]], moment: float) -> int:
    """Return how many lines the earlier steps of a sequence have that a line at `moment` completes; 0 = it does not.

    `trails` holds each earlier step's trail with the count that it needs.
    """
    total, begin = 0, 0
    for trail, needed in trails:
        reached = trail.reached(needed, begin, moment) if trail else None
        if trail is None or reached is None:
            return 0
        total, begin = total + trail.until(moment), reached
    return total
