"""From this machine to a host that we are logged in to, directly or through the hosts that its access names."""

import asyncio
import shlex
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakKeyDictionary

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.agent import agent_identity, check_agent
from dthostmon.transport.attempt import Attempt
from dthostmon.transport.dialing import dial
from dthostmon.transport.keys import Identity, load_identity
from dthostmon.transport.known_hosts import load_known_hosts
from dthostmon.transport.line import Line
from dthostmon.transport.login import KEEPALIVE_SECONDS, log_in
from dthostmon.transport.ssh_config import resolve
from dthostmon.transport.threads import DaemonThreads
from dthostmon.transport.tunnels import Chain, HopError, Tunnels, place_of

KEY_FILES_AT_ONCE = 4
TUNNEL_KEEPALIVE_SECONDS = 5  # a dead bastion keeps all hosts behind it waiting

_key_files = DaemonThreads("key file", KEY_FILES_AT_ONCE)
_tunnels: "WeakKeyDictionary[asyncio.AbstractEventLoop, Tunnels]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection that is logged in. `where` names the host in errors.

    `address` is the one that the host sees us come from, None where a bastion is in between; `fingerprints` are those
    of the keys that were offered.
    """

    connection: asyncssh.SSHClientConnection
    where: str
    address: str | None
    fingerprints: tuple[str, ...]


async def resolved(access: SshAccess) -> SshAccess:
    """Return an access with what its ssh_config says; as it is where it asks for none. Raises VisitError (auth)."""
    return await _key_files.run(partial(resolve, access)) if access.config else access


async def arrive(name: str, access: SshAccess, *, reads_only: bool = False) -> Arrival:
    """Connect to a host and log in, once; `reads_only` hosts shall give our key no shell.

    Raises VisitError, which says what host failed; KeyRefusedError only where it is this one that refused our key.
    """
    access = await resolved(access)
    place = f"{access.user}@{access.hostname}:{access.port}"
    where = f"{name} ({place}{f', through {place_of(access.jump[-1])}' if access.jump else ''})"
    try:
        connection, identity = await _arrive(access, where, lambda: None, KEEPALIVE_SECONDS, reads_only=reads_only)
    except HopError as error:
        raise VisitError(error.kind, f"{name} ({place}): through {error.message}", error.fix) from error
    address = None if access.jump else str(connection.get_extra_info("sockname")[0])
    return Arrival(connection, where, address, identity.fingerprints)


@asynccontextmanager
async def connected(access: SshAccess, where: str) -> AsyncIterator[socket.socket | Line]:
    """Yield a connection to the port of a host, directly or through its jumps, on which nothing was said yet.

    The access is a resolved one. asyncssh takes a socket as `sock`, a line as `tunnel`. Who does not hand it on closes
    it. Raises VisitError, which says what host failed.
    """
    try:
        async with _way(access, where) as line:
            yield line
    except HopError as error:
        raise VisitError(error.kind, f"{where}: through {error.message}", error.fix) from error


def check_access(access: SshAccess) -> None:
    """Look at the files that an access and its jumps name. Blocks; raises VisitError (auth)."""
    access = resolve(access)
    for hop in (*access.jump, access):
        try:
            if hop.agent is None:
                load_identity(hop)
            else:
                check_agent(hop)
        except VisitError as error:
            before = "" if hop is access else f"Through {place_of(hop)}: "
            raise VisitError(error.kind, f"{before}{error.message}", error.fix) from error


async def _arrive(
    access: SshAccess, where: str, lost: Callable[[], None], keepalive: float, *, reads_only: bool = False
) -> tuple[asyncssh.SSHClientConnection, Identity]:
    async with _identity(access) as identity:
        known_hosts = await _key_files.run(partial(load_known_hosts, access.known_hosts))
        attempt = Attempt(access, identity, known_hosts, where, reads_only)
        async with _way(access, where) as line:
            return await log_in(attempt, line, lost=lost, keepalive=keepalive), identity


@asynccontextmanager
async def _way(access: SshAccess, where: str) -> AsyncIterator[socket.socket | Line]:
    if not access.jump:
        yield await dial(access, where)
    else:
        async with _tunnels_of_this_loop().through(access.jump) as tunnel:
            yield await tunnel.dial(access, where)


@asynccontextmanager
async def _identity(access: SshAccess) -> AsyncIterator[Identity]:
    if access.agent is None:
        yield await _key_files.run(partial(load_identity, access))
    else:
        async with agent_identity(access, _key_files) as identity:
            yield identity


def _tunnels_of_this_loop() -> Tunnels:
    loop = asyncio.get_running_loop()
    if loop not in _tunnels:
        _tunnels[loop] = Tunnels(_log_in_to_hop)
    return _tunnels[loop]


async def _log_in_to_hop(chain: Chain, lost: Callable[[], None]) -> asyncssh.SSHClientConnection:
    hop = replace(chain[-1], jump=chain[:-1])
    where = place_of(hop)
    try:
        connection, _ = await _arrive(hop, where, lost, TUNNEL_KEEPALIVE_SECONDS)
    except HopError:
        raise
    except VisitError as error:
        named = error.message.startswith(where)  # a key that cannot be used knows no host
        fix = unresolved_fix(hop) if error.kind is ErrorKind.DNS and not hop.jump else error.fix
        raise VisitError(error.kind, error.message if named else f"{where}: {error.message}", fix) from error
    return connection


def unresolved_fix(hop: SshAccess) -> str:
    """Say what mends a host in between whose name this machine cannot resolve."""
    name = hop.hostname
    return (
        f"`jump` leads to {name}, which does not resolve (`getent hosts {shlex.quote(name)}`): write the name of a host"
        " of this configuration there, or one that resolves."
    )
