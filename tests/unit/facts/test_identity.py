"""What a machine tells of itself, short and printable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.identity import parse_identity

DEBIAN = {
    "release": b'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "uname": b"6.1.0-25-amd64 x86_64\n",
    "uptime": b"4711.42 9000.00\n",
    "zone": b"Europe/Berlin +0200\n",
    "cpus": b"8\n",
}


def test_a_debian_is_recognised() -> None:
    identity = parse_identity(DEBIAN)
    assert identity.os == "Debian GNU/Linux 12 (bookworm)"
    assert (identity.kernel, identity.architecture) == ("6.1.0-25-amd64", "x86_64")
    assert (identity.uptime, identity.timezone, identity.cpus) == (4711.42, "Europe/Berlin", 8)


def test_a_zone_file_link_names_the_zone() -> None:
    assert (
        parse_identity({"zone": b"/usr/share/zoneinfo/America/Argentina/Ushuaia -0300"}).timezone
        == "America/Argentina/Ushuaia"
    )


def test_without_a_name_the_offset_is_the_zone() -> None:
    assert parse_identity({"zone": b"+0530\n"}).timezone == "+0530"


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ("online 0-3", 4),
        ("online 0", 1),
        ("online 0-3,8,10-11", 7),
        ("online", None),
        ("online 5-1", None),
        ("0", None),
    ],
)
def test_processors_are_counted_by_the_kernel_s_list(told: str, count: int | None) -> None:
    assert parse_identity({"cpus": told.encode()}).cpus == count


def test_a_system_that_says_nothing_is_unknown() -> None:
    identity = parse_identity({})
    assert (identity.os, identity.kernel, identity.uptime, identity.timezone, identity.cpus) == (None,) * 5


@given(st.dictionaries(st.sampled_from(sorted(DEBIAN)), st.binary(max_size=300)))
def test_any_bytes_give_short_printable_text(outputs: dict[str, bytes]) -> None:
    identity = parse_identity(outputs)
    for text in (identity.os, identity.kernel, identity.architecture, identity.timezone):
        assert text is None or (text.isprintable() and len(text) <= 200)
