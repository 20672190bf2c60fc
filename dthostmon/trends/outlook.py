"""When the disks and the memory of a host will be full, and what that is worth telling. Pure.

To look into the past costs some milliseconds, so it is done a few times a day, and told by each visit in between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from zlib import crc32

from dthostmon.model import DiskUsage, Finding, FindingSource, Fullness, Metrics, Outlook, Severity
from dthostmon.trends.forecast import Sample, time_to_full

WINDOW = timedelta(days=14)  # two weeks show what comes back every week
MOST_SAMPLES = 400
EVERY = timedelta(hours=6)
SOON_EVERY = timedelta(hours=1)
# what is less full has as much room as it has used: of that is time to tell later
LEAST_PERCENT = 50.0
MOST_MOUNTS = 20
# somebody must act before the next working day: from Friday evening to Monday morning it is two and a half days
SOON = timedelta(days=3)
FELL_PERCENT = 1.0  # so much less than when it was computed: somebody made room
NEARLY = 0.1  # of a day or an hour: so far off is a whole number still
HOUR_SECONDS, DAY_SECONDS = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class PastUsage:
    """How much was used: of the memory in percent, of each mount in bytes; in order of time."""

    memory: Sequence[Sample] = ()
    disks: Mapping[str, Sequence[Sample]] = field(default_factory=dict)


def watched_disks(metrics: Metrics) -> Sequence[DiskUsage]:
    """Return the disks that are full enough to ask when they will be full: the fullest of them."""
    full = [disk for disk in metrics.disks if disk.percent is not None and disk.percent >= LEAST_PERCENT]
    return sorted(full, key=lambda disk: (-(disk.percent or 0.0), disk.mount))[:MOST_MOUNTS]


def is_due(host: str, outlook: Outlook | None, metrics: Metrics, now: datetime) -> bool:
    """Tell whether to look into the past again. Hosts differ in how long they wait, so that not all ask at once."""
    if not watched_disks(metrics) and (metrics.memory_percent or 0.0) < LEAST_PERCENT:
        return False
    if outlook is None or outlook.computed_at > now:
        return True
    percents = _percents(metrics)
    if any(percents.get(one.mount, one.percent) < one.percent - FELL_PERCENT for one in outlook.fullness):
        return True
    is_soon = any(one.earliest_at - now < SOON for one in outlook.fullness)
    share = crc32(host.encode("utf-8", "surrogateescape")) / 2**32
    return now - outlook.computed_at >= (SOON_EVERY if is_soon else EVERY * (0.75 + share / 2))


def foresee(usage: PastUsage, metrics: Metrics, now: datetime) -> Outlook:
    """Return when the watched disks and the memory will be full, as far as what was used tells."""
    return Outlook(now, (*_full_memory(usage, metrics, now), *_full_disks(usage, metrics, now)))


def _full_memory(usage: PastUsage, metrics: Metrics, now: datetime) -> Iterator[Fullness]:
    percent = metrics.memory_percent
    if percent is not None and percent >= LEAST_PERCENT:
        yield from _fullness(None, percent, usage.memory, Sample(now.timestamp(), percent), 100.0)


def _full_disks(usage: PastUsage, metrics: Metrics, now: datetime) -> Iterator[Fullness]:
    for disk in watched_disks(metrics):
        if disk.percent:
            latest = Sample(now.timestamp(), float(disk.used))
            capacity = disk.used * 100.0 / disk.percent  # without what is reserved for root, as df counts
            yield from _fullness(disk.mount, disk.percent, usage.disks.get(disk.mount, ()), latest, capacity)


def _fullness(
    mount: str | None, percent: float, before: Sequence[Sample], latest: Sample, capacity: float
) -> Iterator[Fullness]:
    samples = [*(sample for sample in before if sample.at < latest.at), latest]
    forecast = time_to_full(samples, capacity)
    if forecast:
        now = datetime.fromtimestamp(latest.at, UTC)
        earliest, latest_at = (now + timedelta(seconds=one) for one in (forecast.earliest, forecast.latest))
        yield Fullness(mount, percent, earliest, latest_at)


def outlook_findings(outlook: Outlook | None, metrics: Metrics, now: datetime) -> Iterator[Finding]:
    """Yield what will be full, but for what was emptied since that was computed, and what should be full by now."""
    percents = _percents(metrics)
    for one in outlook.fullness if outlook else ():
        percent = percents.get(one.mount)
        if percent is not None and percent >= one.percent - FELL_PERCENT and one.latest_at > now:
            yield _finding(one, now)


def _percents(metrics: Metrics) -> Mapping[str | None, float]:
    found: dict[str | None, float | None] = {disk.mount: disk.percent for disk in metrics.disks}
    found[None] = metrics.memory_percent
    return {mount: percent for mount, percent in found.items() if percent is not None}


def _finding(one: Fullness, now: datetime) -> Finding:
    span = span_of((one.earliest_at - now).total_seconds(), (one.latest_at - now).total_seconds())
    severity = Severity.WARN if one.earliest_at - now < SOON else Severity.INFO
    if one.mount is None:
        action = "See with ps aux --sort=-rss which program grows; restart it, limit it, and have its leak mended."
        return _made("memory", f"The memory is used up {span} if it goes on like this", severity, action, {})
    action = f"du -xh {one.mount} | sort -h shows what grows; free or add space before then."
    return _made("disk", f"{one.mount} is full {span}", severity, action, {"mount": one.mount})


def _made(what: str, title: str, severity: Severity, action: str, fields: Mapping[str, str]) -> Finding:
    return Finding(
        kind=f"{what}-forecast",
        severity=severity,
        title=title,
        source=FindingSource.THRESHOLD,
        rule=f"trend.{what}",
        recommended_action=action,
        fields=fields,
    )


def span_of(earliest: float, latest: float) -> str:
    """Say an interval of seconds from now on: `in 3 days`, `within 9 hours`."""
    unit, name = (DAY_SECONDS, "day") if latest >= 2 * DAY_SECONDS else (HOUR_SECONDS, "hour")
    first, last = floor(earliest / unit + NEARLY), max(1, ceil(latest / unit - NEARLY))
    plural = "" if last == 1 else "s"
    if first <= 0:
        return f"within {last} {name}{plural}"
    return f"in {last} {name}{plural}" if first == last else f"in {first}–{last} {name}s"  # noqa: RUF001  # from to
