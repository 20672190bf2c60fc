"""Findings of one cause are one finding."""

from datetime import UTC, datetime, timedelta

from dthostmon.analysis.causes import MAX_EVIDENCE, joined
from dthostmon.model import Evidence, Finding, FindingSource, Severity

START = datetime(2026, 7, 28, 6, 0, tzinfo=UTC)


def line(number: int, *, timed: bool = True) -> Evidence:
    return Evidence("log", f"line {number}", f"l-{number}", START + timedelta(seconds=number) if timed else None)


def finding(severity: Severity, *numbers: int, rule: str = "systemd.demo", unit: str | None = "app.service") -> Finding:
    lines = tuple(map(line, numbers))
    times = [one.time for one in lines if one.time]
    return Finding(
        kind="demo",
        severity=severity,
        title=f"{severity} of {unit}",
        source=FindingSource.RULE,
        rule=rule,
        count=len(lines),
        evidence=lines,
        fields={"unit": unit} if unit else {},
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
    )


def test_what_happened_to_one_unit_is_told_by_the_worst_with_the_lines_of_all():
    worst, milder = finding(Severity.CRITICAL, 5), finding(Severity.WARN, 9, 1)
    (told,) = joined([worst, milder])
    assert (told.title, told.severity, told.count) == (worst.title, Severity.CRITICAL, 1)
    assert told.evidence == (line(1), line(5), line(9))
    assert (told.first_seen, told.last_seen) == (line(1).time, line(9).time)


def test_other_units_and_other_packs_stay_apart():
    findings = [
        finding(Severity.CRITICAL, 1),
        finding(Severity.WARN, 2, unit="db.service"),
        finding(Severity.WARN, 3, rule="monit.demo"),
        finding(Severity.WARN, 4, unit=None),
        finding(Severity.WARN, 5, unit=None),
    ]
    assert joined(findings) == findings


def test_the_lines_of_the_worst_stay_where_there_are_many():
    worst, milder = finding(Severity.CRITICAL, 90, 91), finding(Severity.WARN, *range(20))
    (told,) = joined([worst, milder])
    assert len(told.evidence) == MAX_EVIDENCE
    assert set(worst.evidence) < set(told.evidence)


def test_lines_without_a_time_stay_in_the_order_of_their_findings():
    worst = finding(Severity.CRITICAL, 5)
    milder = Finding(
        "demo", Severity.INFO, "x", FindingSource.RULE, "systemd.x", 1, (line(1, timed=False),), "", worst.fields
    )
    (told,) = joined([worst, milder])
    assert [one.line for one in told.evidence] == ["line 5", "line 1"]


def test_a_part_of_what_is_worse_is_not_told_again():
    worst = finding(Severity.WARN, 1, 2, unit=None)
    assert joined([worst, finding(Severity.INFO, 1, unit=None)]) == [worst]
    assert len(joined([worst, finding(Severity.WARN, 1, unit=None)])) == 2
    assert len(joined([worst, finding(Severity.INFO, 1, 3, unit=None)])) == 2


def test_a_part_that_was_seen_more_often_than_it_shows_is_told():
    worst, often = finding(Severity.WARN, 1, 2, unit=None), finding(Severity.INFO, 1, unit=None)
    often = Finding(often.kind, often.severity, often.title, often.source, often.rule, 40, often.evidence)
    assert joined([worst, often]) == [worst, often]
