"""What a host's history keeps of a visit: bounded, whatever a host writes. Pure."""

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
    alive = {key: known for key, known in trails.items() if _still_matters(known, now)}
    if len(alive) > MAX_TRAILS:
        busiest = sorted(alive.items(), key=lambda item: -sum(item[1].trail.counts.values()))
        alive = dict(busiest[:MAX_TRAILS])
    kept = {key: _seen(known) for key, known in alive.items()}
    return None if kept == history.trails else kept


def _still_matters(known: KnownTrail, now: datetime) -> bool:
    newest = max(known.trail.counts, default=0)
    return newest > now.timestamp() - known.trail.within - SLACK_SECONDS


def _seen(known: KnownTrail) -> SeenTrail:
    begin = max(known.trail.counts) - known.trail.within
    counts = {second: count for second, count in known.trail.counts.items() if second > begin}
    return SeenTrail(counts, _first_and_last(known.evidence))


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
