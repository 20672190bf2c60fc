"""What is new, loud or silent on a host that is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dthostmon.analysis import new_rhythms, silences
from dthostmon.analysis.bursts import bursts
from dthostmon.analysis.familiarity import Familiarity, is_learned
from dthostmon.analysis.novelty import MAX_FINDINGS, novelties
from dthostmon.analysis.rates import WEEKS, hourly, new_rates, usual
from dthostmon.model import (
    Finding,
    FindingSource,
    History,
    KnownTemplate,
    Learning,
    Rates,
    Rhythm,
    Severity,
    Template,
    TemplateCount,
)
from dthostmon.rules import RuleSet, builtin_folder, load_packs

NOW = datetime(2026, 7, 28, 6, 0, tzinfo=UTC)
NO_RULES = RuleSet(())
RULES = load_packs([builtin_folder()])
KNOWN_HOST = History(runs=20, first_run_at=NOW - timedelta(days=9), last_run_at=NOW - timedelta(hours=1))
ERROR, CRITICAL = 3, 2


def seen(
    name: str = "t-1", count: int = 1, level: int | None = None, sample: str = "backup: odd thing"
) -> TemplateCount:
    return TemplateCount(Template(name, "odd thing", "backup"), count, sample, "/var/log/syslog", level)


def known(name: str = "t-1", **more: object) -> dict[str, KnownTemplate]:
    return {name: KnownTemplate(5, NOW - timedelta(days=8), **more)}  # type: ignore[arg-type]


def new(entry: TemplateCount, history: History = KNOWN_HOST, *, learned: bool = True) -> list[Finding]:
    return list(novelties([entry], Familiarity(NO_RULES, history, learned, NOW, "web1")))


@pytest.mark.parametrize(
    ("runs", "days", "learned"),
    [(0, 0, False), (19, 2.9, False), (20, 0.1, True), (3, 3, True)],
)
def test_a_host_is_learned_after_three_days_or_twenty_visits(runs: int, days: float, learned: bool) -> None:
    history = History(runs=runs, first_run_at=NOW - timedelta(days=days) if runs else None)
    assert is_learned(history, Learning(), NOW) is learned


def test_what_is_new_is_a_note_and_a_warning_where_its_program_calls_it_an_error() -> None:
    assert [(one.severity, one.source, one.kind) for one in new(seen())] == [
        (Severity.INFO, FindingSource.NOVELTY, "new-message")
    ]
    assert [one.severity for one in new(seen(level=ERROR))] == [Severity.WARN]
    assert new(seen())[0].recommended_action.endswith("dthostmon baseline normal web1 t-1")


def test_while_a_host_is_learned_nothing_new_is_more_than_a_note() -> None:
    assert not new(seen(), learned=False)
    assert [one.severity for one in new(seen(level=ERROR), learned=False)] == [Severity.INFO]


def test_on_a_first_visit_nothing_is_new() -> None:
    assert not new(seen(level=ERROR), History(), learned=False)


def test_what_other_hosts_of_the_role_have_is_less_new() -> None:
    elsewhere = replace(KNOWN_HOST, elsewhere=frozenset({"t-1"}))
    assert not new(seen(), elsewhere)
    assert [one.severity for one in new(seen(level=ERROR), elsewhere)] == [Severity.INFO]


def test_what_is_known_or_understood_is_not_new() -> None:
    assert not new(seen(), replace(KNOWN_HOST, templates=known()))
    cron = seen(sample="Jul 28 05:00:01 web1 CRON[7]: (root) CMD (true)")
    assert not list(novelties([cron], Familiarity(RULES, KNOWN_HOST, True, NOW, "web1")))


def test_what_a_program_calls_critical_is_a_warning_until_somebody_calls_it_normal() -> None:
    history = replace(KNOWN_HOST, templates=known())
    assert [one.severity for one in new(seen(level=CRITICAL), history)] == [Severity.WARN]
    for until, told in ((NOW + timedelta(days=1), 0), (NOW - timedelta(days=1), 1)):
        marked = replace(KNOWN_HOST, templates=known(normal_until=until))
        assert len(new(seen(level=CRITICAL), marked)) == told


def test_a_flood_of_new_messages_is_a_few_findings() -> None:
    many = [seen(f"t-{index}") for index in range(200)]
    found = list(novelties(many, Familiarity(NO_RULES, KNOWN_HOST, True, NOW, "web1")))
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1].title.startswith("190 more")


def rates_of(counts: list[int], start: datetime, *, step: timedelta = timedelta(hours=1)) -> Rates:
    """Return the rates after a visit an hour with these counts."""
    rates, at = None, start
    for count in counts:
        history = History(last_run_at=at - step, templates={"t-1": KnownTemplate(1, start, rates)})
        rates = new_rates([seen(count=count)], history, at)["t-1"]
        at += step
    assert rates is not None
    return rates


def test_the_usual_rate_is_that_of_this_hour_of_the_week_where_enough_weeks_are_known() -> None:
    monday = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
    week = [1000 if hour % 168 == 5 else 10 for hour in range(168)]
    rates = rates_of(week * WEEKS + week[:6], monday)
    expected = usual(rates)
    assert expected is not None
    assert (expected.median, expected.deviation, hourly(rates)) == (1000, 0, 1000)
    next_hour = usual(rates_of([*week * WEEKS, *week[:6], 900], monday))
    assert next_hour is not None
    assert next_hour.median == 10


def test_with_little_history_the_last_hours_count_and_with_none_nobody_knows() -> None:
    expected = usual(rates_of([10] * 12, NOW))
    assert expected is not None
    assert expected.median == 10
    assert usual(rates_of([10] * 3, NOW)) is None


def test_visits_within_an_hour_add_up_and_a_visit_after_a_day_is_spread_over_it() -> None:
    minutes = rates_of([5] * 4, NOW, step=timedelta(minutes=10))
    assert hourly(minutes) == 20
    day = rates_of([240], NOW, step=timedelta(days=1))
    assert hourly(day) == 10


def loud(count: int, usual_count: int = 10, level: int | None = None, **marks: object) -> list[Finding]:
    before = rates_of([usual_count] * 12, NOW - timedelta(hours=12))
    history = replace(KNOWN_HOST, templates=known(rates=before, **marks))
    entry = seen(count=count, level=level)
    familiar = Familiarity(NO_RULES, history, True, NOW, "web1")
    return list(bursts([entry], familiar, new_rates([entry], history, NOW)))


def test_a_burst_is_one_against_what_is_usual_here() -> None:
    assert [one.source for one in loud(400)] == [FindingSource.BURST]
    assert "400 lines an hour instead of 10" in loud(400)[0].title
    assert not loud(20)
    assert not loud(400, usual_count=390)


def test_a_burst_of_warnings_is_a_warning_and_one_of_normal_messages_is_none() -> None:
    assert [one.severity for one in loud(400)] == [Severity.INFO]
    assert [one.severity for one in loud(400, level=4)] == [Severity.WARN]
    assert not loud(400, normal_until=NOW + timedelta(days=1))


SYSLOG = "/var/log/syslog"


def silent(hours: float, *, longest: float = 0.2, days: float = 9, **others: Rhythm) -> list[Finding]:
    last = NOW - timedelta(hours=hours)
    rhythms = {SYSLOG: Rhythm(last - timedelta(days=days), last, longest * 3600), **others}
    return list(silences([SYSLOG], rhythms, 300.0, NOW))


def test_a_log_that_is_never_silent_is_missed() -> None:
    (found,) = silent(2)
    assert (found.kind, found.severity, found.fields) == ("log-silent", Severity.WARN, {"path": SYSLOG})


@pytest.mark.parametrize(
    "quiet",
    [silent(0.5), silent(2, longest=1), silent(200, longest=13), silent(2, days=2), silent(30, days=0.5)],
    ids=["not long", "it was as long before", "often silent", "hardly known", "a day of lines at least"],
)
def test_a_log_that_may_be_silent_is_not_missed(quiet: list[Finding]) -> None:
    assert not quiet


def test_a_log_whose_date_has_passed_is_not_missed() -> None:
    name = "/var/log/app-2026-07-28.log"
    old = Rhythm(NOW - timedelta(days=9), NOW - timedelta(hours=20), 60)
    new_one = Rhythm(NOW - timedelta(hours=20), NOW, 60)
    rhythms = {"/var/log/app-2026-07-27.log": old, name: new_one}
    assert not list(silences(["/var/log/app-2026-07-27.log"], rhythms, 300.0, NOW))
    del rhythms[name]
    assert list(silences(["/var/log/app-2026-07-27.log"], rhythms, 300.0, NOW))


def test_a_silence_counts_only_where_a_visit_looked() -> None:
    last = NOW - timedelta(days=2)
    before = {SYSLOG: Rhythm(last - timedelta(days=5), last, 60)}
    assert new_rhythms([SYSLOG], before, last, 300.0, NOW)[SYSLOG].longest_silence == 60
    looked = new_rhythms([SYSLOG], before, last + timedelta(minutes=40), 300.0, NOW)[SYSLOG]
    assert looked == Rhythm(last - timedelta(days=5), NOW, 2400)
    assert new_rhythms([SYSLOG], {}, None, 300.0, NOW) == {SYSLOG: Rhythm(NOW, NOW)}


def test_a_silence_that_was_told_is_no_habit() -> None:
    last = NOW - timedelta(hours=20)
    before = {SYSLOG: Rhythm(last - timedelta(days=9), last, 60)}
    assert silences([SYSLOG], before, 300.0, NOW)
    after = new_rhythms([SYSLOG], before, NOW - timedelta(minutes=5), 300.0, NOW)
    assert after[SYSLOG].longest_silence == 60
    assert list(silences([SYSLOG], after, 300.0, NOW + timedelta(hours=2)))


def test_a_day_of_silence_after_a_day_of_lines_is_one() -> None:
    assert silent(25, days=1.1)


def test_many_short_visits_of_an_hour_are_a_burst_together() -> None:
    before = rates_of([10] * 12, NOW - timedelta(hours=12))
    at, rates, told = NOW, before, []
    for _ in range(30):
        last = at - timedelta(seconds=10)
        history = replace(KNOWN_HOST, last_run_at=last, templates=known(rates=rates))
        entry = seen(count=20)
        found = new_rates([entry], history, at)
        familiar = Familiarity(NO_RULES, history, True, at, "web1")
        told += bursts([entry], familiar, found)
        rates, at = found["t-1"], at + timedelta(seconds=10)
    assert told
