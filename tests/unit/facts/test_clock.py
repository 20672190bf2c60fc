"""Whether somebody keeps the clock, in the words of each keeper."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.clock import COMMAND, TIME, parse_clock
from dthostmon.model import Clock, ThingKind
from tests.unit.facts.recorded import mutations, recorded

NTPQ = b"ntp associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync, leap=00, stratum=2, offset=-0.250"


@pytest.mark.parametrize(
    ("told", "is_synchronised", "offset", "source"),
    [
        (recorded("chronyc/tracking-sample.txt"), True, -0.000001834, "chrony 169.254.169.123"),
        (recorded("chronyc/debian-12-not-synchronised.txt"), False, 0.0, "chrony"),
        (b"timesyncd synchronised", True, None, "systemd-timesyncd"),
        (b"timesyncd waiting", False, None, "systemd-timesyncd"),
        (b"ntp leap=00, offset=-0.250", True, -0.00025, "ntpd"),
        (b"ntp leap=11, offset=0.000000", False, 0.0, "ntpd"),
        (b"openntpd 4/4 peers valid, clock synced, stratum 3", True, None, "openntpd"),
        (b"openntpd 0/4 peers valid, clock unsynced, clock offset is 120.5ms", False, 0.1205, "openntpd"),
        (recorded("adjtimex/busybox.txt"), False, 0.0, "the kernel"),
    ],
)
def test_each_keeper_tells(told: bytes, is_synchronised: bool, offset: float | None, source: str) -> None:
    known = parse_clock({"clock": told})
    [clock] = known.things
    assert isinstance(clock, Clock)
    assert (clock.is_synchronised, clock.offset, clock.source) == (is_synchronised, offset, source)
    assert known.missing == {}


@pytest.mark.parametrize(
    "told", [b"", b"chrony", b"chrony 506 Cannot talk to daemon", b"ntp", b"kernel", b"x y", b"timesyncd"]
)
def test_a_keeper_that_does_not_answer_leaves_it_unknown(told: bytes) -> None:
    known = parse_clock({"clock": told})
    assert known.things == ()
    assert known.missing[ThingKind.CLOCK]


TOOLS = {
    "chronyc": "echo 7F7F0101,192.0.2.1,2,1,0.001,0,0,0,0,0,0,0,0,Normal",
    "ntpq": "echo leap=00, offset=1.5",
    "ntpctl": "echo clock synced, stratum 3",
    "adjtimex": "echo status: 1",
}


@pytest.mark.parametrize(
    ("there", "tools", "source"),
    [
        (["chrony/chronyd.pid", "ntpd.pid"], ["chronyc", "adjtimex"], "chrony 192.0.2.1"),
        (["systemd/timesync/synchronized"], ["chronyc"], "systemd-timesyncd"),
        (["ntpd.pid"], ["ntpq", "ntpctl", "adjtimex"], "ntpd"),
        (["ntpd.sock"], ["ntpctl", "adjtimex"], "openntpd"),
        (["ntpd.pid"], ["adjtimex"], "the kernel"),  # busybox's own
        (["other"], ["adjtimex", "chronyc"], "the kernel"),
        (["chrony/left"], ["adjtimex", "chronyc"], "the kernel"),  # root sees that chrony does not run
        (["ntpd.pid"], [], None),
    ],
)
def test_the_keeper_that_runs_is_asked(tmp_path: Path, there: list[str], tools: list[str], source: str | None) -> None:
    for name in there:
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in ({name: TOOLS[name] for name in tools} | {"timeout": 'shift; "$@"'}).items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    command = COMMAND.replace("/run/", f"{tmp_path}/run/")
    ran = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": str(programs)}, capture_output=True, check=False, timeout=20
    )
    [*clocks] = parse_clock({"clock": ran.stdout}).things
    assert [clock.source for clock in clocks if isinstance(clock, Clock)] == ([source] if source else [])


def test_an_absurd_offset_is_none() -> None:
    told = recorded("chronyc/tracking-sample.txt").replace(b"-0.000001834", b"%s")
    for offset in (b"nan", b"1e30", b"-inf", b"x"):
        [clock] = parse_clock({"clock": told % offset}).things
        assert isinstance(clock, Clock)
        assert (clock.is_synchronised, clock.offset) == (True, None)


def test_a_clock_that_wavers_a_little_is_as_it_was() -> None:
    told = recorded("chronyc/tracking-sample.txt")
    mark = TIME.mark({"clock": told})
    assert TIME.mark({"clock": told.replace(b"-0.000001834", b"0.000301834")}) == mark
    assert TIME.mark({"clock": told.replace(b"-0.000001834", b"12.5")}) != mark
    assert TIME.mark({"clock": told.replace(b"Normal", b"Not synchronised")}) != mark


@given(st.binary(max_size=200) | mutations("chronyc/tracking-sample.txt", "adjtimex/busybox.txt"))
def test_no_bytes_make_the_parser_fail(output: bytes) -> None:
    TIME.mark({"clock": output})
    assert all(thing.state.isprintable() for thing in parse_clock({"clock": output}).things)
