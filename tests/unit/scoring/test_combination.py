"""What a model's opinion may change of a grade, and what it may not."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from dthostmon.scoring import SCORE_CAPS, Combination, combine, grade

PATH = "/var/log/syslog"
LOWERING = {Severity.INFO: 5, Severity.WARN: 15, Severity.CRITICAL: 30}


def a_record(number: int, *, novel: bool = False, suspicious: bool = False, line_id: str | None = None) -> SentRecord:
    name = f"l-{number:02}" if line_id is None else line_id
    line = Evidence(PATH, f"line {number}", name)
    return SentRecord(f"E{number:02}", (line,), is_novel=novel, is_suspicious=suspicious)


# Plain, novel, suspicious, and without ids of their lines.
RECORDS = {
    record.id: record
    for record in (
        a_record(1),
        a_record(2, novel=True),
        a_record(3, suspicious=True),
        a_record(4, novel=True, line_id=""),
        a_record(5, suspicious=True, line_id=""),
    )
}


def a_line(number: int) -> Evidence:
    record = RECORDS[f"E{number:02}"]
    return record.lines[0]


def told(severity: Severity, *lines: int, kind: str = "demo") -> Finding:
    evidence = tuple(a_line(line) for line in lines)
    return Finding(kind, severity, "something happened", FindingSource.RULE, evidence=evidence)


def said(
    severity: Severity, *evidence: str, confidence: Confidence = Confidence.HIGH, kind: str = "odd"
) -> OpinionFinding:
    return OpinionFinding(evidence, kind, severity, "Something is odd.", "Look at it.", confidence)


def an_opinion(score: int, *findings: OpinionFinding, severity: Severity = Severity.INFO) -> Opinion:
    return Opinion("All is well.", findings, score, severity, ())


def together(findings: Sequence[Finding], opinion: Opinion | None) -> Combination:
    return combine(grade(findings), findings, opinion, RECORDS)


FINDINGS = st.lists(
    st.builds(
        Finding,
        kind=st.sampled_from(["a", "b", "c"]),
        severity=st.sampled_from(Severity),
        title=st.text(max_size=5),
        source=st.sampled_from([source for source in FindingSource if source is not FindingSource.AI]),
        count=st.integers(0, 10**6),
        evidence=st.lists(st.integers(1, 5).map(a_line), max_size=3).map(tuple),
    ),
    max_size=6,
)
OPINION_FINDINGS = st.lists(
    st.builds(
        OpinionFinding,
        evidence=st.lists(st.sampled_from([*RECORDS, "E99"]), max_size=4).map(tuple),
        kind=st.sampled_from(["a", "odd"]),
        severity=st.sampled_from(Severity),
        description=st.text(max_size=3),
        recommended_action=st.text(max_size=3),
        confidence=st.sampled_from(Confidence),
    ),
    max_size=10,
)
OPINIONS = st.builds(
    Opinion,
    summary=st.text(max_size=5),
    findings=OPINION_FINDINGS.map(tuple),
    score=st.integers(0, 100),
    severity=st.sampled_from(Severity),
    recommendations=st.just(()),
)


def has_rule_hit(findings: Sequence[Finding]) -> bool:
    return any(finding.severity > Severity.INFO for finding in findings)


# --- properties


@given(FINDINGS)
def test_a_model_that_is_down_changes_nothing(findings: list[Finding]) -> None:
    assert together(findings, None) == Combination(grade(findings))


@given(FINDINGS, OPINIONS)
def test_the_score_stays_within_0_and_100_and_its_reasons_add_up(findings: list[Finding], opinion: Opinion) -> None:
    result = together(findings, opinion).grade
    assert 0 <= result.score <= 100
    assert result.score == 100 + sum(reason.points for reason in result.reasons)
    assert result.reasons[: len(grade(findings).reasons)] == grade(findings).reasons


@given(FINDINGS, OPINIONS)
def test_the_cap_of_the_rules_holds(findings: list[Finding], opinion: Opinion) -> None:
    assert together(findings, opinion).grade.score <= SCORE_CAPS.get(grade(findings).severity, 100)


@given(FINDINGS, OPINIONS)
def test_a_score_is_raised_little_and_only_where_no_rule_hit(findings: list[Finding], opinion: Opinion) -> None:
    raised = together(findings, opinion).grade.score - grade(findings).score
    assert raised <= (0 if has_rule_hit(findings) else 10)
    assert raised <= 0 or grade(findings).score + raised <= opinion.score


@given(FINDINGS, OPINIONS)
def test_a_score_is_lowered_as_far_as_the_worst_evidenced_finding_allows(
    findings: list[Finding], opinion: Opinion
) -> None:
    evidenced = [found for found in opinion.findings if set(found.evidence) & set(RECORDS)]
    allowed = max((LOWERING[found.severity] for found in evidenced), default=0)
    assert grade(findings).score - together(findings, opinion).grade.score <= allowed


@given(FINDINGS, OPINIONS)
def test_no_score_is_lowered_without_evidence(findings: list[Finding], opinion: Opinion) -> None:
    baseless = replace(opinion, findings=tuple(replace(found, evidence=("E99",)) for found in opinion.findings))
    result = together(findings, baseless)
    assert result.grade.score >= grade(findings).score
    assert result.findings == ()
    assert result.dropped == len(opinion.findings)


@given(FINDINGS, OPINIONS)
def test_a_severity_is_never_lowered_and_is_raised_only_by_findings(findings: list[Finding], opinion: Opinion) -> None:
    result = together(findings, opinion)
    worst = max((found.severity for found in result.findings), default=Severity.INFO)
    assert result.grade.severity is max(grade(findings).severity, worst)


@given(FINDINGS, OPINIONS)
def test_what_a_model_adds_says_so_and_rests_on_lines_that_were_sent(findings: list[Finding], opinion: Opinion) -> None:
    result = together(findings, opinion)
    sent = {a_line(number) for number in range(1, 6)}
    for found in result.findings:
        assert found.source is FindingSource.AI
        assert found.evidence
        assert set(found.evidence) <= sent
    assert len(result.findings) + result.dropped == len(opinion.findings)


@given(FINDINGS, OPINIONS)
def test_one_line_is_not_told_twice_at_one_severity(findings: list[Finding], opinion: Opinion) -> None:
    for found in together(findings, opinion).findings:
        rules = [rule.severity for rule in findings if set(rule.evidence) & set(found.evidence)]
        assert all(severity < found.severity for severity in rules)


@given(FINDINGS, OPINIONS, st.randoms())
def test_the_order_of_findings_does_not_matter(findings: list[Finding], opinion: Opinion, order: random.Random) -> None:
    shuffled, others = findings.copy(), list(opinion.findings)
    order.shuffle(shuffled)
    order.shuffle(others)
    assert together(shuffled, replace(opinion, findings=tuple(others))) == together(findings, opinion)


# --- named


def test_a_lie_of_a_healthy_host_leaves_a_critical_one_as_it_is() -> None:
    findings = [told(Severity.CRITICAL, 1)]
    assert together(findings, an_opinion(100)) == Combination(grade(findings))
    assert together(findings, an_opinion(100, said(Severity.INFO, "E01"))).grade == grade(findings)


def test_a_warning_stays_a_warning_whatever_a_model_says() -> None:
    findings = [told(Severity.WARN, 1)]
    assert together(findings, an_opinion(100)).grade == grade(findings)
    assert grade(findings).score == 79


def test_without_a_rule_hit_a_model_raises_by_ten_at_most() -> None:
    notes = [told(Severity.INFO, kind=str(number)) for number in range(10)]
    assert together(notes, an_opinion(95)).grade == Grade(
        95, Severity.INFO, (*grade(notes).reasons, Reason("a model's judgement", 5))
    )
    assert together(notes, an_opinion(100)).grade.score == 100
    low = Grade(80, Severity.INFO, ())
    assert combine(low, [], an_opinion(100), RECORDS).grade.score == 90


def test_a_model_that_agrees_is_no_reason() -> None:
    assert together([], an_opinion(100)).grade == Grade(100, Severity.INFO, ())


@pytest.mark.parametrize(("severity", "score"), [(Severity.INFO, 95), (Severity.WARN, 85), (Severity.CRITICAL, 70)])
def test_evidence_of_each_severity_lowers_so_far(severity: Severity, score: int) -> None:
    result = together([], an_opinion(0, said(severity, "E02")))
    assert result.grade == Grade(score, severity, (Reason("a model's judgement", score - 100),))
    assert result.findings[0].severity is severity


def test_a_low_score_without_evidence_lowers_nothing() -> None:
    assert together([], an_opinion(0, severity=Severity.CRITICAL)).grade == Grade(100, Severity.INFO, ())


def test_a_wanted_score_that_its_own_findings_belie_is_lowered() -> None:
    assert together([], an_opinion(100, said(Severity.WARN, "E02"))).grade.score == 85
    assert together([], an_opinion(100, said(Severity.INFO, "E02"))).grade.score == 100
    notes = [told(Severity.INFO, kind=str(number)) for number in range(10)]
    assert together(notes, an_opinion(100, said(Severity.WARN, "E02"))).grade.score == 79


def test_a_rule_that_found_something_critical_leaves_room_to_lower() -> None:
    findings = [told(Severity.CRITICAL, 3)]
    result = together(findings, an_opinion(0, said(Severity.CRITICAL, "E03")))
    assert result.grade.score == 49 - 30
    assert result.findings == ()


def test_a_score_is_not_lowered_below_what_the_model_wants() -> None:
    assert together([], an_opinion(97, said(Severity.INFO, "E02"))).grade.score == 97


def test_no_score_is_lowered_below_nothing() -> None:
    assert (
        combine(Grade(10, Severity.INFO, ()), [], an_opinion(0, said(Severity.CRITICAL, "E02")), RECORDS).grade.score
        == 0
    )


@pytest.mark.parametrize("evidence", ["E02", "E03", "E04", "E05"])
def test_a_critical_finding_of_a_model_alone_needs_an_odd_line(evidence: str) -> None:
    assert together([], an_opinion(50, said(Severity.CRITICAL, "E01", evidence))).grade.severity is Severity.CRITICAL
    assert together([], an_opinion(50, said(Severity.CRITICAL, "E01"))).grade.severity is Severity.WARN


@pytest.mark.parametrize("confidence", [Confidence.LOW, Confidence.MEDIUM])
def test_a_critical_finding_of_a_model_alone_needs_high_confidence(confidence: Confidence) -> None:
    result = together([], an_opinion(0, said(Severity.CRITICAL, "E02", confidence=confidence)))
    assert result.findings[0].severity is Severity.WARN
    assert result.grade.score == 85


@pytest.mark.parametrize("confidence", list(Confidence))
def test_a_warning_of_a_model_alone_needs_neither(confidence: Confidence) -> None:
    assert (
        together([], an_opinion(90, said(Severity.WARN, "E01", confidence=confidence))).grade.severity is Severity.WARN
    )


def test_a_critical_finding_of_the_rules_elsewhere_does_not_bear_out_that_of_a_model() -> None:
    result = together([told(Severity.CRITICAL, 3)], an_opinion(0, said(Severity.CRITICAL, "E01")))
    assert [found.severity for found in result.findings] == [Severity.WARN]
    assert result.grade.severity is Severity.CRITICAL


def test_a_lesser_finding_of_the_rules_does_not_bear_out_a_critical_one() -> None:
    for severity in (Severity.INFO, Severity.WARN):
        result = together([told(severity, 1)], an_opinion(0, said(Severity.CRITICAL, "E01")))
        assert result.grade.severity is Severity.WARN


def test_a_line_is_known_by_its_id_however_it_is_shown() -> None:
    shown_cut = Evidence(PATH, "lin…", "l-02")
    rule = Finding("demo", Severity.WARN, "something happened", FindingSource.RULE, evidence=(shown_cut,))
    assert together([rule], an_opinion(79, said(Severity.WARN, "E02"))).findings == ()


@pytest.mark.parametrize("line", [1, 4])
def test_what_the_rules_told_of_a_line_is_not_told_again(line: int) -> None:
    result = together([told(Severity.WARN, line)], an_opinion(79, said(Severity.WARN, f"E{line:02}", "E02")))
    assert result.findings == ()
    assert result.dropped == 1


def test_a_worse_severity_than_the_rules_told_is_told() -> None:
    result = together([told(Severity.WARN, 3)], an_opinion(40, said(Severity.CRITICAL, "E03")))
    assert result.findings[0].severity is Severity.CRITICAL
    assert result.grade == Grade(
        49, Severity.CRITICAL, (*grade([told(Severity.WARN, 3)]).reasons, Reason("a model's judgement", -30))
    )


def test_what_a_model_says_twice_of_the_same_lines_is_told_once() -> None:
    opinion = an_opinion(80, said(Severity.INFO, "E02", "E01"), said(Severity.WARN, "E01", "E02", kind="worse"))
    result = together([], opinion)
    assert [found.kind for found in result.findings] == ["worse"]
    assert result.dropped == 1


def test_a_finding_of_a_model_is_a_finding_like_others() -> None:
    result = together([], an_opinion(90, said(Severity.WARN, "E02", "E99", "E01")))
    assert result.findings == (
        Finding(
            kind="odd",
            severity=Severity.WARN,
            title="Something is odd.",
            source=FindingSource.AI,
            count=2,
            evidence=(a_line(2), a_line(1)),
            recommended_action="Look at it.",
            fields={"confidence": "high"},
        ),
    )


def test_a_finding_without_words_is_named_by_its_kind() -> None:
    silent = replace(said(Severity.WARN, "E02"), description="")
    assert together([], an_opinion(90, silent)).findings[0].title == "odd"


def test_records_that_were_not_sent_for_this_host_bear_nothing() -> None:
    nothing: Mapping[str, SentRecord] = {}
    result = combine(grade([]), [], an_opinion(0, said(Severity.CRITICAL, "E02")), nothing)
    assert result == Combination(grade([]), (), 1)
