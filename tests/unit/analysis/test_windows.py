"""What many lines mean, lines that follow each other, and first sights: within a visit and across visits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.analysis import Examination, Moment, conclude, observe
from dthostmon.analysis.grouping import MAX_REST_VALUES
from dthostmon.analysis.memory import MAX_VALUES
from dthostmon.model import Finding, History, Learning, Severity, Thresholds
from dthostmon.rules import RuleSet, Trail, builtin_folder, follows, load_packs
from dthostmon.rules.trails import MAX_SLOTS

RULES = load_packs([builtin_folder()])
AUTH = "/var/log/auth.log"
START = datetime(2026, 7, 28, 6, 0, tzinfo=UTC)
SUCCESS = "login-after-brute-force"


def stamp(at: datetime) -> str:
    return f"{at:%b %d %H:%M:%S}"


def failed(at: datetime, address: str = "203.0.113.77", user: str = "root") -> str:
    return f"{stamp(at)} web1 sshd[1000]: Failed password for {user} from {address} port 40000 ssh2"


def accepted(at: datetime, address: str = "203.0.113.77", user: str = "root", how: str = "password") -> str:
    return f"{stamp(at)} web1 sshd[1000]: Accepted {how} for {user} from {address} port 40000 ssh2"


def visited(lines: Sequence[str], now: datetime, history: History | None = None) -> tuple[Examination, History]:
    """Judge lines as a visit at `now`, and return the history that the next one finds."""
    known = history or History()
    moment = Moment(now)
    observed = observe([(AUTH, "".join(f"{line}\n" for line in lines).encode())], RULES, None, moment)
    examined = conclude(observed, RULES, known, Thresholds(), None, Learning(), moment)
    learned = examined.learned
    return examined, History(
        runs=known.runs + 1,
        first_run_at=known.first_run_at or now,
        last_run_at=now,
        trails=known.trails if learned.trails is None else learned.trails,
        values=known.values if learned.values is None else learned.values,
    )


def told(examined: Examination, kind: str) -> list[Finding]:
    return [finding for finding in examined.findings if finding.kind == kind]


@pytest.mark.parametrize("failures", [4, 5])
def test_five_failures_in_two_visits_are_enough_and_four_are_not(failures: int) -> None:
    hour = timedelta(hours=1)
    _, history = visited([failed(START + timedelta(seconds=i)) for i in range(2)], START + hour)
    late = [failed(START + hour + timedelta(seconds=i)) for i in range(failures - 2)]
    _, history = visited(late, START + 2 * hour, history)
    examined, _ = visited([accepted(START + 2 * hour)], START + 3 * hour, history)
    found = told(examined, SUCCESS)
    assert len(found) == (failures == 5)
    for finding in found:
        assert finding.severity is Severity.CRITICAL
        assert (finding.fields["address"], finding.fields["user"]) == ("203.0.113.77", "root")
        lines = [line.line for line in finding.evidence]
        assert lines[-1] == accepted(START + 2 * hour)
        assert any("Failed password" in line for line in lines)
        assert all(line.id.startswith("l-") for line in finding.evidence)
        assert not told(examined, "root-login")


def test_windows_go_by_the_time_of_the_lines_however_late_they_are_read() -> None:
    late = START + timedelta(days=120)
    _, history = visited([failed(START + timedelta(seconds=i)) for i in range(6)], late)
    examined, _ = visited([accepted(START + timedelta(minutes=5))], late + timedelta(hours=1), history)
    assert len(told(examined, SUCCESS)) == 1


def test_lines_of_the_future_take_no_place_from_those_of_today() -> None:
    future = START + timedelta(days=20_000)
    lines = [
        f"{future.isoformat()} web1 sshd[1]: Failed password for u{i} from 203.0.113.9 port 1 ssh2" for i in range(9)
    ]
    _, history = visited(
        [*lines, *[failed(START + timedelta(seconds=i)) for i in range(6)]], START + timedelta(hours=1)
    )
    assert all(max(seen.counts) < future.timestamp() for seen in history.trails.values())
    examined, _ = visited([accepted(START + timedelta(minutes=5))], START + timedelta(hours=2), history)
    assert len(told(examined, SUCCESS)) == 1


def test_a_login_is_told_once_and_another_address_is_not_meant() -> None:
    burst = [failed(START + timedelta(seconds=i)) for i in range(10)]
    examined, history = visited([*burst, accepted(START + timedelta(minutes=1))], START + timedelta(hours=1))
    assert len(told(examined, SUCCESS)) == 1
    again, history = visited([accepted(START + timedelta(hours=1))], START + timedelta(hours=2), history)
    assert not told(again, SUCCESS)
    other, _ = visited([*burst, accepted(START + timedelta(minutes=1), "198.51.100.7")], START + timedelta(hours=1))
    assert not told(other, SUCCESS)


def test_failures_after_the_login_do_not_make_it_a_break_in() -> None:
    burst = [failed(START + timedelta(seconds=60 + i)) for i in range(10)]
    examined, _ = visited([accepted(START), *burst], START + timedelta(hours=1))
    assert not told(examined, SUCCESS)


def test_slow_failures_are_counted_over_visits_and_forgotten_after_the_window() -> None:
    history, worst = None, []
    for minutes in range(0, 60, 10):
        at = START + timedelta(minutes=minutes)
        examined, history = visited([failed(at)], at + timedelta(minutes=1), history)
        worst.append(max(finding.severity for finding in examined.findings))
    assert worst == [Severity.INFO] * 4 + [Severity.WARN] * 2
    later = START + timedelta(hours=5)
    examined, _ = visited([failed(later)], later, history)
    assert [finding.severity for finding in examined.findings] == [Severity.INFO]


@pytest.mark.parametrize("lines", [300, 5000])
def test_a_trail_is_bounded_and_keeps_its_count(lines: int) -> None:
    trail = Trail(within=86_400)
    for second in range(lines):
        trail.add(second * 7, 1)
    assert len(trail.counts) <= MAX_SLOTS
    assert trail.most() == lines
    assert trail.until(lines * 7) == lines


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 3)), max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter_to_a_trail(sightings: list[tuple[int, int]], chance) -> None:
    shuffled = list(sightings)
    chance.shuffle(shuffled)
    one, other = Trail(within=600), Trail(within=600)
    for second, count in sightings:
        one.add(second, count)
    for second, count in shuffled:
        other.add(second, count)
    assert one.most() == other.most()
    windows = [sum(count for at, count in sightings if end - 600 < at <= end) for end, _ in sightings]
    assert one.most() == max(windows, default=0)


def test_steps_must_come_in_their_order() -> None:
    first, second = Trail(100), Trail(100)
    first.add(50, 1)
    second.add(40, 1)
    assert not follows([(first, 1), (second, 1)], 60)
    second.forget(45)
    second.add(55, 1)
    assert follows([(first, 1), (second, 1)], 60) == 2
    assert not follows([(first, 1), (None, 1)], 60)


def test_what_came_too_early_does_not_hide_what_came_in_time() -> None:
    first, second = Trail(100), Trail(100)
    first.add(10, 1)
    second.add(5, 1)
    second.add(20, 1)
    assert follows([(first, 1), (second, 1)], 30) == 3
    assert not follows([(first, 1), (second, 2)], 30)


FIRST_PACK = """\
programs: [door]
rules:
  - id: door.opened
    benign: true
    kind: entry
    contains: [opened by]
    match: '^opened by (?P<user>\\S+) from (?P<address>\\S+)$'
    fields: [user, address]
    group_by: [user, address]
    first: {by: [user, network], severity: WARN}
    escalate: [{count: 3, within: 10m, severity: CRITICAL, by: [user]}]
    title: "{user} opened the door from {address}"
    meaning: Somebody went in.
    recommended_action: Ask {user}.
    samples:
      match: [opened by ann from 192.0.2.1]
      no_match: [opened by ann]
"""


def entries(rules: RuleSet, history: History, *lines: str) -> Examination:
    data = "".join(f"Jul 28 06:0{minute}:00 web1 door[1]: {line}\n" for minute, line in enumerate(lines))
    moment = Moment(START + timedelta(hours=1))
    observed = observe([(AUTH, data.encode())], rules, None, moment)
    return conclude(observed, rules, history, Thresholds(), None, Learning(), moment)


def test_a_first_value_is_told_once_the_host_is_learned_and_never_again(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text(FIRST_PACK)
    rules = load_packs([tmp_path])
    assert not rules.refused
    learned = History(runs=20, first_run_at=START - timedelta(days=9), last_run_at=START)
    line = "opened by ann from 192.0.2.1"
    assert not entries(rules, History(), line).findings
    first = entries(rules, learned, line)
    assert [(one.severity, one.rule, one.fields["user"]) for one in told(first, "entry")] == [
        (Severity.WARN, "door.opened", "ann")
    ]
    values = first.learned.values
    assert values is not None
    known = replace(learned, values=values)
    assert not told(entries(rules, known, "opened by ann from ::ffff:192.0.2.200"), "entry")
    assert told(entries(rules, known, "opened by ann from 198.51.100.1"), "entry")
    assert told(entries(rules, known, "opened by bob from 192.0.2.1"), "entry")


def test_benign_lines_tell_something_once_they_are_many(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text(FIRST_PACK)
    rules = load_packs([tmp_path])
    lines = [f"opened by ann from 192.0.2.{number}" for number in range(3)]
    assert not entries(rules, History(), *lines[:2]).findings
    assert {one.severity for one in entries(rules, History(), *lines).findings} == {Severity.CRITICAL}


CLEARED_PACK = """\
programs: [init]
rules:
  - id: init.stopped
    kind: stopped
    severity: CRITICAL
    contains: [stopped]
    match: '^(?P<unit>\\S+) stopped$'
    fields: [unit]
    group_by: [unit]
    cleared_by: {kinds: [started], within: 2m, by: [unit]}
    title: "{unit} was stopped"
    meaning: It does not run.
    recommended_action: Start {unit}.
    samples: {match: [auditd stopped], no_match: [auditd]}
  - id: init.started
    kind: started
    benign: true
    contains: [started]
    match: '^(?P<unit>\\S+) started$'
    fields: [unit]
    meaning: It runs.
    samples: {match: [auditd started], no_match: [auditd]}
"""


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        (["auditd stopped"], Severity.CRITICAL),
        (["auditd stopped", "auditd started"], Severity.INFO),
        (["auditd started", "auditd stopped"], Severity.INFO),
        (["auditd stopped", "rsyslog started"], Severity.CRITICAL),
        (["auditd stopped", "x", "x", "auditd started"], Severity.CRITICAL),
        (["auditd stopped", "auditd started", "x", "x", "x", "auditd stopped"], Severity.CRITICAL),
    ],
)
def test_what_is_put_right_in_time_is_a_note(tmp_path: Path, lines: list[str], severity: Severity) -> None:
    (tmp_path / "init.yaml").write_text(CLEARED_PACK)
    rules = load_packs([tmp_path])
    assert not rules.refused
    data = "".join(f"Jul 28 06:0{minute}:00 web1 init[1]: {line}\n" for minute, line in enumerate(lines))
    moment = Moment(START + timedelta(hours=1))
    observed = observe([(AUTH, data.encode())], rules, None, moment)
    (found,) = conclude(observed, rules, History(), Thresholds(), None, Learning(), moment).findings
    assert found.severity is severity


@pytest.mark.parametrize(
    ("what", "noise"),
    [
        ("made-up users", [failed(START, "198.51.100.9", f"u{i}") for i in range(2100)]),
        ("other logins", [accepted(START, "198.51.100.9", f"u{i}", "publickey") for i in range(1200)]),
        ("few addresses", [failed(START, f"198.51.{i // 250}.{i % 250}") for i in range(600)]),
        ("many addresses", [failed(START, f"198.51.{i // 250}.{i % 250}") for i in range(5000)]),
    ],
    ids=["made-up users", "other logins", "few addresses", "many addresses"],
)
def test_no_noise_hides_a_break_in(what: str, noise: list[str]) -> None:
    attack = [failed(START + timedelta(seconds=i)) for i in range(10)]
    examined, _ = visited([*noise, *attack, accepted(START + timedelta(minutes=1))], START + timedelta(hours=1))
    assert len(told(examined, SUCCESS)) == 1


def test_more_values_are_kept_for_a_first_sight_than_a_history_holds() -> None:
    assert MAX_REST_VALUES > MAX_VALUES


def test_an_alarm_of_earlier_visits_is_not_repeated_by_one_line() -> None:
    trail, later = Trail(within=600), Trail(within=600)
    for second in range(239):
        trail.add(second, 1)
    later.add(14_400, 1)
    later.add(14_410, 1)
    trail.absorb(later, 14_400)
    assert trail.most(14_400) == 2
    assert not trail.reaches(5, 14_400)


def test_the_logins_of_many_users_are_each_asked_whether_they_are_the_first(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text(FIRST_PACK.replace("    escalate: [{count: 3,", "    escalate: [{count: 999,"))
    rules = load_packs([tmp_path])
    assert not rules.refused
    learned = History(runs=20, first_run_at=START - timedelta(days=9), last_run_at=START)
    lines = [f"opened by u{number} from 192.0.2.1" for number in range(9)]
    data = [f"opened by u{number} from 192.0.2.1" for number in range(60)]
    values = entries(rules, History(), *lines).learned.values
    assert values is not None
    assert len(values) == 9
    moment = Moment(START + timedelta(hours=1))
    text = "".join(f"Jul 28 06:00:{number:02} web1 door[1]: {line}\n" for number, line in enumerate(data))
    observed = observe([(AUTH, text.encode())], rules, None, moment)
    all_values = conclude(observed, rules, learned, Thresholds(), None, Learning(), moment).learned.values
    assert all_values is not None
    assert len(all_values) == 60
    known = replace(learned, values=dict(list(all_values.items())[:59]))
    found = conclude(
        observe([(AUTH, text.encode())], rules, None, moment), rules, known, Thresholds(), None, Learning(), moment
    )
    assert [one.severity for one in found.findings if one.kind == "entry"] == [Severity.WARN]
