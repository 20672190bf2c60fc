"""The probe `network`: addresses, routes, name servers and the rules of packet filters."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import firewall
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import InterfaceAddress, Inventory, NameServers, Route, Thing, ThingKind

MAX_ADDRESSES = 1000
MAX_ROUTES = 1000
MAX_SERVERS = 10

# What programs make for their containers and virtual machines, and take away with them.
_PASSING = re.compile(r"(?:veth|br-[0-9a-f]{12}|cali|lxc(?!br)|vnet|tap|fwbr|fwpr|fwln|cni|nodelocaldns|kube-)")
_ADDRESS = re.compile(rb"\d+: (\S{1,40}) +inet (\d[\d.]{6,14}(?:/\d{1,2})?)(?!\S)")
_ADDRESS6 = re.compile(
    rb"^([0-9a-f]{32}) [0-9a-f]{2,8} ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2,8}) +(\S{1,40})$", re.MULTILINE
)
_ROUTE = re.compile(
    rb"^(\S{1,40})\s+([0-9A-F]{8})\s+([0-9A-F]{8})\s+([0-9A-F]{4})(?:\s+\d+){3}\s+([0-9A-F]{8})\s", re.MULTILINE
)
_ROUTE6 = re.compile(
    rb"^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} ([0-9a-f]{32})(?: [0-9a-f]{8}){3} ([0-9a-f]{8})"
    rb" +(\S{1,40})$",
    re.MULTILINE,
)
_TRIE_ADDRESS = re.compile(rb"\|-- (\d[\d.]{6,14})\n +/32 host LOCAL")
_LINK_SCOPE = 0x20
_TEMPORARY, _TENTATIVE = 0x01, 0x40
_UP, _GATEWAY, _REJECT, _CACHE, _LOCAL = 0x1, 0x2, 0x200, 0x0100_0000, 0x8000_0000
_STUB = "127.0.0.53"  # systemd-resolved, which knows whom it asks
_END = b"end"

Parsed = tuple[list[Thing], Mapping[ThingKind, str]]


def parse_network(outputs: Outputs) -> Inventory:
    """Read `ip -o -4 addr` or /proc/net/fib_trie, the routing tables below /proc/net, resolv.conf and the filters."""
    parts = [_addresses(outputs), _routes(outputs), _name_servers(outputs), firewall.parse(outputs)]
    things = tuple(thing for found, _ in parts for thing in found)
    return Inventory(things, {kind: reason for _, missing in parts for kind, reason in missing.items()})


def _mark(outputs: Outputs) -> str:
    """Name what is found: what is told also counts uses, and the seconds that an address is still lent."""
    return sha256(repr(parse_network(outputs)).encode("utf-8", "surrogatepass")).hexdigest()


def _addresses(outputs: Outputs) -> Parsed:
    told = outputs.get("addresses", b"")
    found = {*(_ip_addresses(told) if told.endswith(_END) else _trie_addresses(outputs)), *_addresses6(outputs)}
    kept = sorted(found, key=lambda address: (address.interface, address.address))[:MAX_ADDRESSES]
    if not told.endswith(_END) and b"/32 host LOCAL" not in outputs.get("trie", b""):
        return [*kept], {ThingKind.ADDRESS: "neither ip nor /proc/net/fib_trie tells those of IPv4"}
    if len(found) > MAX_ADDRESSES:
        return [*kept], {ThingKind.ADDRESS: f"there are more than {MAX_ADDRESSES}"}
    return [*kept], {}


def _ip_addresses(told: bytes) -> Iterator[InterfaceAddress]:
    for interface, address in _ADDRESS.findall(told):
        yield from _address(interface, address.decode())


def _trie_addresses(outputs: Outputs) -> Iterator[InterfaceAddress]:
    """Yield the host's own addresses, each with the interface whose network it lies in."""
    networks = [route for route in _routes4(outputs.get("routes", b"")) if not route.gateway]
    for raw in dict.fromkeys(_TRIE_ADDRESS.findall(outputs.get("trie", b""))):
        if (own := _ip(raw.decode())) is None:
            continue
        near = [
            route for route in networks if "/" in route.destination and own in ip_interface(route.destination).network
        ]
        route = max(near, key=lambda route: int(route.destination.rpartition("/")[2]), default=None)
        length = route.destination.rpartition("/")[2] if route else "32"
        yield from _address(route.interface.encode() if route else b"?", f"{own}/{length}")


def _addresses6(outputs: Outputs) -> Iterator[InterfaceAddress]:
    for raw, length, scope, flags, interface in _ADDRESS6.findall(outputs.get("addresses6", b"")):
        # one of the link follows from the card, and a temporary one is another each day
        if int(scope, 16) != _LINK_SCOPE and not int(flags, 16) & (_TEMPORARY | _TENTATIVE):
            yield from _address(interface, f"{IPv6Address(int(raw, 16))}/{int(length, 16)}")


def _address(interface: bytes, text: str) -> Iterator[InterfaceAddress]:
    try:
        address = ip_interface(text)
    except ValueError:
        return
    name = plain(interface.partition(b"@")[0])
    if not _PASSING.match(name) and not address.is_loopback and not (address.version == 4 and address.is_link_local):
        yield InterfaceAddress(name, address.with_prefixlen)


def _routes(outputs: Outputs) -> Parsed:
    told = outputs.get("routes", b"")
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for route in (*_routes4(told), *_routes6(outputs.get("routes6", b""))):
        if not _PASSING.match(route.interface):
            found[route.destination, route.interface].add(route.gateway)
    routes = [
        Route(destination, ", ".join(sorted(filter(None, gateways))), interface)
        for (destination, interface), gateways in sorted(found.items())
    ]
    if not told.startswith(b"Iface"):
        return [*routes], {ThingKind.ROUTE: "/proc/net/route could not be read, or has too many lines"}
    if len(routes) > MAX_ROUTES:
        return [*routes[:MAX_ROUTES]], {ThingKind.ROUTE: f"there are more than {MAX_ROUTES}"}
    return [*routes], {}


def _routes4(told: bytes) -> Iterator[Route]:
    for interface, destination, gateway, flags, mask in _ROUTE.findall(told):
        if not int(flags, 16) & _UP or int(flags, 16) & _REJECT:
            continue
        length = int(mask, 16).bit_count()
        where = f"{_little_endian(destination)}/{length}" if length else "default"
        via = str(_little_endian(gateway)) if int(flags, 16) & _GATEWAY else ""
        yield Route(where, via, plain(interface))


def _little_endian(raw: bytes) -> IPv4Address:
    return IPv4Address(bytes.fromhex(raw.decode())[::-1])


def _routes6(told: bytes) -> Iterator[Route]:
    for destination, length, gateway, flags, interface in _ROUTE6.findall(told):
        network, prefix = IPv6Address(int(destination, 16)), int(length, 16)
        passing = int(flags, 16) & (_REJECT | _CACHE | _LOCAL) or not int(flags, 16) & _UP
        if passing or interface == b"lo" or network.is_multicast or network.is_link_local or prefix > 128:
            continue
        via = str(IPv6Address(int(gateway, 16))) if int(flags, 16) & _GATEWAY else ""
        yield Route("default (IPv6)" if not prefix else f"{network}/{prefix}", via, plain(interface))


def _name_servers(outputs: Outputs) -> Parsed:
    own = _resolver(outputs.get("resolver", b""))
    if own and own.servers == (_STUB,):
        own = _resolver(outputs.get("upstream", b"")) or own
    return ([own], {}) if own else ([], {ThingKind.DNS: "/etc/resolv.conf could not be read, or names no server"})


def _resolver(told: bytes) -> NameServers | None:
    words = [line.split() for line in told.decode(errors="replace").splitlines()]
    servers = [line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1 and _ip(line[1])]
    searched = [line[1:] for line in words if line[:1] in (["search"], ["domain"])]
    search = tuple(plain(name) for name in (searched[-1] if searched else [])[:MAX_SERVERS])
    return NameServers(tuple(servers[:MAX_SERVERS]), search) if servers else None


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


async def _nothing_of_ip(files: FactFiles) -> Told:
    """Tell nothing: /proc/net/fib_trie is there instead."""
    if await files.stat("/proc/net/fib_trie") is None:
        raise FileUnreadableError("/proc/net/fib_trie", "no such file")
    return Told(b"none")


NETWORK = InventoryProbe(
    name="network",
    kinds=frozenset({ThingKind.ADDRESS, ThingKind.DNS, ThingKind.FIREWALL, ThingKind.ROUTE}),
    parse=parse_network,
    mark=_mark,
    contents={
        "trie": ("/proc/net/fib_trie",),
        "addresses6": ("/proc/net/if_inet6",),
        "routes": ("/proc/net/route",),
        "routes6": ("/proc/net/ipv6_route",),
        "resolver": ("/etc/resolv.conf",),
        "upstream": ("/run/systemd/resolve/resolv.conf",),
        "ufw": ("/etc/ufw/ufw.conf",),
    },
    words={"addresses": f"ip -o -4 addr show && echo {_END.decode()}"},
    commands={"filter": firewall.COMMAND},
    files={"addresses": _nothing_of_ip},
)
