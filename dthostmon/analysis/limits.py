"""Metrics against the configured percentages. What is unknown is no finding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.model import Finding, FindingSource, Levels, Metrics, Severity, Thresholds

Recent = Mapping[str, tuple[float, ...]]  # what was read by the visits before, by the reading's name, the oldest first
NOTHING_RECENT: Recent = {}


@dataclass(frozen=True, slots=True)
class _Reading:
    """One value of now; `name` is what its history is kept under."""

    name: str
    kind: str
    subject: str
    percent: float | None
    levels: Levels
    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


def limit_findings(
    metrics: Metrics | None, thresholds: Thresholds, recent: Recent = NOTHING_RECENT
) -> Iterator[Finding]:
    """Return one finding per value that reached a level: processor, memory, and the space and inodes of each mount.

    What must be reached in several visits before it is a warning is a note at once, where notes have a level.
    """
    for reading in _readings(metrics, thresholds):
        if reading.percent is None:
            continue
        seen = _seen(reading, recent)
        if (severity := _severity(seen, reading.levels)) is not None:
            yield Finding(
                kind=reading.kind,
                severity=severity,
                title=f"{reading.subject} at {reading.percent:.1f}%{_how_often(seen, severity, reading.levels)}",
                source=FindingSource.THRESHOLD,
                rule=f"threshold.{reading.name.partition(':')[0]}",
                recommended_action=reading.action,
                fields=reading.fields,
            )


def remembered(metrics: Metrics | None, thresholds: Thresholds, recent: Recent) -> Recent:
    """Return what the next visit wants to know of this one and those before: of what one visit alone judges, nothing.

    A value that is unknown now leaves what is known of it as it was.
    """
    if metrics is None:
        return recent
    kept = {
        reading.name: _seen(reading, recent)[1 - reading.levels.sustain.of :]
        for reading in _readings(metrics, thresholds)
        if reading.levels.sustain.of > 1
    }
    return {name: values for name, values in kept.items() if values}


def _readings(metrics: Metrics | None, thresholds: Thresholds) -> Iterator[_Reading]:
    if metrics is None:
        return
    processor = "See with top what keeps the processor busy."
    yield _Reading("cpu", "cpu", "Processor", metrics.cpu_percent, thresholds.cpu, processor)
    memory = "See with ps aux --sort=-rss what uses the memory; limit it or give the machine more."
    yield _Reading("memory", "memory", "Memory", metrics.memory_percent, thresholds.memory, memory)
    for disk in metrics.disks:
        mount, levels, fields = disk.mount, thresholds.of_mount(disk.mount), {"mount": disk.mount}
        space = f"Free or add space on {mount}; du -xh {mount} | sort -h shows where it went."
        inodes = f"Look for a folder with very many files on {mount} (du -x --inodes {mount} | sort -n)."
        yield _Reading(f"disk:{mount}", "disk-full", f"Disk {mount}", disk.percent, levels, space, fields)
        yield _Reading(f"inodes:{mount}", "inodes", f"Inodes of {mount}", disk.inodes_percent, levels, inodes, fields)


def _seen(reading: _Reading, recent: Recent) -> tuple[float, ...]:
    """Return the values that count, that of now last."""
    if reading.levels.sustain.of == 1:
        return () if reading.percent is None else (reading.percent,)
    before = recent.get(reading.name, ())
    return (*before, *(() if reading.percent is None else (reading.percent,)))[-reading.levels.sustain.of :]


def _severity(seen: tuple[float, ...], levels: Levels) -> Severity | None:
    """Return what the value of now means: no more than what enough of those that count have reached, but for a note."""
    now = seen[-1]
    enough = sorted(seen, reverse=True)[levels.sustain.cycles - 1 : levels.sustain.cycles]
    lasting = min(now, *enough) if enough else -1.0
    ordered = ((levels.critical, Severity.CRITICAL), (levels.warn, Severity.WARN))
    worse = next((severity for level, severity in ordered if level is not None and lasting >= level), None)
    is_note = levels.info is not None and now >= levels.info
    return worse or (Severity.INFO if is_note else None)


def _how_often(seen: tuple[float, ...], severity: Severity, levels: Levels) -> str:
    """Say in how many visits the level was reached, where that counts."""
    level = {Severity.WARN: levels.warn, Severity.CRITICAL: levels.critical}.get(severity)
    if level is None or levels.sustain.of == 1:
        return ""
    times = sum(value >= level for value in seen)
    return f", in {times} of the last {len(seen)} visits"
