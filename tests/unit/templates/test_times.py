"""When a line says it was written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.templates import read_time

NOW = datetime(2026, 7, 28, 12, 0, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("Jul 28 09:30:00 web1 sshd[1]: x", "2026-07-28T07:30:00"),
        ("Jul  8 09:30:00 web1 sshd[1]: x", "2026-07-08T07:30:00"),
        ("<38>Jul 28 09:30:00 web1 sshd[1]: x", "2026-07-28T07:30:00"),
        ("Aug  1 09:30:00 web1 sshd[1]: x", "2025-08-01T07:30:00"),
        ("Jul 29 09:30:00 web1 sshd[1]: a clock that is fast", "2026-07-29T07:30:00"),
        ("Jul 28 2024 09:30:00 fw1 app: x", "2024-07-28T07:30:00"),
        ("2026-07-28T09:30:00.123456+02:00 web1 systemd[1]: x", "2026-07-28T07:30:00.123456"),
        ("2026-07-28T09:30:00-0330 web1 systemd[1]: x", "2026-07-28T13:00:00"),
        ("<30>1 2026-07-28T09:30:00.5Z web1 app 1 - - x", "2026-07-28T09:30:00.500000"),
        ("2026-07-28T09:30:00.123456789Z hello", "2026-07-28T09:30:00.123456"),
        ("2026-07-28 09:30:00,978 INFO [main] a.B: x", "2026-07-28T07:30:00.978000"),
        ("2026-07-28 09:30:00.120 UTC [7710] LOG:  x", "2026-07-28T09:30:00.120000"),
        ("2026-07-28  9:30:00 0 [ERROR] InnoDB: x", "2026-07-28T07:30:00"),
        ("2026/07/28 09:30:00 [error] 9#9: *7 x", "2026-07-28T07:30:00"),
        ("[Tue Jul 28 09:30:00.123456 2026] [core:error] x", "2026-07-28T07:30:00.123456"),
        ('192.0.2.1 - - [28/Jul/2026:09:30:00 -0100] "GET / HTTP/1.1" 200 1', "2026-07-28T10:30:00"),
        ("812:M 28 Jul 2026 09:30:00.123 # x", "2026-07-28T07:30:00.123000"),
        ("type=AVC msg=audit(1785231000.243:24287): avc:  denied", "2026-07-28T09:30:00.243000"),
        ('{"ts":1785231000.5,"msg":"x"}', "2026-07-28T09:30:00.500000"),
        ('{"time":1785231000123,"msg":"x"}', "2026-07-28T09:30:00.123000"),
        ('{"__REALTIME_TIMESTAMP":"1785231000123456","MESSAGE":"x"}', "2026-07-28T09:30:00.123000"),
        ('{"log":"x\\n","stream":"stdout","time":"2026-07-28T09:30:00.123Z"}', "2026-07-28T09:30:00.123000"),
        ('{"time":"2026-07-28T09:30:00Z","msg":"x"}', "2026-07-28T09:30:00"),
        ('time="2026-07-28T09:30:00+02:00" level=error msg="x"', "2026-07-28T07:30:00"),
        ("- 1 2026.07.28 R02-M1 2026-07-28-09.30.00.675872 R02-M1 RAS KERNEL INFO x", "2026-07-28T07:30:00.675872"),
        ("E0728 09:30:00.123456    1234 kubelet.go:123] x", "2026-07-28T07:30:00.123456"),
        ("07-28 09:30:00.811  1702  2395 D Tag: x", "2026-07-28T07:30:00.811000"),
        ("26/07/28 09:30:00 INFO executor.Backend: x", "2026-07-28T07:30:00"),
        ("20260728-09:30:00:606|Step|3|x", "2026-07-28T07:30:00.606000"),
        ("260728 093000 148 INFO dfs.DataNode: x", "2026-07-28T07:30:00"),
        ("2026-06-30T23:59:60Z a leap second", "2026-06-30T23:59:59"),
    ],
)
def test_the_time_is_read(line: str, at: str) -> None:
    assert read_time(line, NOW, EAST) == datetime.fromisoformat(at).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "no time",
        "",
        "[  12.5] kernel time",
        "Feb 30 09:30:00 h p: x",
        "Xyz 28 09:30:00 h p: x",
        "2026-13-01T00:00:00Z x",
        "2026-07-28T25:00:00Z x",
        "0000-01-01T00:00:00Z x",
        "0001-01-01T00:00:00+10:00 x",
        "Jul 28 25:00:00 h p: x",
    ],
)
def test_no_time_is_made_up(line: str) -> None:
    assert read_time(line, NOW, EAST) is None


def test_a_day_that_not_every_year_has_is_one_of_the_last_years_or_none() -> None:
    line = "Feb 29 09:30:00 web1 sshd[1]: x"
    assert read_time(line, datetime(2025, 2, 1, tzinfo=UTC), UTC) == datetime(2024, 2, 29, 9, 30, tzinfo=UTC)
    assert read_time(line, NOW, UTC) is None


def test_the_first_line_of_a_year_is_not_a_year_old() -> None:
    late = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    assert read_time("Jan  1 00:00:01 web1 sshd[1]: x", late, UTC) == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)


@given(st.text(alphabet='0123456789-:/.TZ+, []<>JulFeb{}"=ms', max_size=60))
def test_any_line_has_a_time_or_none(line: str) -> None:
    at = read_time(line, NOW, EAST)
    assert at is None or at.tzinfo is UTC
