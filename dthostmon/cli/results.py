"""Results as people read them on a terminal."""

from collections.abc import Sequence
from datetime import UTC

from dthostmon.cli import output
from dthostmon.model import Finding, Metrics, Run, RunStatus, Severity
from dthostmon.scoring import status_word

SHOWN_FINDINGS = 10
SHOWN_CHANGES = 3


def print_runs(runs: Sequence[Run]) -> None:
    """Print a row for each run and, below, what needs a person."""
    rows = [_row(run) for run in runs]
    columns = ("host", "status", "score", "severity", "cpu", "memory", "disk", "lines", "summary")
    output.print_table(columns, rows, [output.SEVERITY_COLOURS[run.severity] for run in runs])
    for run in runs:
        _print_findings(run)


def _row(run: Run) -> Sequence[object]:
    metrics = run.facts.metrics
    return (
        run.host,
        status_word(run.score) if run.score is not None else run.status.value,
        run.score,
        run.severity,
        _percent(metrics.cpu_percent if metrics else None),
        _percent(metrics.memory_percent if metrics else None),
        _fullest(metrics),
        sum(log.lines for log in run.logs) if run.status is RunStatus.OK else None,
        run.summary if run.error_kind is None else f"could not be checked: {run.error_kind}",
    )


def _fullest(metrics: Metrics | None) -> str | None:
    known = [disk for disk in metrics.disks if disk.percent is not None] if metrics else []
    if not known:
        return None
    fullest = max(known, key=lambda disk: disk.percent or 0)
    return f"{fullest.mount} {fullest.percent:.0f} %"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f} %"


def _print_findings(run: Run) -> None:
    worst_first = sorted(run.findings, key=lambda finding: -finding.severity)
    worth_telling = [finding for finding in worst_first if finding.severity > Severity.INFO]
    for finding in worth_telling[:SHOWN_FINDINGS]:
        print_finding(run.host, finding)
    if len(worth_telling) > SHOWN_FINDINGS:
        output.print_line(f"{run.host}: {len(worth_telling) - SHOWN_FINDINGS} more; dthostmon findings {run.host}")


def print_finding(host: str, finding: Finding) -> None:
    """Print a finding with its first and last line of evidence, how often and when it was, and what to do.

    `host` is empty where there is none. The last line is what decides where lines follow each other.
    """
    output.print_line(f"{f'{finding.severity} {host}'.rstrip()}: {finding.title}")
    ends = (*finding.evidence[:1], *finding.evidence[-1:])
    for line in dict.fromkeys(f"{evidence.path}: {evidence.line}" for evidence in ends):
        output.print_line(f"    {line}")
    if finding.count > 1:
        output.print_line(f"    {finding.count} times{_when(finding)}")
    for change in finding.changes[:SHOWN_CHANGES]:
        related = f" ({change.relation})" if change.relation else ""
        output.print_line(f"    Changed before, {change.at.astimezone(UTC):%F %T} UTC{related}: {change.sentence}")
    if finding.recommended_action:
        output.print_line(f"    What to do: {finding.recommended_action}")


def _when(finding: Finding) -> str:
    """Say when a finding was, as far as its lines tell."""
    if finding.first_seen is None or finding.last_seen is None:
        return ""
    first, last = finding.first_seen.astimezone(UTC), finding.last_seen.astimezone(UTC)
    if f"{first:%F %T}" == f"{last:%F %T}":
        return f", {first:%F %T} UTC"
    return f", {first:%F %T} to {last:{'%T' if first.date() == last.date() else '%F %T'}} UTC"
