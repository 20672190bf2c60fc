"""Addresses, routes and name servers of a host that has all kinds of interfaces."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.network import NETWORK, parse_network
from dthostmon.model import InterfaceAddress, Inventory, NameServers, Route, Thing, ThingKind
from tests.unit.facts.recorded import mutations, one_line, recorded

RECORDINGS = {
    "addresses": "ip/debian-12.txt",
    "trie": "proc/fib_trie.txt",
    "addresses6": "proc/if_inet6.txt",
    "routes": "proc/route.txt",
    "routes6": "proc/ipv6_route.txt",
}
FILES = {part: recorded(name) for part, name in RECORDINGS.items() if part != "addresses"}
OWN = {
    InterfaceAddress("docker0", "172.17.0.1/16"),
    InterfaceAddress("eth0", "192.0.2.7/24"),
    InterfaceAddress("eth0", "198.51.100.9/32"),
    InterfaceAddress("eth0", "2001:db8::7/64"),
}


def of(kind: ThingKind, inventory: Inventory) -> list[Thing]:
    return [thing for thing in inventory.things if thing.kind is kind]


def told_by_ip(name: str) -> Inventory:
    return parse_network(FILES | {"addresses": one_line(recorded(name)) + b" end"})


def test_addresses_that_come_and_go_by_themselves_are_left_out() -> None:
    for name in ("ip/debian-12.txt", "ip/busybox.txt"):
        known = told_by_ip(name)
        assert set(of(ThingKind.ADDRESS, known)) == OWN
        assert ThingKind.ADDRESS not in known.missing


def test_without_ip_the_routes_tell_the_interface_of_an_address() -> None:
    found = of(ThingKind.ADDRESS, parse_network(FILES))
    assert set(found) == OWN - {InterfaceAddress("eth0", "198.51.100.9/32")} | {
        InterfaceAddress("?", "198.51.100.9/32")
    }


def test_addresses_that_nothing_tells_are_unknown() -> None:
    for told in (b"", b"1: lo inet 127.0.0.1/8", b"3: eth0 inet 192.0.2.7/24 en"):
        assert ThingKind.ADDRESS in parse_network({"addresses": told}).missing
    assert ThingKind.ADDRESS not in parse_network({"addresses": b"end"}).missing


def test_a_temporary_address_of_ipv6_is_none() -> None:
    line = b"20010db8000000000000000000000007 03 40 00 %s     eth0"
    assert of(ThingKind.ADDRESS, parse_network({"addresses6": line % b"01"})) == []
    assert of(ThingKind.ADDRESS, parse_network({"addresses6": line % b"00"})) == [
        InterfaceAddress("eth0", "2001:db8::7/64")
    ]


def test_routes_name_the_network_the_gateway_and_the_interface() -> None:
    known = told_by_ip("ip/debian-12.txt")
    assert set(of(ThingKind.ROUTE, known)) == {
        Route("default", "192.0.2.1", "eth0"),
        Route("172.17.0.0/16", "", "docker0"),
        Route("192.0.2.0/24", "", "eth0"),
        Route("203.0.113.0/24", "192.0.2.2", "eth0"),
        Route("2001:db8::/64", "", "eth0"),
    }
    assert ThingKind.ROUTE not in known.missing
    assert ThingKind.ROUTE in parse_network({}).missing


def test_name_servers_are_those_that_a_local_resolver_asks() -> None:
    stub, upstream = (
        b"nameserver 127.0.0.53\noptions edns0\nsearch lan\n",
        b"# made\nnameserver 192.0.2.1\nnameserver x\n",
    )
    [both] = of(ThingKind.DNS, parse_network({"resolver": stub, "upstream": upstream}))
    [alone] = of(ThingKind.DNS, parse_network({"resolver": stub}))
    assert both == NameServers(("192.0.2.1",))
    assert alone == NameServers(("127.0.0.53",), ("lan",))
    assert ThingKind.DNS in parse_network({"resolver": b"nameserver\n"}).missing


def test_counters_and_lifetimes_are_no_new_state() -> None:
    line = b"3: eth0 inet 192.0.2.7/24 scope global dynamic eth0\\ valid_lft %s preferred_lft 9sec end"
    marks = {NETWORK.mark({"addresses": line % left}) for left in (b"86000sec", b"85940sec")}
    assert len(marks) == 1
    assert NETWORK.mark({"addresses": b"end"}) not in marks


@given(st.dictionaries(st.sampled_from(sorted(NETWORK.parts)), st.binary(max_size=300)))
def test_no_bytes_make_the_parser_fail(outputs: dict[str, bytes]) -> None:
    NETWORK.mark(outputs)


@given(st.data(), st.sampled_from(sorted(RECORDINGS)))
def test_what_is_nearly_right_makes_up_no_interface(data: st.DataObject, part: str) -> None:
    output = data.draw(mutations(RECORDINGS[part]))
    for thing in parse_network({part: output}).things:
        assert thing.subject.isprintable()
        assert len(thing.subject) < 500
