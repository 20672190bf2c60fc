"""The rules of packet filters: what a person set is told, what programs put there is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.firewall import parse
from dthostmon.model import Firewall, ThingKind
from tests.unit.facts.recorded import mutations, recorded

NFTABLES = recorded("filter/nftables-debian-12.txt")
IPTABLES = recorded("filter/iptables-debian-12.txt")
AS_NFTABLES = recorded("filter/nftables-of-iptables-debian-12.txt")


def firewall(output: bytes) -> Firewall:
    [found], missing = parse({"filter": output})
    assert not missing
    assert isinstance(found, Firewall)
    return found


def test_the_rules_are_counted() -> None:
    assert (firewall(NFTABLES).name, firewall(NFTABLES).rules) == ("nftables", 5)
    assert (firewall(IPTABLES).name, firewall(IPTABLES).rules) == ("iptables", 3)
    assert (firewall(AS_NFTABLES).name, firewall(AS_NFTABLES).rules) == ("nftables", 3)


@pytest.mark.parametrize(
    ("told", "before", "after"),
    [
        (NFTABLES, b"198.51.100.66 timeout 1h", b"203.0.113.9 timeout 2h expires 5m"),
        (NFTABLES, b"tcp dport 22 reject", b"tcp dport 22 ip saddr 203.0.113.9 reject"),
        (IPTABLES, b"-A f2b-sshd -s 198.51.100.66/32", b"-A f2b-sshd -s 203.0.113.9/32"),
        (IPTABLES, b"172.17.0.2/32", b"172.17.0.3/32"),
        (IPTABLES, b":INPUT DROP [0:0]", b":INPUT DROP [17:4242]"),
        (AS_NFTABLES, b"ip saddr 198.51.100.66 counter reject", b"ip saddr 203.0.113.9 counter reject"),
        (AS_NFTABLES, b"172.17.0.2", b"172.17.0.3"),
        (AS_NFTABLES, b'"lo" counter accept', b'"lo" counter packets 12 bytes 340 accept'),
    ],
)
def test_what_programs_put_there_is_no_other_state(told: bytes, before: bytes, after: bytes) -> None:
    assert before in told
    assert firewall(told.replace(before, after)) == firewall(told)


@pytest.mark.parametrize(
    ("told", "before", "after"),
    [
        (NFTABLES, b"192.0.2.50", b"192.0.2.60"),
        (NFTABLES, b"policy drop", b"policy accept"),
        (NFTABLES, b"{ 22, 443 }", b"{ 22, 443, 8080 }"),
        (IPTABLES, b":INPUT DROP", b":INPUT ACCEPT"),
        (IPTABLES, b"--dport 22 ", b"--dport 2222 "),
        (AS_NFTABLES, b"tcp dport 22 counter accept", b"tcp dport 22 counter drop"),
    ],
)
def test_what_a_person_sets_is_another_state(told: bytes, before: bytes, after: bytes) -> None:
    assert before in told
    assert firewall(told.replace(before, after, 1)).digest != firewall(told).digest


def test_no_rules_are_known_and_not_unknown() -> None:
    assert parse({"filter": b"filter nftables\nend\n"}) == ([Firewall("nftables", 0, "")], {})
    open_chains = b"filter iptables\n*filter\n:INPUT ACCEPT [1:2]\n:FORWARD ACCEPT [0:0]\nCOMMIT\nend\n"
    assert firewall(open_chains) == Firewall("iptables", 0, "")


def test_who_may_not_ask_is_told_what_that_takes() -> None:
    assert [parse({"filter": told})[1][ThingKind.FIREWALL].rpartition(" ")[2] for told in (b"no root", b"")] == [
        *("alone", "shell"),
    ]


@pytest.mark.parametrize("output", [b"", b"no root\n", NFTABLES[:-4], b"filter nftables\n", b"filter unknown\nend\n"])
def test_what_is_not_told_is_unknown(output: bytes) -> None:
    found, missing = parse({"filter": output})
    assert found == []
    assert ThingKind.FIREWALL in missing


def test_everybody_is_told_whether_ufw_is_on() -> None:
    for text, is_on in ((b"LOGLEVEL=low\nENABLED=yes\n", True), (b"ENABLED=no\n", False)):
        found, missing = parse({"ufw": text, "filter": b"no root"})
        assert found == [Firewall("ufw", None if is_on else 0, "", is_on=is_on)]
        assert found[0].state == ("on" if is_on else "off, no rules")
        assert ThingKind.FIREWALL in missing
    assert parse({"ufw": b"# ENABLED=yes\n"})[0] == []


@given(
    st.binary(max_size=300) | mutations("filter/nftables-debian-12.txt", "filter/iptables-debian-12.txt"), st.binary()
)
def test_no_bytes_make_the_parser_fail(output: bytes, switch: bytes) -> None:
    found, missing = parse({"filter": output, "ufw": switch})
    assert found or missing
