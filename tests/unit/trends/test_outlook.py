"""When to look into the past, what is told of the future, and for how long."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dthostmon.model import DiskUsage, Fullness, Metrics, Outlook, Severity
from dthostmon.trends import PastUsage, Sample, foresee, is_due, outlook_findings, span_of, watched_disks

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def disk(mount: str, percent: float | None) -> DiskUsage:
    return DiskUsage(mount, mount, "ext4", 1100, int(10 * (percent or 0)), percent, None)


def metrics(*disks: DiskUsage, memory: float | None = 10.0) -> Metrics:
    return Metrics(None, memory, None, None, None, None, disks)


def rising(until: float, per_day: float, days: int = 10) -> Sequence[Sample]:
    """Return what was used hour by hour, evenly more, up to an hour ago."""
    hours = range(days * 24, 0, -1)
    return [Sample((NOW - hour * HOUR).timestamp(), until - per_day * hour / 24) for hour in hours]


def test_a_disk_that_fills_is_foreseen_by_what_users_can_fill() -> None:
    seen = metrics(disk("/var", 90.0), disk("/", 60.0))
    usage = PastUsage(disks={"/var": rising(900, 20), "/": [Sample(one.at, 600.0) for one in rising(1, 1)]})
    (var,) = foresee(usage, seen, NOW).fullness
    assert (var.mount, var.percent) == ("/var", 90.0)
    assert var.earliest_at <= NOW + 5 * DAY <= var.latest_at + HOUR
    (finding,) = outlook_findings(Outlook(NOW, (var,)), seen, NOW)
    assert (finding.kind, finding.rule, finding.severity) == ("disk-forecast", "trend.disk", Severity.INFO)
    assert finding.fields == {"mount": "/var"}
    assert finding.title == "/var is full in 5 days"


def test_memory_that_leaks_is_foreseen() -> None:
    seen = metrics(memory=85.0)
    outlook = foresee(PastUsage(memory=rising(85, 10)), seen, NOW)
    (finding,) = outlook_findings(outlook, seen, NOW)
    assert (finding.kind, finding.severity, finding.fields) == ("memory-forecast", Severity.WARN, {})
    assert finding.title.startswith("The memory is used up in ")
    assert not foresee(PastUsage(memory=rising(45, 4)), metrics(memory=45.0), NOW).fullness


def test_nothing_is_foreseen_of_what_does_not_grow_or_was_not_seen() -> None:
    seen = metrics(disk("/var", 90.0), disk("/lost", None), memory=None)
    assert foresee(PastUsage(), seen, NOW) == Outlook(NOW)
    emptied = PastUsage(disks={"/var": rising(1500, 20)})
    assert foresee(emptied, seen, NOW) == Outlook(NOW)


VAR = Fullness("/var", 90.0, NOW + 4 * DAY, NOW + 6 * DAY)


@pytest.mark.parametrize(
    ("after", "percent", "told"),
    [
        (HOUR, 90.0, (Severity.INFO, "/var is full in 4–6 days")),  # noqa: RUF001
        (2 * DAY, 95.0, (Severity.WARN, "/var is full in 2–4 days")),  # noqa: RUF001
        (4 * DAY + HOUR, 99.0, (Severity.WARN, "/var is full within 47 hours")),
        (6 * DAY, 99.0, None),
        (HOUR, 88.9, None),
        (HOUR, None, None),
    ],
)
def test_what_was_foreseen_is_told_until_it_is_over_or_somebody_makes_room(
    after: timedelta, percent: float | None, told: tuple[Severity, str] | None
) -> None:
    found = outlook_findings(Outlook(NOW, (VAR,)), metrics(disk("/var", percent)), NOW + after)
    assert [(one.severity, one.title) for one in found] == ([told] if told else [])


def test_without_an_outlook_nothing_is_told() -> None:
    assert not list(outlook_findings(None, metrics(disk("/var", 90.0)), NOW))


def test_the_past_is_looked_into_where_something_is_half_full_and_it_was_long_ago() -> None:
    full, known = metrics(disk("/var", 50.0)), Outlook(NOW)
    assert is_due("web1", None, full, NOW)
    assert is_due("web1", None, metrics(memory=50.0), NOW)
    assert not is_due("web1", None, metrics(disk("/var", 49.9), disk("/x", None), memory=None), NOW)
    assert not is_due("web1", known, full, NOW + 4 * HOUR)
    assert is_due("web1", known, full, NOW + 8 * HOUR)
    assert is_due("web1", known, full, NOW - HOUR), "the clock went back"


def test_what_will_be_full_soon_is_looked_at_each_hour_and_at_once_where_room_was_made() -> None:
    full = metrics(disk("/var", 90.0))
    late, soon = Outlook(NOW, (VAR,)), Outlook(NOW, (replace(VAR, earliest_at=NOW + DAY),))
    assert [is_due("web1", one, full, NOW + HOUR) for one in (late, soon)] == [False, True]
    assert is_due("web1", late, metrics(disk("/var", 80.0)), NOW + timedelta(minutes=1))


def test_hosts_do_not_all_look_into_the_past_at_once() -> None:
    full, known = metrics(disk("/var", 90.0)), Outlook(NOW)
    due = [sum(is_due(f"web{n}", known, full, NOW + hours * HOUR) for n in range(100)) for hours in (4, 5, 6, 7, 8)]
    assert due == sorted(due)
    assert (due[0], due[-1]) == (0, 100)
    assert 20 < due[2] < 80


def test_the_fullest_disks_are_watched() -> None:
    disks = [disk(f"/m{n:02}", 50.0 + n) for n in range(40)]
    assert [one.mount for one in watched_disks(metrics(*disks))] == [f"/m{n}" for n in range(39, 19, -1)]


@pytest.mark.parametrize(
    ("earliest", "latest", "text"),
    [
        (3.2, 4.6, "in 3–5 days"),  # noqa: RUF001
        (3, 3, "in 3 days"),
        (0.8, 2.5, "within 3 days"),
        (0.25, 0.5, "in 6–12 hours"),  # noqa: RUF001
        (0, 0.01, "within 1 hour"),
        (-1, 1.5, "within 36 hours"),
        (1 / 24, 1 / 24, "in 1 hour"),
    ],
)
def test_an_interval_is_said_in_days_or_hours(earliest: float, latest: float, text: str) -> None:
    assert span_of(earliest * 86400, latest * 86400) == text
