"""Figures: what counts as found, as an alarm about nothing, and as worse than before."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dthostmon.errors import SuiteError
from dthostmon.evaluation import (
    Case,
    CaseVisit,
    Judged,
    Outcome,
    figures_document,
    incomparable,
    measure,
    read_baseline,
    worse,
)
from dthostmon.evaluation.stamps import DEFAULT_MOMENT, VISITED_AFTER, visited_at
from dthostmon.model import Finding, FindingSource, Severity

INFO, WARN, CRITICAL = Severity.INFO, Severity.WARN, Severity.CRITICAL


def case(severity: Severity | None = None, lines: int = 10, evidence: int = 1, name: str = "case") -> Case:
    labelled = frozenset(range(evidence)) if severity else frozenset[int]()
    return Case("demo", name, "kind", severity, "/var/log/syslog", (CaseVisit(("line",) * lines),), labelled)


def judged(severity: Severity, evidence: int = 1, labelled: int = 1) -> Judged:
    return Judged(Finding("kind", severity, "title", FindingSource.RULE), evidence, labelled)


def outcome(of: Case, *findings: Judged, days: int = 1) -> Outcome:
    return Outcome(of, findings, days)


def test_an_incident_is_found_at_its_severity_or_a_worse_one() -> None:
    figures = measure(
        [
            outcome(case(CRITICAL), judged(WARN)),
            outcome(case(CRITICAL), judged(INFO), judged(CRITICAL)),
            outcome(case(WARN), judged(CRITICAL)),
            outcome(case(WARN), judged(INFO)),
            outcome(case(INFO)),
        ]
    )
    shares = {name: (share.found, share.total) for name, share in figures.recall.items()}
    assert shares == {"CRITICAL": (1, 2), "WARN": (1, 2), "INFO": (0, 1), "WARN or worse": (3, 4)}
    assert len(figures.misses) == 3
    assert [verdict.case.severity for verdict in figures.exaggerated] == [WARN]
    assert not figures.alarms


def test_a_finding_on_other_lines_does_not_find_the_incident_and_is_a_false_alarm() -> None:
    figures = measure([outcome(case(WARN, lines=5), judged(WARN, evidence=2, labelled=0))])
    assert figures.recall["WARN"].value == 0
    assert (figures.noise.alarms, figures.noise.quiet_lines, figures.noise.per_thousand_lines) == (1, 4, 250)
    assert figures.evidence.value == 0


def test_a_finding_without_evidence_finds_the_incident() -> None:
    assert measure([outcome(case(WARN), judged(WARN, evidence=0, labelled=0))]).recall["WARN"].value == 1


def test_false_alarms_are_counted_per_quiet_line_and_per_host_day() -> None:
    quiet_days = outcome(case(lines=40), judged(WARN, labelled=0), judged(INFO, labelled=0), days=4)
    single_line = outcome(case(lines=1), judged(CRITICAL, labelled=0))
    noise = measure([quiet_days, single_line, outcome(case(lines=9))]).noise
    assert (noise.alarms, noise.quiet_lines, noise.per_thousand_lines) == (2, 50, 40)
    assert (noise.alarms_in_days, noise.host_days, noise.per_host_day) == (1, 4, 0.25)


def test_evidence_precision_looks_at_findings_above_info_of_incidents() -> None:
    found = outcome(case(WARN), judged(WARN, 2, 1), judged(INFO, 5, 0), judged(CRITICAL, 2, 2))
    assert measure([found, outcome(case(), judged(WARN, 3, 0))]).evidence.value == 0.75


def test_what_there_is_none_of_is_unknown() -> None:
    figures = measure([])
    assert figures.recall["WARN"].value is None
    assert figures.noise.per_host_day is None
    assert figures.evidence.value is None


def test_a_figure_that_is_worse_than_before_is_named(tmp_path: Path) -> None:
    good = figures_document(measure([outcome(case(WARN), judged(WARN)), outcome(case(lines=100))]))
    bad = figures_document(measure([outcome(case(WARN), judged(INFO)), outcome(case(lines=100), judged(WARN, 1, 0))]))
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    named = " ".join(worse(bad, read_baseline(tmp_path / "good.json")))
    for words in (
        "recall WARN:",
        "WARN or worse",
        "by_kind kind",
        "by_suite demo",
        "false_alarms per_1000",
        "per_host_day",
    ):
        assert words in named
    assert not worse(good, read_baseline(tmp_path / "good.json"))
    assert not worse(good, read_baseline(tmp_path / "bad.json"))


def test_a_baseline_of_other_cases_is_not_to_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    before = figures_document(measure([outcome(case(WARN), judged(WARN, 5, 5)), outcome(case(lines=100))]))
    path.write_text(json.dumps(before))
    baseline = read_baseline(path)
    same = figures_document(measure([outcome(case(WARN), judged(WARN, 1, 1)), outcome(case(lines=100))]))
    assert not incomparable(same, baseline)
    fewer = figures_document(measure([outcome(case(lines=50))]))
    told = incomparable(fewer, baseline)
    for words in ("by_kind kind: is gone, was 1.000 of 1", "recall WARN: unknown of 0, was 1.000 of 1", "of 50, was"):
        assert any(words in one for one in told), told
    assert not worse(fewer, baseline)


def test_all_incidents_together_are_a_share_too() -> None:
    found = measure([outcome(case(WARN), judged(WARN)), outcome(case(CRITICAL)), outcome(case())]).found
    assert (found.found, found.total) == (1, 2)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"recall": {"WARN": 1}}'])
def test_a_baseline_without_figures_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(SuiteError):
        read_baseline(tmp_path / "old.json")


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("Jul  8 03:11:02 web1 kernel: x", datetime(2026, 7, 8, 3, 11, 2, tzinfo=UTC)),
        ("2026-07-28T03:11:02.123456+02:00 web1 cron: x", datetime(2026, 7, 28, 1, 11, 2, 123456, tzinfo=UTC)),
        ("2026-07-28T09:20:00.123456789Z x", datetime(2026, 7, 28, 9, 20, 0, 123456, tzinfo=UTC)),
        ("2026-07-28 07:30:02 install nmap", datetime(2026, 7, 28, 7, 30, 2, tzinfo=UTC)),
        ('198.51.100.7 - - [28/Jul/2026:00:17:00 +0000] "GET /', datetime(2026, 7, 28, 0, 17, tzinfo=UTC)),
        ("Feb 29 00:00:00 web1 kernel: x", DEFAULT_MOMENT),
        ("2026-13-28T09:20:00Z x", DEFAULT_MOMENT),
        ("a line without a stamp", DEFAULT_MOMENT),
    ],
)
def test_a_visit_comes_shortly_after_the_last_stamp(line: str, moment: datetime) -> None:
    assert visited_at([line, "and a line without one"]) == moment + VISITED_AFTER
