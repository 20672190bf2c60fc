"""The days that benchmarks let hosts live through are the same in every run, however often a host is visited."""

from collections.abc import Mapping

import pytest
from made_days import DAY_SECONDS, KINDS, Day, Kind


def written(day: Day, seconds: int) -> Mapping[str, list[str]]:
    """Return all lines of a day by log."""
    logs: dict[str, list[str]] = {}
    for _, lines in day.visits(seconds):
        for log, some in lines.items():
            logs.setdefault(log, []).extend(some)
    return logs


@pytest.mark.parametrize("kind", KINDS[2:], ids=lambda kind: kind.name)
def test_a_day_is_the_same_in_every_run_and_with_every_interval(kind: Kind) -> None:
    often, seldom = (written(Day(kind, 1, happens=True), seconds) for seconds in (300, 3600))
    assert {log: sorted(lines) for log, lines in often.items()} == {log: sorted(lines) for log, lines in seldom.items()}
    assert often.keys() <= set(kind.logs)
    assert not any("\n" in line for lines in often.values() for line in lines)


def test_days_differ_and_something_happens_on_one_of_them() -> None:
    kind = next(kind for kind in KINDS if kind.happens)
    before, after = written(Day(kind, 0, happens=False), DAY_SECONDS), written(Day(kind, 1, happens=True), DAY_SECONDS)
    assert set(before["/var/log/syslog"]).isdisjoint(after["/var/log/syslog"])
    assert sum("I/O error" in line for line in before["/var/log/syslog"]) == 0
    assert sum("I/O error" in line for line in after["/var/log/syslog"]) > 200


def test_visits_come_at_the_end_of_their_interval() -> None:
    day = Day(KINDS[-1], 0, happens=False)
    moments = [moment for moment, _ in day.visits(3600)]
    assert len(moments) == 24
    assert (moments[0] - day.begin).total_seconds() == 3600
