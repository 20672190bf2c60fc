"""Three columns: what rules, a model and both make of the same cases, and how the model answered."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon.errors import ProviderErrorKind
from dthostmon.evaluation import (
    Case,
    CaseVisit,
    Comparison,
    Hearing,
    Judged,
    Outcome,
    builtin_suites,
    compare,
    comparison_document,
    figures_document,
    incomparable,
    injection_suite,
    measure,
    read_baseline,
    read_suites,
    spread,
    worse,
)
from dthostmon.evaluation.candidate import claims
from dthostmon.judge import Asked, Assessment, Prices, RulesOnlyReason
from dthostmon.judge.asked import Attempt
from dthostmon.model import (
    Confidence,
    Evidence,
    Finding,
    FindingSource,
    Opinion,
    OpinionFinding,
    SentRecord,
    Severity,
    Usage,
)
from tests.fixtures.evidence import injection_lines

INFO, WARN, CRITICAL = Severity.INFO, Severity.WARN, Severity.CRITICAL
RULE, AI = FindingSource.RULE, FindingSource.AI
INVALID, TRANSPORT = ProviderErrorKind.INVALID_OUTPUT, ProviderErrorKind.TRANSPORT
USAGE = Usage(10, 5)
NO_PRICES: dict[str, Prices] = {}


def case(severity: Severity | None = None, lines: int = 10, evidence: int = 1) -> Case:
    labelled = frozenset(range(evidence)) if severity else frozenset[int]()
    return Case("demo", "case", "kind", severity, "/var/log/syslog", (CaseVisit(("line",) * lines),), labelled)


def judged(severity: Severity, source: FindingSource = RULE, *places: int, evidence: int = 1) -> Judged:
    return Judged(Finding("kind", severity, "title", source), evidence, len(places), frozenset(places))


def attempt(kind: ProviderErrorKind | None = None, seconds: float = 1.0, usage: Usage = USAGE) -> Attempt:
    return Attempt("grok", kind, seconds, usage)


def opinion(severity: Severity = INFO, *findings: OpinionFinding, dropped: int = 0) -> Opinion:
    return Opinion("words", findings, 50, severity, (), dropped)


def answered(severity: Severity = INFO, *attempts: Attempt, dropped: int = 0) -> Assessment:
    asked = Asked(opinion(severity, dropped=dropped), "grok", "grok-4", attempts=attempts or (attempt(),))
    return Assessment(asked, {})


def unanswered(reason: RulesOnlyReason | ProviderErrorKind, *attempts: Attempt) -> Assessment:
    return Assessment(Asked(reason=reason, attempts=attempts), {})


def heard(*assessments: Assessment, rules: Severity = WARN, told: Severity = WARN, score: int = 79) -> Hearing:
    return Hearing(assessments or (answered(),), rules, told, score)


def outcome(of: Case, findings: tuple[Judged, ...], claimed: tuple[Judged, ...] = (), *hearings: Hearing) -> Outcome:
    return Outcome(of, findings, 1, claimed, hearings)


def compared(*outcomes: Outcome, seeds: int = 1) -> Comparison:
    return compare(outcomes, (), NO_PRICES, seeds)


def of_hearings(*hearings: Hearing, seeds: int = 1) -> Comparison:
    return compared(outcome(case(), (), (), *hearings), seeds=seeds)


def test_the_three_columns_count_what_each_told() -> None:
    found = compared(
        outcome(case(CRITICAL), (judged(WARN, RULE, 0), judged(CRITICAL, AI, 0)), (judged(CRITICAL, AI, 0),), heard()),
        outcome(case(WARN), (judged(WARN, RULE, 0),), (), heard()),
        outcome(case(lines=100), (judged(WARN, AI),), (judged(CRITICAL, AI), judged(WARN, AI))),
    )
    shares = {name: [one.found for one in column.figures.recall.values()] for name, column in found.columns.items()}
    assert shares == {"rules": [0, 1, 0, 2], "model": [1, 0, 0, 1], "combined": [1, 1, 0, 2]}
    assert [column.figures.noise.alarms for column in found.columns.values()] == [0, 2, 1]


def test_evidence_recall_is_of_the_lines_of_incidents_that_the_model_was_asked_about() -> None:
    found = compared(
        outcome(
            case(WARN, evidence=4),
            (judged(WARN, RULE, 0, 1), judged(WARN, AI, 1, 2), judged(INFO, RULE, 3)),
            (judged(WARN, AI, 1, 2),),
            heard(),
        ),
        outcome(case(CRITICAL, evidence=7), (judged(CRITICAL, RULE, 0),)),
        outcome(case(CRITICAL, evidence=7), (), (), heard(unanswered(RulesOnlyReason.BUDGET))),
        outcome(case(INFO, evidence=7), (), (), heard()),
    )
    shares = {
        name: (column.evidence_recall.found, column.evidence_recall.total) for name, column in found.columns.items()
    }
    assert shares == {"rules": (2, 4), "model": (2, 4), "combined": (3, 4)}


def test_the_first_answers_tell_whether_the_contract_was_kept() -> None:
    answers = of_hearings(
        heard(answered(INFO, attempt())),
        heard(answered(INFO, attempt(TRANSPORT), attempt())),
        heard(answered(INFO, attempt(INVALID), attempt(), dropped=3)),
        heard(unanswered(INVALID, attempt(INVALID), attempt(INVALID))),
        heard(unanswered(TRANSPORT, attempt(TRANSPORT))),
    ).answers
    assert (answers.schema_valid.found, answers.schema_valid.total) == (2, 4)
    assert (answers.invalid, answers.requests, answers.dropped) == (3, 8, 3)


def test_what_was_not_answered_is_counted_by_its_reason() -> None:
    answers = of_hearings(
        heard(),
        heard(unanswered(RulesOnlyReason.BUDGET)),
        heard(unanswered(RulesOnlyReason.BUDGET)),
        heard(unanswered(INVALID, attempt(INVALID))),
        heard(unanswered(ProviderErrorKind.AUTH, attempt(ProviderErrorKind.AUTH))),
    ).answers
    assert (answers.visits, answers.questions, answers.sent, answers.answered) == (1, 5, 3, 1)
    assert answers.unanswered == {"budget": 2, "invalid-output": 1, "auth": 1}
    assert answers.failed == {"auth": 1}


def test_agreement_is_of_questions_with_all_of_their_opinions() -> None:
    hearings = (
        heard(answered(WARN), answered(WARN), answered(WARN)),
        heard(answered(WARN), answered(INFO), answered(WARN)),
        heard(answered(WARN), answered(WARN), unanswered(TRANSPORT)),
    )
    agreement = of_hearings(*hearings, seeds=3).answers.agreement
    assert (agreement.found, agreement.total) == (1, 2)
    assert of_hearings(heard()).answers.agreement.value is None


def test_seconds_are_those_within_which_a_share_was_answered() -> None:
    attempts = [attempt(seconds=float(second)) for second in range(20, 0, -1)]
    answers = of_hearings(heard(answered(INFO, *attempts))).answers
    assert (answers.within(0.5), answers.within(0.95), answers.within(1)) == (10, 19, 20)
    assert of_hearings().answers.within(0.5) is None


def test_tokens_are_summed_and_cost_is_unknown_without_a_price() -> None:
    outcomes = [
        outcome(case(), (), (), heard(answered(INFO, attempt(INVALID, usage=Usage(1000, 100, 400, 60)), attempt())))
    ]
    free = compare(outcomes, (), NO_PRICES).answers
    assert free.usage == Usage(1010, 105, 400, 60)
    assert free.cost is None
    priced = compare(outcomes, (), {"grok": Prices(2.0, 10.0, 0.5)}).answers
    assert priced.cost == pytest.approx((610 * 2 + 400 * 0.5 + 105 * 10) / 1e6)


@pytest.mark.parametrize(
    ("said", "rules", "told", "score", "model", "combined"),
    [
        (CRITICAL, CRITICAL, CRITICAL, 49, 1, 1),
        (WARN, CRITICAL, CRITICAL, 49, 0, 1),
        (CRITICAL, CRITICAL, WARN, 49, 1, 0),
        (CRITICAL, CRITICAL, CRITICAL, 50, 1, 0),
        (WARN, WARN, WARN, 79, 1, 1),
        (INFO, INFO, INFO, 100, 1, 1),
    ],
)
def test_a_line_is_withstood_where_nothing_is_lowered(
    said: Severity, rules: Severity, told: Severity, score: int, model: int, combined: int
) -> None:
    hearings = heard(answered(said), rules=rules, told=told, score=score), heard(unanswered(RulesOnlyReason.BUDGET))
    found = compare((), [outcome(case(CRITICAL), (), (), *hearings)], NO_PRICES)
    assert (found.resistance.model.found, found.resistance.combined.found) == (model, combined)
    assert found.resistance.model.total == found.resistance.combined.total == 1
    assert found.answers.questions == 2
    assert found.combined.figures.cases == 0


def test_a_claim_without_a_line_is_none_and_no_severity_is_bounded() -> None:
    lines = Evidence("/var/log/a", "one"), Evidence("/var/log/a", "two")
    records = {"E01": SentRecord("E01", lines), "E02": SentRecord("E02", lines[1:])}

    def claim(*evidence: str) -> OpinionFinding:
        return OpinionFinding(evidence, "odd", CRITICAL, "Odd.", "Look.", Confidence.LOW)

    said = opinion(INFO, claim("E01", "E02"), claim("E03"))
    (found,) = claims(Assessment(Asked(said, "grok", "m"), records))
    assert (found.severity, found.source, found.title, found.evidence) == (CRITICAL, AI, "Odd.", lines)
    assert claims(unanswered(RulesOnlyReason.BUDGET)) == ()


def test_a_baseline_is_compared_in_what_both_evaluations_have(tmp_path: Path) -> None:
    good = outcome(case(WARN), (judged(WARN, RULE, 0),), (judged(WARN, AI, 0),), heard())
    blind = replace(good, claims=())
    path = tmp_path / "before.json"

    path.write_text(json.dumps(comparison_document(compared(good), "grok/m", 100)))
    with_model = read_baseline(path)
    told = worse(comparison_document(compared(blind), "grok/m", 100), with_model)
    assert "recall WARN, model: 0.000, was 1.000" in told
    assert all(one.split(":")[0].endswith(", model") for one in told)
    rules_alone = figures_document(measure([good]))
    assert not worse(rules_alone, with_model)
    assert not incomparable(rules_alone, with_model)

    path.write_text(json.dumps(rules_alone))
    assert not incomparable(comparison_document(compared(good), "grok/m", 100), read_baseline(path))
    nothing = comparison_document(compared(replace(good, findings=())), "grok/m", 100)
    assert "recall WARN: 0.000, was 1.000" in worse(nothing, read_baseline(path))


def test_the_document_names_the_columns_and_leaves_the_rules_where_they_were() -> None:
    found = compared(outcome(case(WARN), (judged(WARN, RULE, 0), judged(CRITICAL, AI, 0)), (), heard()))
    document = comparison_document(found, "grok/grok-4", 100)
    rules = figures_document(found.rules.figures)
    assert {name: document[name] for name in rules} == rules | {"judged_by": "rules+grok/grok-4"}
    text = json.dumps(document["columns"])
    assert list(json.loads(text)) == ["rules", "model", "combined"]
    assert json.dumps(document)  # nothing in it that JSON does not know


def test_a_limit_takes_cases_evenly_and_always_the_same() -> None:
    cases = tuple(replace(case(), id=str(number)) for number in range(10))
    assert [one.id for one in spread(cases, 3)] == ["0", "3", "6"]
    assert spread(cases, None) == spread(cases, 10) == spread(cases, 99) == cases


def test_the_suite_of_steering_lines_is_a_part_of_the_corpus() -> None:
    cases = read_suites([injection_suite()])
    assert injection_suite() not in builtin_suites()
    assert len(cases) >= 40
    assert {one.severity for one in cases} == {WARN, CRITICAL}
    corpus = set(injection_lines())
    assert all("\n".join(one.visits[1].lines[1:]) in corpus for one in cases)
    assert all(one.evidence == {1} for one in cases)
