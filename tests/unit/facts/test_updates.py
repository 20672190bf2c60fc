"""What waits to be installed, and whether a reboot is asked for."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.debian_versions import version_key
from dthostmon.facts.package_lists import Installed
from dthostmon.facts.updates import newest_kernel, parse_updates
from dthostmon.model import Updates
from tests import parts

OLD_NOTICE = b"available 5 packages can be updated.\navailable 2 updates are security updates.\n"
ONE = b"available 3 updates can be applied immediately.\navailable 1 of these updates is a standard security update.\n"


@pytest.mark.parametrize(
    ("lines", "security"),
    [
        (OLD_NOTICE, 2),
        (ONE, 1),
        (b"available 0 updates can be applied immediately.\n", 0),
        (b"available 4 Aktualisierungen\n", None),
        (b"candidate nginx 1.26 amd64\n", None),  # not all were told
        (b"candidate nginx 1.26 amd64\ncandidates all\n", 1),
        (b"candidate nginx 1.26 arm64\ncandidate other 9 amd64\ncandidates all\n", 0),
        (b"candidate nginx 1.24~rc1 amd64\ncandidates all\n", 0),
        (b"candidate nginx 1.26 amd64\ncandidate nginx 1.25 amd64\ncandidates all\n", 1),
    ],
)
def test_security_updates_are_counted_where_something_tells(lines: bytes, security: int | None) -> None:
    assert parse_updates(lines, [Installed("nginx", "1.24", "amd64")]).security == security


@pytest.mark.parametrize(
    ("lines", "reboot"),
    [
        (b"", None),
        (b"kernel 6.1.0-25-amd64\n", None),
        (b"teller\n", ()),
        (b"flag /run/reboot-needed\nkernel 5.14.0-1-default\n", ("/run/reboot-needed",)),
        (b"flag /run/reboot-required\npackage libc6\npackage libc6\nteller\n", ("libc6",)),
        (b"kernel 6.1.0-25-amd64\nmodules /lib/modules/6.1.0-25-amd64/modules.builtin\n", ()),
        (b"kernel 6.1.0-9-amd64\nmodules /lib/modules/6.1.0-25-amd64/modules.builtin\n", ("kernel 6.1.0-25-amd64",)),
        (b"kernel 6.1.0-25-cloud-amd64\nmodules /lib/modules/6.1.0-28-amd64/modules.builtin\n", None),
        (b"kernel \nmodules /lib/modules/6.1.0-28-amd64/modules.builtin\n", None),
    ],
)
def test_a_reboot_is_required_known_not_to_be_or_unknown(lines: bytes, reboot: tuple[str, ...] | None) -> None:
    assert parse_updates(lines, ()) == Updates(None, reboot)


@pytest.mark.parametrize(
    ("installed", "newest"),
    [
        (["5.14.0-427.el9.x86_64", "5.14.0-427.13.1.el9_4.x86_64"], "5.14.0-427.13.1.el9_4.x86_64"),
        (["5.14.0-70.el9.x86_64", "5.14.0-503.el9.x86_64"], "5.14.0-503.el9.x86_64"),
        (["5.14.0-503.el9.x86_64+rt"], None),
    ],
)
def test_kernels_are_ordered_by_their_numbers(installed: list[str], newest: str | None) -> None:
    assert newest_kernel("5.14.0-427.el9.x86_64", installed) == newest


VERSIONS = st.from_regex(r"([0-2]:)?[0-9][0-9a-b.+~]{0,6}(-[0-9a-b.+~]{1,4})?", fullmatch=True)


@given(st.lists(VERSIONS, min_size=2, max_size=2))
def test_versions_have_the_order_of_dpkg(two: list[str]) -> None:
    dpkg = parts.program("dpkg")
    one, other = two
    less, equal = (
        not subprocess.run([dpkg, "--compare-versions", one, relation, other], check=False).returncode
        for relation in ("lt", "eq")
    )
    assert (version_key(one) < version_key(other)) is less
    assert (version_key(one) == version_key(other)) is equal


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_lines_tell_updates_or_nothing(lines: bytes, version: str) -> None:
    parse_updates(lines, [Installed("a", version, "amd64")])
    parse_updates(b"candidates all\ncandidate a " + version.encode(errors="replace") + b" amd64\n" + lines, [])
    assert version_key(version) == version_key(version)
