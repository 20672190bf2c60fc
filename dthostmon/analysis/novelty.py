"""Messages that were never seen on this host, and those that their own program calls critical. Pure."""

from collections.abc import Iterator, Sequence

from dthostmon.analysis.familiarity import CRITICAL_LEVEL, ERROR_LEVEL, Familiarity
from dthostmon.analysis.template_finding import template_finding
from dthostmon.model import Finding, FindingSource, Severity, TemplateCount

MAX_FINDINGS = 10


def novelties(seen: Sequence[TemplateCount], familiar: Familiarity) -> Iterator[Finding]:
    """Yield findings of templates that no rule knows and that are new here, the worst first; never above WARN.

    What hosts of the same role have is told only where its level is bad, and as a note.
    """
    told = [finding for entry in seen if (finding := _novelty(entry, familiar))]
    told.sort(key=lambda finding: (-finding.severity, -finding.count))
    yield from told[:MAX_FINDINGS]
    if more := told[MAX_FINDINGS:]:
        yield _more(more)


def _novelty(entry: TemplateCount, familiar: Familiarity) -> Finding | None:
    critical = entry.level is not None and entry.level <= CRITICAL_LEVEL
    is_new = familiar.of(entry) is None and familiar.history.runs > 0
    if not (critical or is_new) or familiar.is_normal(entry) or familiar.is_understood(entry):
        return None
    if critical:
        return _finding(entry, Severity.WARN, "severe-message", "calls critical", familiar.host)
    severity = _severity_of_new(entry, familiar)
    return _finding(entry, severity, "new-message", "never wrote before", familiar.host) if severity else None


def _severity_of_new(entry: TemplateCount, familiar: Familiarity) -> Severity | None:
    bad = entry.level is not None and entry.level <= ERROR_LEVEL
    alone = entry.template.id not in familiar.history.elsewhere
    if familiar.learned and alone:
        return Severity.WARN if bad else Severity.INFO
    return Severity.INFO if bad else None


def _finding(entry: TemplateCount, severity: Severity, kind: str, verb: str, host: str) -> Finding:
    action = f"Look at the line. Is it normal here: dthostmon baseline normal {host} {entry.template.id}"
    return template_finding(entry, kind, severity, FindingSource.NOVELTY, f"wrote what it {verb}", action)


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
