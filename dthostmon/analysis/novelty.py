"""Messages that were never seen on this host, and those that their own program calls critical. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dthostmon.analysis.levels import CRITICAL_LEVEL, ERROR_LEVEL, is_understood
from dthostmon.model import Evidence, Finding, FindingSource, History, Learning, Severity, TemplateCount
from dthostmon.rules import RuleSet

MAX_FINDINGS = 10
MAX_TITLE_CHARACTERS = 120


def is_learned(history: History, learning: Learning, now: datetime) -> bool:
    """Tell whether enough is known of a host for what is new to mean something."""
    if history.first_run_at is None:
        return False
    return history.runs >= learning.runs or now - history.first_run_at >= timedelta(seconds=learning.period)


def novelties(
    seen: Sequence[TemplateCount], rules: RuleSet, history: History, learned: bool, now: datetime
) -> Iterator[Finding]:
    """Yield findings of templates that no rule knows and that are new here, the worst first; never above WARN.

    What hosts of the same role have is told only where its level is bad, and as a note.
    """
    told = [finding for entry in seen if (finding := _novelty(entry, rules, history, learned, now))]
    told.sort(key=lambda finding: (-finding.severity, -finding.count))
    yield from told[:MAX_FINDINGS]
    if more := told[MAX_FINDINGS:]:
        yield _more(more)


def _novelty(entry: TemplateCount, rules: RuleSet, history: History, learned: bool, now: datetime) -> Finding | None:
    known = history.templates.get(entry.template.id)
    is_normal = known is not None and known.normal_until is not None and known.normal_until > now
    critical = entry.level is not None and entry.level <= CRITICAL_LEVEL
    bad = entry.level is not None and entry.level <= ERROR_LEVEL
    is_new = known is None and history.runs > 0
    if is_normal or not (critical or is_new) or is_understood(entry, rules):
        return None
    if critical:
        return _finding(entry, Severity.WARN, "severe-message", "calls critical")
    if not bad and (not learned or entry.template.id in history.elsewhere):
        return None
    alarming = bad and learned and entry.template.id not in history.elsewhere
    return _finding(entry, Severity.WARN if alarming else Severity.INFO, "new-message", "never wrote before")


def _finding(entry: TemplateCount, severity: Severity, kind: str, verb: str) -> Finding:
    who = entry.template.program or entry.path
    return Finding(
        kind=kind,
        severity=severity,
        title=f"{who} wrote what it {verb}: {entry.template.text[:MAX_TITLE_CHARACTERS]}",
        source=FindingSource.NOVELTY,
        count=entry.count,
        evidence=(Evidence(entry.path, entry.sample),),
        recommended_action=f"Look at the line. Is it normal here: dthostmon baseline normal HOST {entry.template.id}",
        fields={"template": entry.template.id, "program": entry.template.program or ""},
    )


def _more(findings: Sequence[Finding]) -> Finding:
    return Finding(
        kind="new-message",
        severity=max(finding.severity for finding in findings),
        title=f"{len(findings)} more kinds of message are new on this host",
        source=FindingSource.NOVELTY,
        count=sum(finding.count for finding in findings),
        evidence=tuple(line for finding in findings[:5] for line in finding.evidence),
        recommended_action="A program was probably installed, upgraded or reconfigured: see dthostmon logs.",
    )
