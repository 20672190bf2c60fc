"""When packages changed, from the logs of their managers."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.package_logs import PACKAGE_LOGS, installed_at, installed_by
from dthostmon.facts.packages import parse_packages
from dthostmon.model import Package

DATA = Path(__file__).parents[2] / "testdata/facts/logs"
BERLIN = ZoneInfo("Europe/Berlin")


def told(path: str, name: str) -> dict[str, datetime]:
    with (DATA / name).open() as lines:
        return dict(installed_at(path, lines, BERLIN))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year to second


def test_dpkg_writes_local_time_and_triggers_are_no_change() -> None:
    found = told("/var/log/dpkg.log", "dpkg.log")
    assert found["rpm"] == found["rpm:amd64"] == utc(2026, 11, 27, 20, 54, 17)
    assert found["systemd-timesyncd"] == utc(2026, 11, 27, 21, 3, 3)  # its removal, after an upgrade
    assert "libc-bin" not in found


def test_apt_writes_the_time_above_all_packages_of_a_run() -> None:
    found = told("/var/log/apt/history.log", "apt-history.log")
    assert found["chrony:amd64"] == found["systemd-timesyncd"] == utc(2026, 11, 27, 21, 3, 2)
    assert found["rpm-common"] == utc(2026, 11, 27, 20, 54, 16)
    assert not [name for name in found if "(" in name or "," in name]


def test_dnf_writes_an_offset() -> None:
    assert told("/var/log/dnf.rpm.log", "dnf.rpm-sample.log") == {
        "openssl-libs": utc(2024, 5, 2, 7, 41, 46),
        "openssl-libs.x86_64": utc(2024, 5, 2, 7, 41, 46),
        "glibc": utc(2024, 5, 2, 7, 41, 41),
        "glibc.i686": utc(2024, 5, 2, 7, 41, 41),
        "kernel-core": utc(2024, 5, 2, 7, 41, 42),
        "kernel-core.x86_64": utc(2024, 5, 2, 7, 41, 42),
        "perl-Text-Tabs+Wrap": utc(2024, 5, 2, 7, 41, 47),
        "perl-Text-Tabs+Wrap.noarch": utc(2024, 5, 2, 7, 41, 47),
    }


def test_zypp_writes_local_time() -> None:
    found = told("/var/log/zypp/history", "zypp-history-sample.log")
    assert found["nginx"] == utc(2024, 5, 2, 7, 41, 40)
    assert found["apache2.x86_64"] == utc(2024, 5, 2, 7, 41, 44)
    assert found.keys() == {
        *("nginx", "nginx.x86_64", "libz1-32bit", "libz1-32bit.x86_64", "apache2", "apache2.x86_64"),
    }


def test_pacman_writes_an_offset_and_wrote_local_time_before() -> None:
    found = told("/var/log/pacman.log", "pacman.log")
    assert found == {"bash": utc(2026, 11, 27, 22, 8, 12), "gtk-doc": utc(2026, 11, 27, 22, 8, 12)}
    old = "[2019-01-01 10:00] [ALPM] upgraded linux (4.20-1 -> 4.20.1-1)\n"
    assert installed_at("/var/log/pacman.log", [old], BERLIN) == {"linux": utc(2019, 1, 1, 9, 0)}


@pytest.mark.parametrize("path", PACKAGE_LOGS)
def test_a_time_that_does_not_exist_is_no_time(path: str) -> None:
    lines = [
        "2026-13-45 25:61:61 install a:amd64 <none> 1",
        "Start-Date: 2026-13-45  25:61:61",
        "Install: a:amd64 (1)",
        "2026-13-45T25:61:61Z SUBDEBUG Installed: a-1-1.noarch",
        "2026-13-45 25:61:61|install|a|1|noarch|",
        "[2026-13-45 25:61] [ALPM] installed a (1)",
        "0001-01-01 00:00:00 install a:amd64 <none> 1",
    ]
    assert installed_at(path, lines, BERLIN) == {}


SAMPLES = [line for path in sorted(DATA.iterdir()) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("path", PACKAGE_LOGS)
@given(st.lists(st.sampled_from(SAMPLES) | st.text(max_size=60), max_size=8))
def test_any_lines_give_times_in_utc(path: str, lines: list[str]) -> None:
    assert all(at.tzinfo is UTC for at in installed_at(path, lines, BERLIN).values())


def test_what_brought_a_package_is_known_until_a_person_did_something_with_it() -> None:
    history = """
Start-Date: 2026-07-28  06:10:01
Commandline: /usr/bin/unattended-upgrade
Upgrade: nginx:amd64 (1.24.0-1, 1.26.0-1), curl:amd64 (7.1, 7.2)
End-Date: 2026-07-28  06:10:09

Start-Date: 2026-07-28  09:00:00
Commandline: apt install curl
Requested-By: ann (1000)
Upgrade: curl:amd64 (7.2, 7.3)
End-Date: 2026-07-28  09:00:02
""".splitlines()
    assert installed_by(history) == {"nginx": "unattended-upgrades", "nginx:amd64": "unattended-upgrades"}


@given(st.lists(st.text(max_size=80) | st.sampled_from(["Commandline: unattended-upgrade", "Upgrade: a (1, 2)"])))
def test_any_lines_tell_of_packages_or_of_nothing(lines: list[str]) -> None:
    assert set(installed_by(lines).values()) <= {"unattended-upgrades"}


def test_a_list_carries_when_its_packages_came() -> None:
    told = b"""=stamp 1
=begin dpkg
Package: nginx
Status: install ok installed
Version: 1.26
Architecture: amd64

=end dpkg
=begin logs
zone +0200
log /var/log/dpkg.log
 2026-07-28 08:10:02 upgrade nginx:amd64 1.24 1.26
 =end dpkg
log /var/log/apt/history.log
 Start-Date: 2026-07-28  08:10:01
 Commandline: /usr/bin/unattended-upgrade
 Upgrade: nginx:amd64 (1.24, 1.26)
=end logs
"""
    (package,) = [thing for thing in parse_packages({"list": told}).things if isinstance(thing, Package)]
    assert package.installed_at == datetime(2026, 7, 28, 6, 10, 2, tzinfo=UTC)
    assert package.installed_by == "unattended-upgrades"
