"""Connections to bastions: one for each, shared by all hosts behind it while it is in use and a few seconds longer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.failures import reason
from dthostmon.transport.known_hosts import DEFAULT_PORT
from dthostmon.transport.line import Line

LINGER_SECONDS = 5.0
REFUSAL_SECONDS = 30.0  # so long a refused key stands for all hosts behind: one try each would lock us out
CLOSE_SECONDS = 1.0
DNS_FIX = (
    "The bastion resolves the name: give the host's address as `hostname`, or mend the bastion's /etc/resolv.conf."
)
UP_FIX = "Check that the host is up, that sshd runs there, and that no firewall is between it and the bastion."

Chain: TypeAlias = tuple[SshAccess, ...]
# Logs in to the last host of a chain; the function that it is given is called when that connection has ended.
LogIn: TypeAlias = Callable[[Chain, Callable[[], None]], Awaitable[asyncssh.SSHClientConnection]]


class HopError(VisitError):
    """A host in between could not be reached or logged in to; the message begins with its name."""


def place_of(hop: SshAccess) -> str:
    """Name a host in between."""
    return hop.hostname if hop.port == DEFAULT_PORT else f"{hop.hostname}:{hop.port}"


class Tunnels:
    """The tunnels of one event loop."""

    def __init__(self, log_in: LogIn) -> None:
        self._log_in = log_in
        self._tunnels: dict[Chain, Tunnel] = {}

    @asynccontextmanager
    async def through(self, chain: Chain) -> AsyncIterator["Tunnel"]:
        """Yield the tunnel that ends at the last host of a chain, opened if need be. Raises HopError."""
        key = tuple(replace(hop, connect_timeout=0.0, retries=()) for hop in chain)
        tunnel = self._tunnels.get(key)
        if tunnel is None or tunnel.ended:
            tunnel = self._tunnels[key] = Tunnel(chain, self._log_in)
            tunnel.life.add_done_callback(partial(self._forget, key))
        with tunnel.in_use():
            await tunnel.wait_until_open()
            yield tunnel

    def _forget(self, key: Chain, life: "asyncio.Task[None]") -> None:
        tunnel = self._tunnels.get(key)
        if tunnel is not None and tunnel.life is life:
            del self._tunnels[key]


class Tunnel:
    """A connection to a bastion. Its task logs in, and ends it when it is lost or no longer used."""

    def __init__(self, chain: Chain, log_in: LogIn) -> None:
        self.place = place_of(chain[-1])
        self._users = 0
        self._ending = False
        self._changed = asyncio.Event()
        self._openings: set[asyncio.Task[object]] = set()
        self._open: asyncio.Future[asyncssh.SSHClientConnection] = asyncio.get_running_loop().create_future()
        self.life = asyncio.create_task(self._live(chain, log_in), name=f"tunnel through {self.place}")

    @property
    def ended(self) -> bool:
        """Whether another one is to be opened instead."""
        if self._ending or self.life.done():
            return True
        return self._open.done() and self._open.exception() is None and self._open.result().is_closed()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the tunnel open, or at least being opened."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    async def wait_until_open(self) -> None:
        """Return when it is open. Each that waits has an error of its own: HopError, or what no code foresaw."""
        await asyncio.wait([self._open])
        error = self._open.exception()
        if isinstance(error, VisitError):
            raise HopError(error.kind, error.message, error.fix) from error
        if error is not None:
            raise RuntimeError(f"the login to {self.place} failed in a way nobody foresaw") from error

    async def dial(self, access: SshAccess, where: str) -> Line:
        """Connect the bastion to a host behind it. Raises VisitError."""
        line = Line(self._enter, self._leave)
        connection = self._open.result()
        opening: asyncio.Task[object] = asyncio.create_task(
            connection.create_connection(lambda: line, access.hostname, access.port), name=f"line to {where}"
        )
        self._openings.add(opening)
        opening.add_done_callback(self._opened)
        try:
            async with asyncio.timeout(access.connect_timeout):
                await asyncio.wait([opening])
            opening.result()
        except TimeoutError as exc:
            line.close()
            message = f"{where}: {self.place} got no answer from the host within {access.connect_timeout:g} s."
            raise VisitError(ErrorKind.TIMEOUT, message, UP_FIX) from exc
        except asyncssh.ChannelOpenError as exc:
            raise self._refusal(access, where, exc) from exc
        except (asyncssh.Error, OSError) as exc:
            raise self._lost(where) from exc
        except BaseException:
            line.close()  # whenever the bastion answers, the channel is given back
            raise
        return line

    async def _live(self, chain: Chain, log_in: LogIn) -> None:
        try:
            connection = await log_in(chain, self._changed.set)
        except Exception as exc:  # noqa: BLE001  # each that waits raises it
            self._open.set_exception(exc)
            self._open.exception()  # it is no loss where nobody waits any more
            if isinstance(exc, VisitError) and not exc.transient:
                await asyncio.sleep(REFUSAL_SECONDS)
            return
        self._open.set_result(connection)
        try:
            await self._serve(connection)
        finally:
            self._ending = True
            await _close(connection)

    async def _serve(self, connection: asyncssh.SSHClientConnection) -> None:
        """Return when the connection is lost, or nobody has used it for a while."""
        while not connection.is_closed():
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._users else LINGER_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                if not self._users:
                    return

    def _enter(self) -> None:
        self._users += 1
        self._changed.set()

    def _leave(self) -> None:
        self._users -= 1
        self._changed.set()
        if not self._users and not self._open.done():
            self._ending = True
            self.life.cancel()

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._openings.discard(opening)
        if not opening.cancelled():
            opening.exception()  # told already, or nobody waits any more

    def _refusal(self, access: SshAccess, where: str, exc: asyncssh.ChannelOpenError) -> VisitError:
        said = reason(exc)
        if self._open.result().is_closed():
            return self._lost(where)
        if exc.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            message = f"{where}: {self.place} does not forward connections there ({said})."
            fix = (
                f"Set `AllowTcpForwarding yes` in the sshd_config of {self.place}; `PermitOpen` there, and the options"
                f" of our key in its authorized_keys, have to allow {access.hostname}:{access.port}."
            )
            return VisitError(ErrorKind.PERMISSION, message, fix)
        if exc.code == asyncssh.OPEN_RESOURCE_SHORTAGE:
            message = f"{where}: {self.place} forwards no more connections ({said})."
            return VisitError(ErrorKind.OVERLOADED, message, "It is tried again; look at the load of the bastion.")
        message = f"{where}: {self.place} could not connect to the host: {said}."
        kind = _kind(said.lower())
        return VisitError(kind, message, DNS_FIX if kind is ErrorKind.DNS else UP_FIX)

    def _lost(self, where: str) -> VisitError:
        message = f"{where}: the connection to {self.place} was lost."
        return VisitError(ErrorKind.PROTOCOL, message, f"It is tried again; `ssh -v` to {self.place} shows more.")


def _kind(said: str) -> ErrorKind:
    """Tell what a bastion means that failed to connect; its words are those of its system's C library."""
    if "timed out" in said:
        return ErrorKind.TIMEOUT
    resolver = ("not known", "no address", "name resolution", "resolve", "no such host")
    return ErrorKind.DNS if any(words in said for words in resolver) else ErrorKind.REFUSED


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.wait_closed()
    finally:
        connection.abort()
