"""What a user types for a new host, as the values of the configuration."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from dthostmon.model import TransportKind

if TYPE_CHECKING:
    from dthostmon.config.document import Value

FORMS = "expected [USER@]HOST[:PORT], such as monitor@web1.example.org or monitor@[2001:db8::1]:22"
_PASSWORD = "a password does not go with the user; dthostmon logs in with a key"  # noqa: S105  # words, not one
_HOST = re.compile(r"\[(?P<inner>[^\[\]]*:[^\[\]]*)\](?P<rest>.*)|(?P<plain>[^\[\]]*)")
_HOST_NAME = re.compile(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]+|(?=.*[0-9A-Fa-f])[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?"
)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of `[USER@]HOST[:PORT]`; an IPv6 address has lost its brackets."""

    hostname: str
    user: str | None = None
    port: int | None = None


def parse_address(text: str) -> Address:
    """Read what was typed; raises UsageError."""
    user, at, place = text.rpartition("@")
    if ":" in user:  # what was typed is not printed back
        raise click.UsageError(f"{_PASSWORD}; {FORMS}")
    found = _HOST.fullmatch(place)
    if not found or (at and not user):
        raise click.UsageError(f"'{text}' is no address of a host; {FORMS}")
    if found["inner"]:
        return Address(_host_name(found["inner"]), user or None, _port(text, found["rest"]))
    plain = found["plain"]
    if plain.count(":") > 1:  # an IPv6 address without brackets, and so without a port
        return Address(_host_name(plain), user or None)
    hostname, colon, port = plain.partition(":")
    if not hostname:
        raise click.UsageError(f"'{text}' names no host; {FORMS}")
    return Address(_host_name(hostname), user or None, _port(text, colon + port))


def _host_name(name: str) -> str:
    if not _HOST_NAME.fullmatch(name):
        raise click.UsageError(
            f"no host is called '{name}': write letters, digits, '.', '-' and '_' (xn--… for others), or an IP"
            f" address; {FORMS}"
        )
    return name


def _port(text: str, rest: str) -> int | None:
    if not rest:
        return None
    if not re.fullmatch(r":[0-9]{1,5}", rest, re.ASCII) or not 1 <= int(rest[1:]) <= 65535:
        raise click.UsageError(f"'{text}' has no port from 1 to 65535 after its host; {FORMS}")
    return int(rest[1:])


def host_values(
    address: Address, name: str | None, transport: TransportKind, site: str | None, tags: Sequence[str]
) -> "dict[str, Value]":
    """Return the new host as the file writes it: what it inherits anyway is left out. Raises UsageError."""
    if transport is TransportKind.LOCAL and (address.user or address.port):
        raise click.UsageError("a host with transport local is this machine: no user and no port go with it")
    values: dict[str, Value] = {
        "name": name or _NOT_IN_NAMES.sub("-", address.hostname).lstrip(".-"),
        "hostname": None if transport is TransportKind.LOCAL else address.hostname,
        "user": address.user,
        "port": address.port,
        "site": site,
        "tags": list(tags) or None,
        "transport": None if transport is TransportKind.SSH else transport.value,
    }
    return {key: value for key, value in values.items() if value is not None}
