"""What comes at every visit is asked about a few times a day; what is new, worse or of another kind always is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dthostmon.judge.gate import holds_bad_news, matters
from dthostmon.judge.recurrence import MAX_TIMES, WATCHED, Recurrence
from dthostmon.model import Finding, FindingSource, Severity
from tests.fixtures.evidence import NOW, a_finding, a_history, a_template, examined, known, of_template

HISTORY = a_history({"t-1": known()})
NEW = of_template(a_template(2))
BURST = of_template(a_template(1), "burst", FindingSource.BURST)
SEQUENCES = frozenset({"sshd.login-after-brute-force"})
MATTER = ("sshd.failed-password", "WARN")


def told_of(rule: str = "sshd.failed-password", severity: Severity = Severity.WARN, **fields: str) -> Finding:
    return replace(a_finding(rule, severity), fields=fields)


def named(*findings: Finding) -> frozenset[tuple[str, ...]]:
    return matters(examined(findings), HISTORY, SEQUENCES)


def test_strangers_are_one_matter_wherever_they_come_from() -> None:
    first, second = told_of(user="root", address="203.0.113.1"), told_of(user="admin", address="203.0.113.2")
    assert named(first, second) == {MATTER}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (told_of(address="203.0.113.1"), told_of(severity=Severity.INFO, address="203.0.113.1")),
        (told_of(address="203.0.113.1"), told_of("sshd.invalid-user", address="203.0.113.1")),
        (told_of("systemd.failed", unit="a.service"), told_of("systemd.failed", unit="b.service")),
        (
            told_of("sshd.root", Severity.CRITICAL, address="203.0.113.1"),
            told_of("sshd.root", Severity.CRITICAL, address="203.0.113.2"),
        ),
        (
            told_of("sshd.login-after-brute-force", address="203.0.113.1"),
            told_of("sshd.login-after-brute-force", address="203.0.113.2"),
        ),
        (BURST, replace(BURST, fields={"template": "t-9"})),
        (BURST, replace(BURST, severity=Severity.WARN)),
    ],
)
def test_what_is_worse_or_of_another_kind_is_another_matter(one: Finding, other: Finding) -> None:
    assert len(named(one, other)) == 2


def test_new_messages_of_ordinary_levels_are_one_matter_of_their_program() -> None:
    another = replace(of_template(a_template(4)), fields={"template": "t-4", "program": "other"})
    assert named(NEW, of_template(a_template(3))) == {("new-message", "INFO", "app")}
    assert len(named(NEW, another)) == 2
    assert not holds_bad_news(examined([NEW, another, told_of(address="203.0.113.1")]), HISTORY)


@pytest.mark.parametrize(
    "bad",
    [
        replace(NEW, severity=Severity.WARN),
        Finding("new-message", Severity.INFO, "7 more kinds of message are new", FindingSource.NOVELTY, count=7),
    ],
)
def test_a_new_error_and_new_messages_beyond_number_never_recur(bad: Finding) -> None:
    assert holds_bad_news(examined([NEW, bad]), HISTORY)
    assert named(bad) == frozenset()


def test_a_matter_was_judged_often_enough_only_within_a_day() -> None:
    recurrence = Recurrence()
    for number in range(MAX_TIMES):
        assert not recurrence.has_enough("web1", {MATTER}, HISTORY, NOW)
        recurrence.note("web1", {MATTER}, NOW + timedelta(hours=number))
    later = NOW + timedelta(hours=MAX_TIMES)
    assert recurrence.has_enough("web1", {MATTER}, HISTORY, later)
    assert not recurrence.has_enough("web2", {MATTER}, HISTORY, later)
    assert not recurrence.has_enough("web1", {MATTER, ("another", "WARN")}, HISTORY, later)
    assert not recurrence.has_enough("web1", {MATTER}, HISTORY, NOW + timedelta(hours=24))


def test_nothing_is_left_unasked_of_a_host_that_was_not_watched_for_a_day() -> None:
    recurrence = Recurrence()
    for _ in range(MAX_TIMES):
        recurrence.note("web1", {MATTER}, NOW)
    young = replace(HISTORY, first_run_at=NOW - WATCHED + timedelta(seconds=1))
    assert not recurrence.has_enough("web1", {MATTER}, young, NOW)
    assert not recurrence.has_enough("web1", {MATTER}, replace(HISTORY, first_run_at=None), NOW)
    assert recurrence.has_enough("web1", {MATTER}, replace(HISTORY, first_run_at=NOW - WATCHED), NOW)


def test_what_was_not_asked_about_for_longest_is_forgotten_first() -> None:
    recurrence = Recurrence(limit=2)
    for matter in ("a", "b", "a", "c"):
        for _ in range(MAX_TIMES):
            recurrence.note("web1", {(matter,)}, NOW)
    known_ones = [one for one in "abc" if recurrence.has_enough("web1", {(one,)}, HISTORY, NOW)]
    assert known_ones == ["a", "c"]
