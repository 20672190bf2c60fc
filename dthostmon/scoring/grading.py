"""Findings to a score from 0 to 100. Pure: the same findings, in whatever order, give the same grade.

Where the numbers come from: a lone warning costs 8 points and each tenfold of its count 3 more, so that about forty
failed logins cost 13 and no count more than 17; a lone critical finding costs 30, at most 45. Notes cost 1 for each
kind, 10 together, so they alone leave a host healthy. Findings of one kind mostly have one cause: the second costs half
of its points, the third a quarter, and so on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import log10

from dthostmon.model import Finding, Grade, Reason, Severity

FULL_SCORE = 100
HEALTHY_FROM = 90
MINOR_FROM = 70
SCORE_CAPS = {Severity.WARN: 79, Severity.CRITICAL: 49}
MAX_RECOMMENDATIONS = 5

_BASE_POINTS = {Severity.INFO: 1.0, Severity.WARN: 8.0, Severity.CRITICAL: 30.0}
_POINTS_PER_TENFOLD = {Severity.INFO: 0.0, Severity.WARN: 3.0, Severity.CRITICAL: 5.0}
_MAX_TENFOLDS = 3.0
_MAX_INFO_POINTS = 10


def grade(findings: Sequence[Finding]) -> Grade:
    """Return score, severity and reasons: 100 + their points = the score. A further finding never raises it."""
    severity = max((finding.severity for finding in findings), default=Severity.INFO)
    reasons = tuple(_reasons(findings, severity))
    return Grade(FULL_SCORE + sum(reason.points for reason in reasons), severity, reasons)


def status_word(score: int) -> str:
    """Say a score in words."""
    if score >= HEALTHY_FROM:
        return "healthy"
    return "minor" if score >= MINOR_FROM else "needs attention"


def summary(findings: Sequence[Finding]) -> str:
    """Say in one sentence what was found."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    if not findings:
        return "Nothing was found."
    if counts[Severity.INFO] == len(findings):
        return f"Nothing needs attention; {_amount(len(findings), 'note')}."
    parts = [_amount(counts[Severity.CRITICAL], "critical finding"), _amount(counts[Severity.WARN], "warning")]
    worst = min(findings, key=_order)
    return f"{' and '.join(filter(None, parts))}, first of all: {worst.title}.".replace("..", ".")


def recommendations(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what to do about warnings and worse, worst first, each thing once."""
    actions = [
        finding.recommended_action
        for finding in sorted(findings, key=_order)
        if finding.severity > Severity.INFO and finding.recommended_action
    ]
    return tuple(dict.fromkeys(actions))[:MAX_RECOMMENDATIONS]


def _amount(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _reasons(findings: Sequence[Finding], severity: Severity) -> Iterator[Reason]:
    left = FULL_SCORE
    for text, points in (*_trouble(findings), *_notes(findings)):
        points = min(points, left)  # noqa: PLW2901  # the last reason takes what is left
        left -= points
        if points:
            yield Reason(text, -points)
    cap = SCORE_CAPS.get(severity, FULL_SCORE)
    if left > cap:
        yield Reason(f"a {severity} finding caps the score at {cap}", cap - left)


def _trouble(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    by_kind = _by_kind(finding for finding in findings if finding.severity > Severity.INFO)
    costs = [(_name(group), round(_cost(group))) for group in by_kind]
    return sorted(costs, key=lambda cost: (-cost[1], cost[0]))


def _notes(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    by_kind = _by_kind(finding for finding in findings if finding.severity is Severity.INFO)
    return sorted((_name(group), 1) for group in by_kind)[:_MAX_INFO_POINTS]


def _by_kind(findings: Iterable[Finding]) -> list[list[Finding]]:
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=_order):
        kinds[finding.kind].append(finding)
    return list(kinds.values())


def _order(finding: Finding) -> tuple[float, str, str]:
    return -_points(finding), finding.title, finding.rule or ""


def _points(finding: Finding) -> float:
    tenfolds = min(log10(max(finding.count, 1)), _MAX_TENFOLDS)
    return _BASE_POINTS[finding.severity] + _POINTS_PER_TENFOLD[finding.severity] * tenfolds


def _cost(group: Sequence[Finding]) -> float:
    """Add up findings of one kind, dearest first, each at half the weight of the one before."""
    return sum(_points(finding) / 2.0**place for place, finding in enumerate(group))


def _name(group: Sequence[Finding]) -> str:
    more = len(group) - 1
    return f"{group[0].title}, and {more} more of this kind" if more else group[0].title
