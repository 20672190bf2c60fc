"""Runs and findings as rows, and rows as runs and findings. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dthostmon.errors import ErrorKind
from dthostmon.model import (
    Coverage,
    DiskUsage,
    Evidence,
    Facts,
    Finding,
    FindingSource,
    Gap,
    Identity,
    Metrics,
    PriorChange,
    Reason,
    Run,
    RunStatus,
    Severity,
    Usage,
)
from dthostmon.store.columns import AnyRow
from dthostmon.store.tables import COUNTED, MEASURED

NUMBERS = ("cpu_percent", "memory_percent", "swap_percent", "load1", "load5", "load15", *MEASURED, *COUNTED)
LEDGER = ("bytes_appeared", "bytes_analysed", "bytes_skipped", "bytes_pending", "skip_reason", "lines", "rotated")
TOKENS = ("prompt", "completion", "cached", "reasoning")
DISK = ("mount", "device", "filesystem", "size", "used", "percent", "inodes_percent", "read_only")


def run_row(run: Run, host_id: int) -> dict[str, Any]:
    """Return the one wide row of a run."""
    return _outcome(run) | _measured(run.facts) | {"host_id": host_id}


def _outcome(run: Run) -> dict[str, Any]:
    return judgement_columns(run) | {
        "started_at": run.started_at,
        "duration": run.duration,
        "site": run.site,
        "status": run.status.value,
        "error_kind": run.error_kind.value if run.error_kind else None,
        "error": run.error,
    }


def judgement_columns(run: Run) -> dict[str, Any]:
    """Return how a run was judged: what a model may still change of it later."""
    return {
        "severity": int(run.severity),
        "score": run.score,
        "judged_by": run.judged_by,
        **usage_columns(run.usage),
        "cost": run.cost,
        "summary": run.summary,
        "reasons": [asdict(reason) for reason in run.reasons],
        "recommendations": list(run.recommendations),
    }


def usage_columns(usage: Usage | None) -> dict[str, Any]:
    """Return what asking a model took as columns, all of them None where none was asked."""
    return {f"{name}_tokens": getattr(usage, name, None) for name in TOKENS}


def usage_value(row: AnyRow) -> Usage | None:
    """Build from its columns what asking a model took."""
    tokens = [getattr(row, f"{name}_tokens") for name in TOKENS]
    return None if None in tokens else Usage(*tokens)


def _measured(facts: Facts) -> dict[str, Any]:
    metrics = facts.metrics
    percents = [disk.percent for disk in metrics.disks if disk.percent is not None] if metrics else []
    return {
        **{name: getattr(metrics, name, None) for name in NUMBERS},
        "worst_disk_percent": max(percents, default=None),
        "identity": asdict(facts.identity) if facts.identity else None,
        "unknown": dict(facts.unknown),
    }


def disk_rows(run: Run, run_id: int) -> list[dict[str, Any]]:
    """Return a row for each disk of a run."""
    disks = run.facts.metrics.disks if run.facts.metrics else ()
    return [{"run_id": run_id, "position": position, **asdict(disk)} for position, disk in enumerate(disks)]


def coverage_rows(run: Run, run_id: int, log_ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return a row for each log of a run."""
    return [
        {
            "run_id": run_id,
            "log_id": log_ids[entry.path],
            "position": position,
            **{name: getattr(entry, name) for name in LEDGER},
            "gaps": [asdict(gap) for gap in entry.gaps] or None,
        }
        for position, entry in enumerate(run.logs)
    ]


def finding_row(finding: Finding, run: Run, run_id: int, host_id: int) -> dict[str, Any]:
    """Return the row of one finding."""
    return {
        "run_id": run_id,
        "host_id": host_id,
        "found_at": run.started_at,
        "kind": finding.kind,
        "severity": int(finding.severity),
        "source": finding.source.value,
        "rule": finding.rule,
        "count": finding.count,
        "title": finding.title,
        "recommended_action": finding.recommended_action,
        "fields": dict(finding.fields),
        "evidence": list(map(evidence_document, finding.evidence)),
        "changes": [{**asdict(change), "at": change.at.isoformat()} for change in finding.changes] or None,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
    }


def evidence_document(line: Evidence) -> dict[str, Any]:
    """Return a line as it is stored."""
    return {**asdict(line), "time": line.time.isoformat() if line.time else None}


def evidence_value(stored: Mapping[str, Any]) -> Evidence:
    """Build a line from what is stored; of older ones neither id nor time is known."""
    time = stored.get("time")
    return Evidence(
        stored["path"], stored["line"], stored.get("id", ""), datetime.fromisoformat(time) if time else None
    )


def run_value(row: AnyRow, findings: Sequence[Finding], logs: Sequence[Coverage], disks: Sequence[DiskUsage]) -> Run:
    """Build a run from its row (with the host's `name`) and what hangs on it."""
    return Run(
        host=row.name,
        site=row.site,
        status=RunStatus(row.status),
        started_at=row.started_at,
        duration=row.duration,
        severity=Severity(row.severity),
        score=row.score,
        reasons=tuple(Reason(**reason) for reason in row.reasons),
        error=row.error,
        error_kind=ErrorKind(row.error_kind) if row.error_kind else None,
        judged_by=row.judged_by,
        usage=usage_value(row),
        cost=row.cost,
        judged_at=row.judged_at,
        summary=row.summary,
        recommendations=tuple(row.recommendations),
        findings=tuple(findings),
        logs=tuple(logs),
        facts=_facts(row, disks),
        id=str(row.id),
    )


def _facts(row: AnyRow, disks: Sequence[DiskUsage]) -> Facts:
    numbers = {name: getattr(row, name) for name in NUMBERS}
    told = bool(disks) or any(number is not None for number in numbers.values())
    return Facts(
        identity=Identity(**row.identity) if row.identity else None,
        metrics=Metrics(**numbers, disks=tuple(disks)) if told else None,
        unknown=row.unknown,
    )


def finding_value(row: AnyRow) -> Finding:
    """Build a finding from its row; its evidence is empty where the row was read without it."""
    return Finding(
        kind=row.kind,
        severity=Severity(row.severity),
        title=row.title,
        source=FindingSource(row.source),
        rule=row.rule,
        count=row.count,  # type: ignore[arg-type]  # the column: SQLAlchemy prefers it to the method of tuples
        evidence=tuple(map(evidence_value, getattr(row, "evidence", ()))),
        recommended_action=row.recommended_action,
        fields=row.fields,
        id=str(row.id),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        changes=tuple(map(_prior_change, getattr(row, "changes", None) or ())),
    )


def _prior_change(stored: Mapping[str, Any]) -> PriorChange:
    return PriorChange(**{**stored, "at": datetime.fromisoformat(stored["at"])})


def coverage_value(row: AnyRow) -> Coverage:
    """Build the ledger of one log in one run from its row (with the log's `path`)."""
    gaps = tuple(Gap(**gap) for gap in row.gaps or ())
    return Coverage(row.path, **{name: getattr(row, name) for name in LEDGER}, gaps=gaps)


def disk_value(row: AnyRow) -> DiskUsage:
    """Build a disk from its row."""
    return DiskUsage(**{name: getattr(row, name) for name in DISK})
