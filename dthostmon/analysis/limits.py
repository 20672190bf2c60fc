"""Metrics against the configured percentages. What is unknown is no finding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.model import Finding, FindingSource, Levels, Metrics, Severity, Thresholds


@dataclass(frozen=True, slots=True)
class _Reading:
    kind: str
    rule: str
    subject: str
    percent: float | None
    levels: Levels
    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


def limit_findings(metrics: Metrics | None, thresholds: Thresholds) -> Iterator[Finding]:
    """Return one finding per value that reached a level: processor, memory, and the space and inodes of each mount."""
    if metrics is None:
        return
    for reading in _readings(metrics, thresholds):
        if reading.percent is None or (severity := _severity(reading.percent, reading.levels)) is None:
            continue
        yield Finding(
            kind=reading.kind,
            severity=severity,
            title=f"{reading.subject} at {reading.percent:.1f}%",
            source=FindingSource.THRESHOLD,
            rule=reading.rule,
            recommended_action=reading.action,
            fields=reading.fields,
        )


def _readings(metrics: Metrics, thresholds: Thresholds) -> Iterator[_Reading]:
    yield _Reading(
        "cpu",
        "threshold.cpu",
        "Processor",
        metrics.cpu_percent,
        thresholds.cpu,
        "See with top what keeps the processor busy.",
    )
    yield _Reading(
        "memory",
        "threshold.memory",
        "Memory",
        metrics.memory_percent,
        thresholds.memory,
        "See with ps aux --sort=-rss what uses the memory; limit it or give the machine more.",
    )
    for disk in metrics.disks:
        mount = {"mount": disk.mount}
        space = f"Free or add space on {disk.mount}; du -xh {disk.mount} | sort -h shows where it went."
        inodes = f"Look for a folder with very many files on {disk.mount} (du -x --inodes {disk.mount} | sort -n)."
        yield _Reading("disk-full", "threshold.disk", f"Disk {disk.mount}", disk.percent, thresholds.disk, space, mount)
        yield _Reading(
            "inodes", "threshold.inodes", f"Inodes of {disk.mount}", disk.inodes_percent, thresholds.disk, inodes, mount
        )


def _severity(percent: float, levels: Levels) -> Severity | None:
    ordered = ((levels.critical, Severity.CRITICAL), (levels.warn, Severity.WARN), (levels.info, Severity.INFO))
    return next((severity for level, severity in ordered if level is not None and percent >= level), None)
