"""What a host's history keeps of a visit: bounded, whatever a host writes. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from dthostmon.analysis.sequences import KnownTrail
from dthostmon.model import Evidence, History, SeenTrail
from dthostmon.model.history import ValueKey
from dthostmon.rules import TrailKey

MAX_TRAILS = 500
MAX_VALUES = 2000
MAX_EVIDENCE = 3
SLACK_SECONDS = 86400  # a host's clock or time zone may be wrong


def remember_trails(
    history: History, trails: Mapping[TrailKey, KnownTrail], now: datetime
) -> Mapping[TrailKey, SeenTrail] | None:
    """Return the trails that still matter, None where they are as they were. The busiest stay where there are many."""
    kept = {}
    for key, known in trails.items():
        trail = known.trail
        newest = max(trail.counts, default=0)
        if newest > now.timestamp() - trail.within - SLACK_SECONDS:
            counts = {second: count for second, count in trail.counts.items() if second > newest - trail.within}
            kept[key] = SeenTrail(counts, _first_and_last(known.evidence))
    if len(kept) > MAX_TRAILS:
        busiest = Counter({key: sum(seen.counts.values()) for key, seen in kept.items()}).most_common(MAX_TRAILS)
        kept = {key: kept[key] for key, _ in busiest}
    return None if kept == history.trails else kept


def _first_and_last(lines: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return (*lines[:1], *lines[1:][-(MAX_EVIDENCE - 1) :])


def remember_values(history: History, seen: Collection[ValueKey], now: datetime) -> Mapping[ValueKey, int] | None:
    """Return the values known from now on, None where they are as they were. The oldest go where there are many.

    When a value was last seen is kept to the day: to know it better, every visit would have to store it.
    """
    today = int(now.timestamp()) // 86400 * 86400
    values = {**history.values, **dict.fromkeys(seen, today)}
    if len(values) > MAX_VALUES:
        values = dict(sorted(values.items(), key=lambda item: -item[1])[:MAX_VALUES])
    return None if values == history.values else values
