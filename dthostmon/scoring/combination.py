"""What a model's opinion may change of the grade that the rules gave. Pure.

A model reads lines that an attacker may have written: a small real one said "100, healthy" to 6 of 15 that asked for
it. So the rules keep the floor. Nothing that a model says lowers a severity or lifts a cap, and it moves the score only
so far as lines that were sent bear it out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dthostmon.model import (
    Confidence,
    Evidence,
    Finding,
    FindingSource,
    Grade,
    Opinion,
    OpinionFinding,
    Reason,
    SentRecord,
    Severity,
)
from dthostmon.scoring.grading import FULL_SCORE, SCORE_CAPS

MAX_RAISE = 10
MAX_LOWERING = {Severity.INFO: 5, Severity.WARN: 15, Severity.CRITICAL: 30}
MAX_EVIDENCE = 8
REASON = "a model's judgement"


@dataclass(frozen=True, slots=True)
class Combination:
    """The grade of rules and model together. `findings` are the model's alone, all of source AI, worst first.

    `dropped` counts those of its findings that rest on nothing sent, or tell again what is told already.
    """

    grade: Grade
    findings: tuple[Finding, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Claim:
    """A finding of a model with the records that it rests on, at the severity that they bear."""

    finding: OpinionFinding
    records: tuple[SentRecord, ...]
    severity: Severity


def combine(
    grade: Grade, findings: Sequence[Finding], opinion: Opinion | None, records: Mapping[str, SentRecord]
) -> Combination:
    """Return what becomes of the grade of `findings`, which are the rules', by the opinion of a model.

    `records` are what it was sent, by id. No opinion changes nothing. The severity that the opinion has as a whole
    rests on no line and is not heard. What a model alone found must not alert alone: its source says so.
    """
    if opinion is None:
        return Combination(grade)
    told = _Told(findings)
    claims = sorted(_claims(opinion, records, told), key=_worst_first)
    kept = tuple(_as_finding(claim) for claim in _not_yet_told(claims, told))
    severity = max((grade.severity, *(finding.severity for finding in kept)))
    moved = _moved(grade, opinion.score, claims)
    reasons = (*grade.reasons, Reason(REASON, moved)) if moved else grade.reasons
    return Combination(Grade(grade.score + moved, severity, reasons), kept, len(opinion.findings) - len(kept))


class _Told:
    """The lines that findings of the rules rest on, with the worst severity that was told of each."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._worst: dict[str | tuple[str, str], Severity] = {}
        for finding in findings:
            for line in finding.evidence:
                for name in _names(line):
                    self._worst[name] = max(finding.severity, self._worst.get(name, finding.severity))

    def has(self, records: Sequence[SentRecord], severity: Severity) -> bool:
        """Whether a finding of at least this severity rests on a line of these."""
        names = (name for record in records for line in record.lines for name in _names(line))
        return any(name in self._worst and self._worst[name] >= severity for name in names)


def _names(line: Evidence) -> Iterator[str | tuple[str, str]]:
    """Yield by what a line is known: not all evidence has an id."""
    if line.id:
        yield line.id
    if line.line:
        yield line.path, line.line


def _claims(opinion: Opinion, records: Mapping[str, SentRecord], told: _Told) -> Iterator[_Claim]:
    for finding in opinion.findings:
        sent = tuple(records[name] for name in dict.fromkeys(finding.evidence) if name in records)
        if sent:
            yield _Claim(finding, sent, _severity(finding, sent, told))


def _severity(finding: OpinionFinding, sent: Sequence[SentRecord], told: _Told) -> Severity:
    """Return the severity that its lines bear: where no rule says so too, critical needs certainty and odd lines."""
    if finding.severity is not Severity.CRITICAL or told.has(sent, Severity.CRITICAL):
        return finding.severity
    is_odd = any(record.is_novel or record.is_suspicious for record in sent)
    return Severity.CRITICAL if is_odd and finding.confidence is Confidence.HIGH else Severity.WARN


def _not_yet_told(claims: Sequence[_Claim], told: _Told) -> Iterator[_Claim]:
    """Yield the claims, worst first, that no finding of the rules and no claim before told of their lines."""
    claimed: set[frozenset[str]] = set()
    for claim in claims:
        lines = frozenset(record.id for record in claim.records)
        if lines not in claimed and not told.has(claim.records, claim.severity):
            claimed.add(lines)
            yield claim


def _moved(grade: Grade, wanted: int, claims: Sequence[_Claim]) -> int:
    """Return the points by which the score moves. A wanted score that the model's own findings belie is capped first,
    as that of the rules is. What tells again what the rules told counts here: the model may hold it for worse.
    """
    worst = max((claim.severity for claim in claims), default=None)
    wanted = min(wanted, SCORE_CAPS.get(worst, FULL_SCORE)) if worst else wanted
    lowest = grade.score - (MAX_LOWERING[worst] if worst else 0)
    highest = grade.score + (MAX_RAISE if grade.severity is Severity.INFO else 0)
    return max(lowest, min(wanted, highest, FULL_SCORE)) - grade.score


def _as_finding(claim: _Claim) -> Finding:
    return Finding(
        kind=claim.finding.kind,
        severity=claim.severity,
        title=claim.finding.description or claim.finding.kind,
        source=FindingSource.AI,
        count=len(claim.records),
        evidence=tuple(dict.fromkeys(line for record in claim.records for line in record.lines))[:MAX_EVIDENCE],
        recommended_action=claim.finding.recommended_action,
        fields={"confidence": str(claim.finding.confidence)},
    )


def _worst_first(claim: _Claim) -> tuple[int, int, str, str, str, tuple[str, ...]]:
    """Order claims so that theirs in the answer does not matter."""
    finding = claim.finding
    sure = tuple(Confidence).index(finding.confidence)
    return -claim.severity, -sure, finding.kind, finding.description, finding.recommended_action, finding.evidence
