"""Opens sessions: picks the transport of a host and tries again where another try can help."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from dthostmon.errors import VisitError
from dthostmon.model import Host, SshAccess, TransportKind
from dthostmon.transport.framing import BOUNDARY_BYTES
from dthostmon.transport.local import LocalSession
from dthostmon.transport.session import Limits, Session

RETRY_JITTER = 0.2


def new_boundary() -> str:
    """Return a word that no host can guess."""
    return secrets.token_hex(BOUNDARY_BYTES)


def _at_once(_access: SshAccess) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def connect(
    host: Host,
    *,
    limits: Limits | None = None,
    draw: Callable[[], float] = random.random,
    make_boundary: Callable[[], str] = new_boundary,
    once: bool = False,
    turn: Callable[[SshAccess], AbstractAsyncContextManager[None]] = _at_once,
) -> Session:
    """Open a session to a host, trying again after each pause of `host.ssh.retries` where the failure may pass.

    `once` tries but once. Each try, without the pauses, happens inside of `turn`.

    `draw` returns a number from 0 to 1 and spreads the pauses by a fifth, so that hosts that failed together do not
    come back together. `make_boundary` returns a word that no host can guess. Raises VisitError.
    """
    limits = limits or Limits()
    access = host.ssh
    if host.transport is TransportKind.LOCAL:
        return LocalSession(limits, make_boundary)
    if access is None:
        raise ValueError(f"{host.name} has transport {host.transport} and no ssh settings")
    from dthostmon.transport.jump import resolved
    from dthostmon.transport.ssh import open_session

    async def attempt() -> Session:
        reached = await resolved(access)
        async with turn(reached):
            return await open_session(host, reached, limits, make_boundary)

    return await _persistently(attempt, () if once else access.retries, draw)


def check_key(access: SshAccess) -> VisitError | None:
    """Tell what is wrong with a host's key, certificate, ssh_config, or those of its jump hosts; None = nothing."""
    from dthostmon.transport.jump import check_access

    try:
        check_access(access)
    except VisitError as error:
        return error
    return None


async def _persistently(
    attempt: Callable[[], Awaitable[Session]], pauses: tuple[float, ...], draw: Callable[[], float]
) -> Session:
    for pause in pauses:
        try:
            return await attempt()
        except VisitError as error:
            if not error.transient:
                raise
        await asyncio.sleep(pause * (1 + RETRY_JITTER * (2 * draw() - 1)))
    return await attempt()
