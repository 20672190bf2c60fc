"""What a host's history keeps of a visit: bounded, whatever a host writes. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from dthostmon.analysis.sequences import KnownTrail
from dthostmon.model import Evidence, History, SeenTrail
from dthostmon.model.history import ValueKey
from dthostmon.rules import TrailKey

MAX_TRAILS_PER_OWNER = 1000  # of one part of a rule or sequence
MAX_TRAILS_WITH_LINES = 200
MAX_VALUES = 2000
MAX_EVIDENCE = 3
SLACK_SECONDS = 86400  # a host's clock or time zone may be wrong


def remember_trails(
    history: History, trails: Mapping[TrailKey, KnownTrail], now: datetime
) -> Mapping[TrailKey, SeenTrail] | None:
    """Return the trails that still matter, None where they are as they were.

    What is over is told by the lines' own time: a host's clock may be wrong, and a backlog is read late. What is of a
    time that has not come yet never counts. Where there are many, the busiest of each owner stay, and the busiest of
    all keep some of their lines.
    """
    owners: dict[TrailKey, list[TrailKey]] = {}
    last = now.timestamp() + SLACK_SECONDS
    newest = {key: max(known.trail.counts, default=0) for key, known in trails.items()}
    told = [time for key, time in newest.items() if time < last and trails[key].since is not None]
    present = max(told, default=now.timestamp())
    for key, time in newest.items():
        if present - trails[key].trail.within - SLACK_SECONDS < time < last:
            owners.setdefault(key[:2], []).append(key)
    busiest = [key for keys in owners.values() for key in _busiest(keys, trails, MAX_TRAILS_PER_OWNER)]
    shown = set(_busiest(busiest, trails, MAX_TRAILS_WITH_LINES))
    kept = {key: _seen(trails[key], with_lines=key in shown) for key in busiest}
    return None if kept == history.trails else kept


def _busiest(keys: list[TrailKey], trails: Mapping[TrailKey, KnownTrail], most: int) -> list[TrailKey]:
    if len(keys) <= most:
        return keys
    return sorted(keys, key=lambda key: -sum(trails[key].trail.counts.values()))[:most]


def _seen(known: KnownTrail, *, with_lines: bool) -> SeenTrail:
    counts = known.trail.counts
    if len(counts) > 1 and min(counts) <= (begin := max(counts) - known.trail.within):
        counts = {second: count for second, count in counts.items() if second > begin}
    return SeenTrail(counts, _first_and_last(known.evidence) if with_lines else ())


def _first_and_last(lines: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return (*lines[:1], *lines[1:][-(MAX_EVIDENCE - 1) :])


def remember_values(history: History, seen: Collection[ValueKey], now: datetime) -> Mapping[ValueKey, int] | None:
    """Return the values known from now on, None where they are as they were. The oldest go where there are many.

    When a value was last seen is kept to the day: to know it better, every visit would have to store it.
    """
    today = int(now.timestamp()) // 86400 * 86400
    values = {**history.values, **dict.fromkeys(seen, today)}
    if len(values) > MAX_VALUES:
        newest_first = sorted(values.items(), key=lambda item: (-item[1], item[0] in history.values))
        values = dict(newest_first[:MAX_VALUES])
    return None if values == history.values else values
