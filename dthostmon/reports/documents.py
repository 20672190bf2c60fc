"""The JSON shapes that commands and API share. A field that is named here stays: users' scripts read it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from dthostmon.errors import Problem
from dthostmon.model import (
    Change,
    Coverage,
    Cycle,
    Evidence,
    Facts,
    Finding,
    Gap,
    Host,
    Inventory,
    Metrics,
    PriorChange,
    Run,
    RunStatus,
    StoredInventory,
    TemplateCount,
    Usage,
)
from dthostmon.rules import PackCheck, Rule, RuleSequence

if TYPE_CHECKING:  # the store brings sqlalchemy, which `analyze` can do without
    from dthostmon.store import LedgerEntry, LedgerGap, NormalTemplate, Series, StoredChange, StoredFinding

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
Document: TypeAlias = dict[str, Json]

HISTORY_POINTS = 500  # a history of more is thinned

# sizes in bytes, rates in bytes a second, the temperature in degrees Celsius, the others in percent or counted
MORE_METRICS = (
    *("cpu_user", "cpu_system", "cpu_iowait", "cpu_steal", "cpu_idle"),
    *("memory_total", "memory_available", "swap_total", "swap_free"),
    *("pressure_cpu", "pressure_memory", "pressure_memory_full", "pressure_io", "pressure_io_full"),
    *("disk_read_rate", "disk_write_rate", "network_receive_rate", "network_send_rate"),
    *("temperature", "blocked", "open_files", "open_files_limit"),
)


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 with its zone."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_timestamp(moment: datetime | None) -> str | None:
    """Write a moment that may be unknown."""
    return timestamp(moment) if moment else None


def cycle_document(cycle: Cycle) -> Document:
    """The document of `monitor --json`."""
    return {"cycle": cycle_summary(cycle), "runs": [run_document(run) for run in cycle.runs]}


def cycle_summary(cycle: Cycle) -> Document:
    """A cycle in numbers."""
    return {
        "id": cycle.id,
        "started_at": timestamp(cycle.started_at),
        "duration_s": round(cycle.duration, 3),
        "hosts": len(cycle.runs),
        "ok": cycle.ok,
        "failed": cycle.failed,
        "skipped": cycle.skipped,
    }


def run_document(run: Run) -> Document:
    """One run, as `monitor --json` and the API show it."""
    return {
        "id": run.id,
        "host": run.host,
        "site": run.site,
        "status": run.status.value,
        "started_at": timestamp(run.started_at),
        "duration_s": round(run.duration, 3),
        "error": run.error,
        "error_kind": run.error_kind.value if run.error_kind else None,
        "score": run.score,
        "reasons": [{"text": reason.text, "points": reason.points} for reason in run.reasons],
        "severity": str(run.severity),
        "judged_by": run.judged_by if run.status is RunStatus.OK else None,
        "judged_at": optional_timestamp(run.judged_at),
        "usage": usage_document(run.usage),
        "cost": run.cost,
        "summary": run.summary,
        "recommendations": list(run.recommendations),
        "findings": [finding_document(finding) for finding in run.findings],
        "changes": [change_document(change) for change in run.changes],
        "logs": [coverage_document(coverage) for coverage in run.logs],
        "metrics": metrics_document(run.facts.metrics),
        "facts": identity_document(run.facts),
    }


def usage_document(usage: Usage | None) -> Document | None:
    """What asking models took in tokens; `cached` are a part of `prompt`, `reasoning` of `completion`."""
    if usage is None:
        return None
    return {
        "prompt": usage.prompt,
        "completion": usage.completion,
        "cached": usage.cached,
        "reasoning": usage.reasoning,
    }


def finding_document(finding: Finding) -> Document:
    """One finding with its evidence."""
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": str(finding.severity),
        "title": finding.title,
        "source": finding.source.value,
        "rule": finding.rule,
        "count": finding.count,
        "fields": dict(finding.fields),
        "first_seen": optional_timestamp(finding.first_seen),
        "last_seen": optional_timestamp(finding.last_seen),
        "evidence": [evidence_document(line) for line in finding.evidence],
        "recommended_action": finding.recommended_action,
        "changes_before": [prior_change_document(change) for change in finding.changes],
    }


def prior_change_document(change: PriorChange) -> Document:
    """A change before a finding; `relation` is the word that both have in common, null where it is only the time."""
    return {
        "kind": change.kind,
        "subject": change.subject,
        "sentence": change.sentence,
        "at": timestamp(change.at),
        "expected": change.expected,
        "relation": change.relation or None,
    }


def change_document(change: Change) -> Document:
    """One change; `before` or `after` is null where the thing was not there."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "sentence": change.sentence,
        "severity": str(change.severity),
        "expected": change.expected,
        "cause": change.cause or None,
        "seen_at": timestamp(change.seen_at),
        "happened_at": optional_timestamp(change.happened_at),
        "diff": change.diff or None,
    }


def stored_change_document(found: "StoredChange") -> Document:
    """A change with the run that saw it."""
    return {**change_document(found.change), "host": found.host, "run": found.run_id}


def evidence_document(line: Evidence) -> Document:
    """A line that a finding rests on; `time` is what the line says, null where it does not say."""
    return {"path": line.path, "line": line.line, "id": line.id or None, "time": optional_timestamp(line.time)}


def coverage_document(coverage: Coverage) -> Document:
    """One row of the ledger."""
    return {
        "path": coverage.path,
        "bytes_appeared": coverage.bytes_appeared,
        "bytes_analysed": coverage.bytes_analysed,
        "bytes_skipped": coverage.bytes_skipped,
        "bytes_pending": coverage.bytes_pending,
        "skip_reason": coverage.skip_reason,
        "lines": coverage.lines,
        "rotated": coverage.rotated,
        "gaps": [gap_document(gap) for gap in coverage.gaps],
    }


def gap_document(gap: "Gap | LedgerGap") -> Document:
    """A piece of a log that was never read; bytes null = nobody can tell how much it was."""
    return {"bytes": gap.bytes, "reason": gap.reason}


def metrics_document(metrics: Metrics | None) -> Document | None:
    """What the machine was doing; null = unknown."""
    if metrics is None:
        return None
    return {
        "cpu_percent": metrics.cpu_percent,
        "memory_percent": metrics.memory_percent,
        "swap_percent": metrics.swap_percent,
        "load1": metrics.load1,
        "load5": metrics.load5,
        "load15": metrics.load15,
        **{name: getattr(metrics, name) for name in MORE_METRICS},
        "disks": [
            {
                "mount": disk.mount,
                "device": disk.device,
                "filesystem": disk.filesystem,
                "size": disk.size,
                "used": disk.used,
                "percent": disk.percent,
                "inodes_percent": disk.inodes_percent,
                "read_only": disk.read_only,
            }
            for disk in metrics.disks
        ],
    }


def identity_document(facts: Facts) -> Document | None:
    """What the machine is, and what could not be told."""
    identity = facts.identity
    if identity is None:
        return None
    return {
        "os": identity.os,
        "kernel": identity.kernel,
        "architecture": identity.architecture,
        "uptime_s": identity.uptime,
        "timezone": identity.timezone,
        "cpus": identity.cpus,
        "unknown": dict(facts.unknown),
    }


def problem_document(problem: Problem) -> Document:
    """One mistake in a file that a user wrote."""
    return {
        "file": problem.where,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
    }


def rule_document(rule: Rule) -> Document:
    """One rule, as `rules list --json` shows it."""
    return {
        "id": rule.id,
        "kind": rule.kind or None,
        "severity": str(rule.severity) if rule.severity else None,
        "benign": rule.benign,
        "programs": list(rule.programs),
        "title": rule.title or None,
        "meaning": rule.meaning,
        "recommended_action": rule.recommended_action or None,
        "fields": list(rule.fields),
        "escalate": [
            {"count": more.count, "within_s": more.within, "severity": str(more.severity), "by": list(more.by)}
            for more in rule.escalations
        ],
        "samples": {"match": list(rule.matching_samples), "no_match": list(rule.other_samples)},
    }


def sequence_document(sequence: RuleSequence) -> Document:
    """One sequence, as `rules list --json` shows it."""
    return {
        "id": sequence.id,
        "kind": sequence.kind,
        "severity": str(sequence.severity),
        "title": sequence.title,
        "meaning": sequence.meaning,
        "recommended_action": sequence.recommended_action,
        "within_s": sequence.within,
        "by": list(sequence.by),
        "steps": [
            {"rules": list(step.rules), "kinds": list(step.kinds), "count": step.count} for step in sequence.steps
        ],
        "samples": {
            "match": [list(story) for story in sequence.matching_samples],
            "no_match": [list(story) for story in sequence.other_samples],
        },
    }


def pack_document(check: PackCheck) -> Document:
    """One pack, as `rules test --json` shows it."""
    return {
        "file": str(check.path),
        "rules": check.rules,
        "samples": check.samples,
        "problems": [problem_document(problem) for problem in check.problems],
    }


def template_document(counted: TemplateCount) -> Document:
    """One template of `analyze --json`."""
    return {
        "id": counted.template.id,
        "template": counted.template.text,
        "count": counted.count,
        "sample": counted.sample,
    }


def host_document(host: Host, latest: Run | None) -> Document:
    """A host and, in short, how it was when it was checked last; null = unknown."""
    return {
        "name": host.name,
        "hostname": host.ssh.hostname if host.ssh else None,
        "site": host.site,
        "tags": list(host.tags),
        "transport": host.transport.value,
        "enabled": host.enabled,
        "interval_s": host.interval,
        "status": latest.status.value if latest else None,
        "score": latest.score if latest else None,
        "severity": str(latest.severity) if latest else None,
        "checked_at": timestamp(latest.started_at) if latest else None,
        "error_kind": latest.error_kind.value if latest and latest.error_kind else None,
    }


def host_screen_document(
    host: Host, latest: Run | None, inventories: Mapping[str, StoredInventory], changes: "Iterable[StoredChange]"
) -> Document:
    """A host with its last run, what is on it by probe, and what changed last."""
    return {
        **host_document(host, latest),
        "latest_run": run_document(latest) if latest else None,
        "facts": {probe: inventory_document(stored.inventory) for probe, stored in sorted(inventories.items())},
        "changes": [stored_change_document(found) for found in changes],
    }


def inventory_document(inventory: Inventory) -> Document:
    """What a probe found; `missing` names the kinds of which it does not know all, with the reason."""
    return {
        "things": [
            {"kind": thing.kind.value, "subject": thing.subject, "state": thing.state} for thing in inventory.things
        ],
        "missing": {kind.value: reason for kind, reason in sorted(inventory.unknown.items())},
    }


def stored_finding_document(found: "StoredFinding") -> Document:
    """A finding with the run it belongs to."""
    return {
        **finding_document(found.finding),
        "host": found.host,
        "run": found.run_id,
        "found_at": timestamp(found.found_at),
    }


def ledger_document(entry: "LedgerEntry") -> Document:
    """The sums of one log since a moment."""
    return {
        "host": entry.host,
        "path": entry.path,
        "since": timestamp(entry.since),
        "bytes_appeared": entry.bytes_appeared,
        "bytes_analysed": entry.bytes_analysed,
        "bytes_skipped": entry.bytes_skipped,
        "bytes_pending": entry.bytes_pending,
        "skip_reason": entry.skip_reason,
        "gaps": [{"seen_at": timestamp(gap.seen_at), **gap_document(gap)} for gap in entry.gaps],
    }


def series_document(host: str, series: "Series") -> Document:
    """How a host was over time; null = unknown.

    Each point stands for a piece of time of `step_s` seconds: its lowest score, the means of processor, memory, swap
    and load, the highest of each mount.
    """
    return {
        "host": host,
        "since": timestamp(series.since),
        "until": timestamp(series.until),
        "step_s": series.seconds,
        "points": [
            {
                "at": timestamp(point.at),
                "runs": point.runs,
                "failed": point.failed,
                "score": point.score,
                "cpu_percent": point.cpu_percent,
                "memory_percent": point.memory_percent,
                "swap_percent": point.swap_percent,
                "load1": point.load1,
                "disks": [{"mount": mount, "percent": percent} for mount, percent in sorted(point.disks.items())],
            }
            for point in series.points
        ],
    }


def normal_template_document(mark: "NormalTemplate") -> Document:
    """A message that is called normal on a host."""
    return {"host": mark.host, "template": mark.template_id, "text": mark.text, "until": timestamp(mark.until)}
