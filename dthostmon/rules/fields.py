"""Values that a line holds, in the form in which they are compared."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

NETWORK = "network"
IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 48

# the form that most addresses have already: it is much faster to know it than to parse it
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_PLAIN_IPV4S = re.compile(rf"(?:{_OCTET}(?:\.{_OCTET}){{3}}(?:\n|\Z))++")


def normal_address(address: str) -> str:
    """Return an address in its one form; what is none stays as it is."""
    if _PLAIN_IPV4.fullmatch(address):
        return address
    parsed = _parsed(address)
    return address if parsed is None else str(parsed)


def normal_addresses(addresses: list[str]) -> list[str]:
    """Return addresses in their one form; most have it already, and all together are looked at faster."""
    if _PLAIN_IPV4S.fullmatch("\n".join(addresses)):
        return addresses
    return list(map(normal_address, addresses))


def network_of(address: str) -> str:
    """Return the network that an address is in: what a provider gives one customer, /24 or /48."""
    if _PLAIN_IPV4.fullmatch(address):
        return f"{address.rpartition('.')[0]}.0/{IPV4_NETWORK_BITS}"
    parsed = _parsed(address)
    if parsed is None:
        return address
    bits = IPV4_NETWORK_BITS if isinstance(parsed, IPv4Address) else IPV6_NETWORK_BITS
    return str(ip_network((parsed, bits), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def networks_of(addresses: Sequence[str]) -> Sequence[str]:
    """Return the network of each address; together they are looked at faster."""
    if _PLAIN_IPV4S.fullmatch("\n".join(addresses)):
        return [f"{address.rpartition('.')[0]}.0/{IPV4_NETWORK_BITS}" for address in addresses]
    return list(map(network_of, addresses))


def values_of(names: Iterable[str], fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of the named fields; the network is made of the address."""
    return tuple(network_of(fields.get("address", "")) if name == NETWORK else fields.get(name, "") for name in names)


def rows_of(names: Iterable[str], columns: Mapping[str, Sequence[str]], lines: int) -> Iterator[tuple[str, ...]]:
    """Return the values of the named fields, line by line; the network is made of the address."""
    missing = [""] * lines
    wanted = [
        networks_of(columns.get("address", missing)) if name == NETWORK else columns.get(name, missing)
        for name in names
    ]
    return zip(*wanted, strict=True)
