"""Bytes of logs to templates, counts and findings."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon import templates
from dthostmon.analysis import (
    Assignment,
    Examination,
    Moment,
    Tally,
    assign,
    conclude,
    examine,
    judging,
    keys,
    observe,
    reading,
)
from dthostmon.model import Finding, FindingSource, History, Learning, Severity, Thresholds
from dthostmon.rules import builtin_folder, load_packs

RULES = load_packs([builtin_folder()])
PATH = "/var/log/syslog"
IDLE_DEBIAN = b"""\
2026-07-28T06:25:01Z web1 CRON[4411]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)
2026-07-28T06:25:01Z web1 CRON[4412]: (root) CMD (cd / && run-parts --report /etc/cron.daily)
2026-07-28T06:25:01Z web1 CRON[4411]: pam_unix(cron:session): session closed for user root
2026-07-28T06:39:00Z web1 systemd[1]: Starting phpsessionclean.service - Clean php session files...
2026-07-28T06:39:00Z web1 systemd[1]: phpsessionclean.service: Deactivated successfully.
2026-07-28T06:39:00Z web1 systemd[1]: Finished phpsessionclean.service - Clean php session files.
2026-07-28T06:39:00Z web1 systemd[1]: apt-daily.service: Consumed 1.204s CPU time.
2026-07-28T06:50:11Z web1 sshd[511]: Accepted publickey for admin from 192.0.2.5 port 51000 ssh2
2026-07-28T06:50:11Z web1 sshd[511]: pam_unix(sshd:session): session opened for user admin(uid=1000) by (uid=0)
2026-07-28T06:50:11Z web1 systemd-logind[401]: New session 12 of user admin.
2026-07-28T06:50:40Z web1 sudo:    admin : TTY=pts/0 ; PWD=/home/admin ; USER=root ; COMMAND=/usr/bin/apt update
2026-07-28T06:52:01Z web1 sshd[511]: Received disconnect from 192.0.2.5 port 51000:11: disconnected by user
2026-07-28T06:52:01Z web1 sshd[511]: Disconnected from user admin 192.0.2.5 port 51000
2026-07-28T06:55:00Z web1 kernel: [    0.310000] mce: CPU0: Thermal monitoring enabled (TM1)
2026-07-28T06:55:00Z web1 kernel: [    2.100000] EXT4-fs (sda1): mounted filesystem. Opts: errors=remount-ro
2026-07-28T06:55:00Z web1 kernel: [    3.100000] ata4: SATA link down (SStatus 0 SControl 300)
2026-07-28T06:55:00Z web1 dhclient[700]: bound to 192.0.2.33 -- renewal in 40112 seconds.
"""


def looked_at(data: bytes, thresholds: Thresholds | None = None) -> Examination:
    return examine([(PATH, data)], RULES, thresholds or Thresholds(), None)


def failed_logins(count: int, user: str = "root") -> bytes:
    line = "Jul 28 06:00:{:02d} web1 sshd[{}]: Failed password for {} from 203.0.113.77 port {} ssh2\n"
    return "".join(line.format(number % 60, 21000 + number, user, 40000 + number) for number in range(count)).encode()


def finding(data: bytes) -> Finding:
    (only,) = looked_at(data).findings
    return only


def test_failed_logins_are_one_finding_with_count_and_evidence() -> None:
    found = finding(failed_logins(20))
    assert (found.rule, found.severity, found.count) == ("sshd.failed-password", Severity.WARN, 20)
    assert (found.kind, found.source) == ("failed-login", FindingSource.RULE)
    assert found.title == "20 failed logins for root from 203.0.113.77"
    assert found.fields == {"user": "root", "address": "203.0.113.77"}
    lines = failed_logins(20).decode().splitlines()
    assert [(line.path, line.line) for line in found.evidence] == [(PATH, line) for line in (*lines[:3], *lines[-2:])]


def test_failed_logins_below_the_threshold_are_a_note() -> None:
    assert finding(failed_logins(4)).severity is Severity.INFO
    assert finding(failed_logins(5)).severity is Severity.WARN
    (found,) = looked_at(failed_logins(5), Thresholds(failed_logins=6)).findings
    assert found.severity is Severity.INFO


def test_the_title_names_the_most_frequent_users() -> None:
    data = failed_logins(1, "guest") + failed_logins(3, "root") + failed_logins(2, "admin") + failed_logins(1, "x")
    assert finding(data).title == "7 failed logins for root, admin and 2 more from 203.0.113.77"


def test_a_user_name_made_up_to_look_like_an_address_fools_nobody() -> None:
    assert finding(failed_logins(1, "root from 192.0.2.1 port 22 ssh2")).fields["address"] == "203.0.113.77"


def test_messages_that_syslog_folded_are_counted_all() -> None:
    line = (
        b"Jul 28 06:00:00 web1 sshd[1]: message repeated 7 times: [ Failed password for root from 192.0.2.1 port 4]\n"
    )
    assert finding(line).count == 7
    assert looked_at(line).lines == 1
    assert finding(line.replace(b"7 times", b"999999999 times")).count == reading.MAX_REPEATS


def test_findings_of_two_units_are_two() -> None:
    line = b"Jul 28 05:10:00 web1 systemd[1]: %s.service: Failed with result 'exit-code'.\n"
    found = looked_at(line % b"nginx" + line % b"backup" + line % b"nginx").findings
    assert [(one.fields["unit"], one.count) for one in found] == [("nginx.service", 2), ("backup.service", 1)]


def test_rules_see_the_digits_that_the_key_lost() -> None:
    line = b"Jul 28 05:10:00 web1 kernel: EXT4-fs (sda1): error count since last fsck: %d\n"
    assert not looked_at(line % 0).findings
    assert looked_at(line % 0 + line % 3).findings[0].count == 1
    assert looked_at(line % 3 + line % 0).findings[0].count == 1


def test_an_idle_debian_raises_no_finding() -> None:
    assert not looked_at(IDLE_DEBIAN).findings


def test_a_line_cannot_forge_a_second_one() -> None:
    data = b"Jul 28 06:00:00 web1 app[1]: name=x\rJul 28 06:00:00 web1 kernel: Kernel panic - not syncing: no\n"
    assert not looked_at(data).findings
    assert looked_at(data).lines == 1


def test_a_finding_shows_the_line_as_it_was_without_obeying_it() -> None:
    found = finding(
        b"Jul 28 06:00:00 web1 sshd[1]: Failed password for \x1b[2Jro\0ot\x07 from 203.0.113.77 port 1 ssh2\n"
    )
    assert found.fields["user"] == "root\\x07"
    assert found.evidence[0].line.endswith("Failed password for \\x1b[2Jro\\x00ot\\x07 from 203.0.113.77 port 1 ssh2")


def test_several_files_are_one_hosts_logs() -> None:
    together = examine([("a", failed_logins(3)), ("b", failed_logins(2)), ("c", b"")], RULES, Thresholds(), None)
    assert together.tallies == {
        "a": Tally(len(failed_logins(3)), 3),
        "b": Tally(len(failed_logins(2)), 2),
        "c": Tally(),
    }
    assert together.lines == 5
    assert together.findings[0].severity is Severity.WARN
    assert {evidence.path for evidence in together.findings[0].evidence} == {"a", "b"}


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3), (b"a\r\x0b\x0c\x85\n", 1)]
)
def test_records_end_at_newlines_alone(data: bytes, lines: int) -> None:
    assert looked_at(data).lines == lines
    assert looked_at(data).tallies[PATH] == Tally(len(data), lines)


def test_templates_come_most_frequent_first_with_their_first_line_as_sample() -> None:
    counted = looked_at(b"one 1\ntwo 22\ntwo 333\n").templates
    assert [(one.template.text, one.count, one.sample) for one in counted] == [
        ("two <*>", 2, "two 22"),
        ("one <*>", 1, "one 1"),
    ]


def test_a_flood_of_users_makes_a_bounded_number_of_findings() -> None:
    line = "Jul 28 06:00:00 web1 sudo: u{} : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh\n"
    found = looked_at("".join(line.format(number) for number in range(1000)).encode()).findings
    assert len(found) == 51
    assert sum(one.count for one in found) == 1000
    assert "and more than 198 more" in found[0].title


def test_a_flood_of_templates_ends_in_the_overflow_and_loses_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys.templates.TemplateTable.__init__, "__defaults__", (10,))
    words = [bytes([a, b]) for a in b"abcdefghij" for b in b"abcdefghij"]
    flood = looked_at(b"\n".join(words) + b"\n" + failed_logins(5))
    assert len(flood.templates) == 11
    assert flood.templates[0].template.text == templates.OVERFLOW_TEXT
    assert sum(one.count for one in flood.templates) == flood.lines == 105
    assert [(one.kind, one.count) for one in flood.findings] == [("log-flood", 95), ("failed-login", 5)]


def test_beyond_its_share_a_rule_still_counts_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MAX_LINES_PER_RULE", 10)
    assert finding(failed_logins(100)).count == 100


def test_a_line_that_stands_for_others_escalates_nothing_in_the_name_of_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "MAX_LINES_PER_RULE", 10)
    monkeypatch.setattr(judging, "MIN_LINES_PER_PLAN", 1000)
    lines = [failed_logins(1, f"u{number}").replace(b".77", b".%d" % number) for number in range(10, 40)]
    found = looked_at(b"".join(lines)).findings
    assert sum(one.count for one in found) == 30
    assert {one.severity for one in found} == {Severity.INFO}


@pytest.mark.parametrize(
    "unit",
    [b"Failed password for ", b"sshd[1]: ", b"\x1b[", b"(", b"message repeated 2 times: [ ", b"\xff", b"COMMAND="],
)
def test_one_huge_line_is_one_line(unit: bytes) -> None:
    data = b"Jul 28 06:00:00 web1 sshd[1]: " + unit * 50_000
    assert looked_at(data).tallies[PATH] == Tally(len(data), 1)
    assert all(len(one.evidence[0].line) <= 4 * templates.LINE_BYTES for one in looked_at(data).findings)


def test_each_line_is_assigned_in_order() -> None:
    data = failed_logins(1) + b"\n" + IDLE_DEBIAN.splitlines(keepends=True)[1] + b"nobody knows this 1"
    assigned = list(assign([(PATH, data)], RULES))
    assert [(one.rule, one.severity) for one in assigned] == [
        ("sshd.failed-password", Severity.INFO),
        (None, None),
        ("cron.ordinary", None),
        (None, None),
    ]


def test_lines_that_are_worse_together_are_assigned_what_they_are_together() -> None:
    logs = [(PATH, failed_logins(5))]
    assigned = list(assign(logs, RULES, looked_at(failed_logins(5)).findings))
    assert {one.severity for one in assigned} == {Severity.WARN}


def test_a_line_that_two_logs_have_is_one_thing_that_happened() -> None:
    lines = failed_logins(6)
    logs = [("syslog", lines), ("auth.log", lines), ("other.log", failed_logins(9))]
    moment = Moment(datetime(2026, 7, 28, 7, tzinfo=UTC))
    for overlap, count in ((True, 9), (False, 21)):
        observed = observe(logs, RULES, None, moment, logs_overlap=overlap)
        both = conclude(observed, RULES, History(), Thresholds(), None, Learning(), moment)
        assert [(one.kind, one.count) for one in both.findings] == [("failed-login", count)]
        assert both.lines == 21


SNIPPETS = st.sampled_from(
    [
        *IDLE_DEBIAN.splitlines()[:4],
        *failed_logins(2).splitlines(),
        b"",
        b"\r",
        b"\0",
        b"1 2 3",
        b"12 2 3",
        b"\xff\xfe 7",
        b"<*>",
    ]
)
DATA = st.tuples(st.lists(st.one_of(SNIPPETS, st.binary(max_size=20))), st.sampled_from([b"", b"\n"])).map(
    lambda parts: b"\n".join(parts[0]) + parts[1]
)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut at line boundaries: before the lines with these numbers."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    bounds = [0, *sorted(place % (len(lines) + 1) for place in places), len(lines)]
    return [b"".join(lines[start:end]) for start, end in pairwise(bounds)]


@settings(deadline=None)
@given(DATA, st.lists(st.integers(0, 50), max_size=4), st.integers(1, 200))
def test_any_chunking_gives_the_same_templates_counts_and_findings(data: bytes, places: list[int], block: int) -> None:
    whole = looked_at(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "BLOCK_BYTES", block)
        patch.setattr(keys, "MAX_KEYS", 3)
        pieces = examine([(PATH, piece) for piece in cut(data, places)], RULES, Thresholds(), None)
    assert pieces.lines == whole.lines
    assert pieces.tallies.get(PATH, Tally()) == whole.tallies[PATH]
    assert pieces.templates == whole.templates
    assert [(one.rule, one.count, one.title) for one in pieces.findings] == [
        (one.rule, one.count, one.title) for one in whole.findings
    ]


@settings(deadline=None)
@given(DATA)
def test_no_byte_and_no_line_is_unaccounted(data: bytes) -> None:
    whole = looked_at(data)
    records = data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
    assert whole.tallies[PATH] == Tally(len(data), records)
    assert sum(one.count for one in whole.templates) == whole.lines == records
    assigned: list[Assignment] = list(assign([(PATH, data)], RULES))
    assert Counter(one.template_id for one in assigned) == {one.template.id: one.count for one in whole.templates}
