"""Findings to a score."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.model import Finding, FindingSource, Grade, Reason, Severity
from dthostmon.scoring import SCORE_CAPS, grade, recommendations, status_word, summary


def a_finding(
    severity: Severity, kind: str = "demo", count: int = 1, title: str = "something happened", action: str = ""
) -> Finding:
    return Finding(kind, severity, title, FindingSource.RULE, count=count, recommended_action=action)


FINDINGS = st.lists(
    st.builds(
        a_finding,
        st.sampled_from(Severity),
        st.sampled_from(["a", "b", "c", "d", "e", "f"]) | st.text(max_size=5),
        st.integers(0, 10**9),
        st.text(max_size=5),
    ),
    max_size=40,
)


def test_nothing_found_is_the_full_score() -> None:
    assert grade([]) == Grade(100, Severity.INFO, ())


def test_a_warning_caps_the_score_and_says_so() -> None:
    result = grade([a_finding(Severity.WARN, count=41, title="41 failed logins for root")])
    assert result.score == 79
    assert result.reasons == (
        Reason("41 failed logins for root", -13),
        Reason("a WARN finding caps the score at 79", -8),
    )


def test_a_critical_finding_caps_lower() -> None:
    assert grade([a_finding(Severity.CRITICAL), a_finding(Severity.INFO)]).score == 49


def test_a_cap_that_lowers_nothing_is_no_reason() -> None:
    result = grade([a_finding(Severity.CRITICAL, kind=kind) for kind in "ab"])
    assert result.score == 40
    assert len(result.reasons) == 2


def test_findings_of_one_kind_share_a_reason_and_cost_less() -> None:
    same = grade([a_finding(Severity.CRITICAL, title=title) for title in "ba"])
    assert same.reasons[0] == Reason("a, and 1 more of this kind", -45)
    assert same.score > grade([a_finding(Severity.CRITICAL, kind=kind) for kind in "ab"]).score


def test_many_counts_weigh_little_more_than_some() -> None:
    points = [
        grade([a_finding(Severity.WARN, count=count)]).reasons[0].points for count in (0, 1, 10, 100, 1000, 10**9)
    ]
    assert points == [-8, -8, -11, -14, -17, -17]


@given(FINDINGS)
def test_the_reasons_add_up_to_the_score(findings: list[Finding]) -> None:
    result = grade(findings)
    assert result.score == 100 + sum(reason.points for reason in result.reasons)
    assert 0 <= result.score <= 100
    assert all(reason.points < 0 for reason in result.reasons)


@given(FINDINGS)
def test_the_worst_finding_decides_severity_and_cap(findings: list[Finding]) -> None:
    result = grade(findings)
    assert result.severity is max((finding.severity for finding in findings), default=Severity.INFO)
    assert result.score <= SCORE_CAPS.get(result.severity, 100)


@given(FINDINGS)
def test_notes_alone_leave_a_host_healthy(findings: list[Finding]) -> None:
    assert grade([finding for finding in findings if finding.severity is Severity.INFO]).score >= 90


@given(FINDINGS, FINDINGS)
def test_a_further_finding_never_raises_the_score(findings: list[Finding], more: list[Finding]) -> None:
    assert grade([*findings, *more]).score <= grade(findings).score


@given(FINDINGS, st.randoms())
def test_the_order_of_findings_does_not_matter(findings: list[Finding], order: random.Random) -> None:
    shuffled = findings.copy()
    order.shuffle(shuffled)
    assert grade(shuffled) == grade(findings)


@pytest.mark.parametrize(
    ("score", "word"),
    [(100, "healthy"), (90, "healthy"), (89, "minor"), (70, "minor"), (69, "needs attention"), (0, "needs attention")],
)
def test_a_score_has_a_word(score: int, word: str) -> None:
    assert status_word(score) == word


def test_the_summary_is_one_sentence() -> None:
    warning = a_finding(Severity.WARN, title="nginx.service failed")
    critical = a_finding(Severity.CRITICAL, title="Out of memory")
    note = a_finding(Severity.INFO)
    assert summary([]) == "Nothing was found."
    assert summary([note]) == "Nothing needs attention; 1 note."
    assert summary([warning, note]) == "1 warning, first of all: nginx.service failed."
    assert summary([warning, critical, warning]) == "1 critical finding and 2 warnings, first of all: Out of memory."


def test_recommendations_are_for_trouble_worst_first_and_each_once() -> None:
    findings = [
        a_finding(Severity.INFO, action="rest"),
        a_finding(Severity.WARN, action="mend"),
        a_finding(Severity.WARN, action="mend"),
        a_finding(Severity.CRITICAL, action="run"),
        a_finding(Severity.CRITICAL),
    ]
    assert recommendations(findings) == ("run", "mend")
    assert len(recommendations([a_finding(Severity.WARN, action=str(number)) for number in range(9)])) == 5
