"""What a model's opinion, or the want of one, makes of a run that the rules have judged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dthostmon import scoring
from dthostmon.judge.asked import Asked, RulesOnlyReason, judged_by
from dthostmon.judge.assessor import Assessment
from dthostmon.judge.budget import Prices, total_cost
from dthostmon.model import Finding, Grade, Opinion, Run, Severity, Usage


def judged(run: Run, assessment: Assessment, prices: Mapping[str, Prices]) -> Run:
    """Return the run with the model's part in it, and who judged; without an opinion all of the rules' part stays.

    The words of the rules come first: those of a model may be an attacker's.
    """
    asked = assessment.asked
    grade = Grade(run.score or 0, run.severity, run.reasons)
    combined = scoring.combine(grade, run.findings, asked.opinion, assessment.records)
    return replace(
        run,
        severity=combined.grade.severity,
        score=combined.grade.score,
        reasons=combined.grade.reasons,
        findings=(*run.findings, *combined.findings),
        judged_by=judged_by(asked),
        usage=_usage(run, asked),
        cost=_cost(run, asked, prices),
        summary=_summary(run, combined.findings, asked.opinion),
        recommendations=_recommendations(run, asked.opinion),
    )


def unasked(run: Run) -> Run:
    """Return the run as it is where there was something to ask, and nobody to be asked."""
    return replace(run, judged_by=judged_by(Asked(reason=RulesOnlyReason.NO_PROVIDER)))


def _usage(run: Run, asked: Asked) -> Usage | None:
    """Return what asking about a run took, with what it took before where it is asked about again."""
    return (run.usage or Usage()) + asked.usage if asked.attempts else run.usage


def _cost(run: Run, asked: Asked, prices: Mapping[str, Prices]) -> float | None:
    """Return what all that cost; None = unknown, as it is if a part of it is."""
    if not asked.attempts:
        return run.cost
    before = 0.0 if run.usage is None else run.cost
    cost = total_cost(asked.attempts, prices)
    return None if cost is None or before is None else before + cost


def _summary(run: Run, added: Sequence[Finding], opinion: Opinion | None) -> str:
    """Return what was found in a sentence of ours, which counts what the model added, and then the model's own."""
    if opinion is None:
        return run.summary
    is_worse = any(finding.severity > Severity.INFO for finding in added)
    ours = scoring.summary((*run.findings, *added)) if is_worse else run.summary
    return f"{ours} {opinion.summary}".strip()


def _recommendations(run: Run, opinion: Opinion | None) -> tuple[str, ...]:
    more = opinion.recommendations if opinion else ()
    return tuple(dict.fromkeys((*run.recommendations, *more)))[: scoring.MAX_RECOMMENDATIONS]
