"""Listening sockets, from the kernel's files and from ss."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.ports import parse_ports, ports_mark, ports_probe
from dthostmon.model import Inventory, Port, ThingKind
from tests.unit.facts.recorded import assert_fit_to_show, nearly, recorded

ROOT = recorded("ss/iproute2-6.1-root.txt")
UNPRIVILEGED = recorded("ss/iproute2-6.1-unprivileged.txt")
ACCOUNTS = (
    b"root:x:0:0:root:/root:/bin/bash\npostgres:x:101:105::/var/lib/postgresql:/bin/bash\ntoor:x:0:0::/:/bin/sh\n"
)


def ports(sockets: bytes, **parts: bytes) -> Inventory:
    return parse_ports({"sockets": sockets, "accounts": ACCOUNTS, **parts})


def table(*sockets: str) -> bytes:
    return f"{'0' * 64} {' '.join(f'/proc/net/{socket}' for socket in sockets)} end".encode()


def test_root_sees_programs() -> None:
    assert ports(ROOT).things == (
        Port("tcp", "*", 22, "sshd", "root"),
        Port("tcp", "127.0.0.1", 5432, "postgres", "postgres"),
        Port("tcp", "127.0.0.1", 8443, "python3", "root"),
        Port("udp", "*", 123, "python3", "root"),
        Port("udp", "*", 51820, "python3", "root"),
    )
    assert ports(ROOT).missing == {}


def test_others_see_the_units_that_made_the_sockets() -> None:
    programs = {thing.subject: thing.state for thing in ports(UNPRIVILEGED).things}
    assert programs["*:22/tcp"] == "ssh.service as root"
    assert programs["127.0.0.1:5432/tcp"] == "postgresql@15-main.service as postgres"


def test_without_ss_the_program_is_unknown_and_the_user_is_not() -> None:
    [port] = ports(table("tcp 00000000:0016 0 77")).things
    assert port.state == "unknown program as root"
    [port] = ports(table("tcp 00000000:0016 1234 77")).things
    assert port.state == "unknown program as 1234"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("tcp 0100007F:0050", "127.0.0.1:80/tcp"),
        ("tcp6 00000000000000000000000000000000:0050", "*:80/tcp"),
        ("tcp6 0000000000000000FFFF00000100007F:0050", "127.0.0.1:80/tcp"),
        ("tcp6 00000000000000000000000001000000:0050", "[::1]:80/tcp"),
        ("tcp6 B80D0120000000000000000001000000:0050", "[2001:db8::1]:80/tcp"),
    ],
)
def test_addresses_are_told_as_people_write_them(address: str, shown: str) -> None:
    assert [thing.subject for thing in ports(table(f"{address} 0 77")).things] == [shown]


def test_on_a_big_endian_machine_addresses_are_not_turned_round() -> None:
    [port] = ports(table("tcp 7F000001:0050 0 77"), architecture=b"s390x").things
    assert port.subject == "127.0.0.1:80/tcp"


def test_a_socket_unit_is_told_where_it_made_the_socket() -> None:
    told = f"{'0' * 64} =ss tcp LISTEN 0 5 0.0.0.0:22 0.0.0.0:* ino:5 sk:1 cgroup:/system.slice/ssh.socket <-> end"
    assert ports(told.encode()).things == (Port("tcp", "*", 22, "ssh.socket", "root"),)


def test_a_udp_socket_that_asks_for_itself_is_no_port() -> None:
    asking = ("udp 00000000:C001 0 1", "udp6 00000000000000000000000000000000:E002 0 2")
    assert ports(table(*asking)).things == ()
    assert [thing.subject for thing in ports(table(*asking), ephemeral=b"50000\t65000").things] == ["*:49153/udp"]


def test_a_udp_port_that_was_chosen_for_both_versions_is_told_wherever_it_is() -> None:
    chosen = ("udp 00000000:CA6C 0 1", "udp6 00000000000000000000000000000000:CA6C 0 2")
    assert [thing.subject for thing in ports(table(*chosen)).things] == ["*:51820/udp"]


def test_one_address_beside_all_of_them_is_no_port_of_its_own() -> None:
    of_root = ("udp 00000000:007B 0 1", "udp6 B80D0120000000000000000001000000:007B 0 2")
    assert [thing.subject for thing in ports(table(*of_root)).things] == ["*:123/udp"]
    of_two = ("udp 00000000:007B 0 1", "udp 0100007F:007B 33 2")
    assert [thing.subject for thing in ports(table(*of_two)).things] == ["*:123/udp", "127.0.0.1:123/udp"]


def rows(*sockets: str) -> bytes:
    """Return rows of ss."""
    return f"{'0' * 64} =ss {' '.join(f'tcp LISTEN 0 5 {socket} sk:1' for socket in sockets)} end".encode()


def test_sockets_that_share_a_port_are_one() -> None:
    told = rows(
        '0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=1,fd=6),("nginx",pid=2,fd=6)) ino:1',
        '[::]:80 [::]:* users:(("ha proxy",pid=1,fd=6)) uid:33 ino:2',
    )
    [port] = ports(told).things
    assert port == Port("tcp", "*", 80, "ha proxy, nginx", "33, root")


def test_a_hostile_program_name_makes_no_socket() -> None:
    told = rows(
        '*:80 *:* users:(("\x1b[31m<b>ino:2 ",pid=1,fd=6)) ino:1',
        '127.0.0.53%lo:81 *:* users:((" tcp LISTEN 0 5",pid=1,fd=6)) ino:2',
    )
    assert [thing.subject for thing in ports(told).things] == ["*:80/tcp", "127.0.0.53:81/tcp"]
    assert_fit_to_show(ports(told))


def test_sockets_that_were_not_told_are_missing() -> None:
    for raw in (b"", b"0" * 64, ROOT[:100]):
        assert ports(raw).missing.keys() == {ThingKind.PORT}
    for raw in (table(), rows()):
        assert ports(raw) == Inventory((), {}, frozenset({ThingKind.PORT}))


def test_sockets_that_are_too_many_to_tell_are_missing() -> None:
    assert ports(b"0" * 64 + b" =many").missing == {ThingKind.PORT: "there are more sockets than are read"}


def test_programs_are_asked_for_when_the_sockets_are_not_those_of_the_mark() -> None:
    mark = ports_mark({"sockets": ROOT})
    assert mark == ports_mark({"sockets": mark.encode()}) == ROOT[:64].decode()
    assert f"'{mark}'" in ports_probe((), mark).words["sockets"]
    assert "reboot" not in ports_probe((), "'; reboot; '").words["sockets"]


def test_very_many_ports_are_cut_and_that_is_said() -> None:
    found = ports(table(*(f"tcp 0100007F:{port:04X} 0 {port}" for port in range(1, 6000))))
    assert len(found.things) == 5000
    assert found.missing.keys() == {ThingKind.PORT}


@given(
    nearly(ROOT, UNPRIVILEGED, table("tcp 00000000:0050 0 1", "udp6 B80D0120000000000000000001000000:0050 33 2")),
    st.binary(max_size=30),
    st.binary(max_size=60),
)
def test_any_output_is_read_without_a_failure(raw: bytes, ephemeral: bytes, accounts: bytes) -> None:
    outputs = {"sockets": raw, "ephemeral": ephemeral, "architecture": ephemeral, "accounts": accounts}
    found = parse_ports(outputs)
    assert_fit_to_show(found)
    assert ports_mark(outputs)
    for thing in found.things:
        assert isinstance(thing, Port)
        assert f":{thing.port:04X} ".encode() in raw or re.search(rb":0*%d " % thing.port, raw)
