"""Name to address to connected socket, each with its own failure. Plain TCP: what answers may not speak SSH at all."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.threads import DaemonThreads

LOOKUPS_AT_ONCE = 32

_Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]

_lookups = DaemonThreads("lookup", LOOKUPS_AT_ONCE)  # a dead name server holds each of them for a minute


async def dial(access: SshAccess, where: str) -> socket.socket:
    """Return a connected, non-blocking socket. Raises VisitError (dns, refused, timeout)."""
    failure = VisitError(ErrorKind.DNS, f"{where}: the name has no address.", _dns_fix(access))
    for family, kind, protocol, _, address in await look_up(access, where):
        connection = socket.socket(family, kind, protocol)
        try:
            await _connect(connection, address, access.connect_timeout)
        except OSError as exc:
            connection.close()
            failure = _refusal(access, where, exc)
            failure.__cause__ = exc
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


async def look_up(access: SshAccess, where: str) -> Sequence[_Address]:
    """Return the addresses of a host's name as getaddrinfo does. Raises VisitError (dns, timeout)."""
    lookup = partial(socket.getaddrinfo, access.hostname, access.port, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(access.connect_timeout):
            return _numeric(lookup) or await _lookups.run(lookup)
    except TimeoutError as exc:
        message = f"{where}: the name servers did not answer within {access.connect_timeout:g} s."
        raise VisitError(ErrorKind.TIMEOUT, message, _dns_fix(access)) from exc
    except (socket.gaierror, UnicodeError) as exc:  # UnicodeError: a label of more than 63 characters
        message = f"{where}: the name {access.hostname} cannot be resolved."
        raise VisitError(ErrorKind.DNS, message, _dns_fix(access)) from exc


def _numeric(lookup: Callable[..., Sequence[_Address]]) -> Sequence[_Address]:
    """Return the address where it is given in numbers, which asks nobody; else nothing."""
    try:
        return lookup(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ()


async def _connect(connection: socket.socket, address: tuple[object, ...], seconds: float) -> None:
    connection.setblocking(False)
    async with asyncio.timeout(seconds):
        await asyncio.get_running_loop().sock_connect(connection, address)


def _refusal(access: SshAccess, where: str, exc: OSError) -> VisitError:
    if isinstance(exc, TimeoutError):
        message = f"{where}: the host did not answer within {access.connect_timeout:g} s."
        return VisitError(ErrorKind.TIMEOUT, message, "Check that the host is up and that no firewall drops the port.")
    if isinstance(exc, ConnectionRefusedError):
        message = f"{where}: the host refused the connection."
        return VisitError(ErrorKind.REFUSED, message, "Check that sshd runs there: `systemctl status ssh`.")
    message = f"{where}: no connection to the host: {os.strerror(exc.errno or 0).lower()}."
    return VisitError(ErrorKind.REFUSED, message, "Check the address, the route to it, and the firewalls on the way.")


def _dns_fix(access: SshAccess) -> str:
    return f"Run `getent hosts {access.hostname}`, or give the address as `hostname`."
