"""Findings of one cause: the worst is told, with the lines of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dthostmon.analysis.evidence import in_order
from dthostmon.model import Finding

UNIT = "unit"
MAX_EVIDENCE = 8

Subject = tuple[str, str]


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the worst first, with those of one cause as one.

    What happens to one unit is told by half a dozen messages: that a process ended, that the unit failed, that it is
    started again, that it is given up. And what is a part of a sequence may be a finding of its own rule too.
    """
    told: list[Finding] = []
    place_of: dict[Subject, int] = {}
    for finding in findings:
        subject = _subject(finding)
        if subject and subject in place_of:
            told[place_of[subject]] = _with(told[place_of[subject]], finding)
        elif not _is_told(finding, told):
            if subject:
                place_of[subject] = len(told)
            told.append(finding)
    return told


def _is_told(finding: Finding, worse: Sequence[Finding]) -> bool:
    """Tell whether all lines of a finding are lines of one that is worse."""
    lines = set(finding.evidence)
    return 0 < finding.count <= len(lines) and any(
        one.severity > finding.severity and lines <= set(one.evidence) for one in worse
    )


def _subject(finding: Finding) -> Subject | None:
    """Return the pack whose rule found it, and the unit that it is about."""
    unit = finding.fields.get(UNIT)
    return (finding.rule.partition(".")[0], unit) if finding.rule and unit else None


def _with(finding: Finding, other: Finding) -> Finding:
    """Return a finding with what another one adds: its lines, and when they were written."""
    return replace(
        finding,
        evidence=in_order([*dict.fromkeys((*finding.evidence, *other.evidence))][:MAX_EVIDENCE]),
        first_seen=min(filter(None, (finding.first_seen, other.first_seen)), default=None),
        last_seen=max(filter(None, (finding.last_seen, other.last_seen)), default=None),
    )
