"""The connection policy: which connections are kept, how many are made at once, and when a host is left alone.

One `Connections` lives as long as its process, and there is at most one connection to each host at any time.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.model import Host, SshAccess, TransportKind
from dthostmon.transport.connection import connect
from dthostmon.transport.handshakes import Handshakes, handshake_place
from dthostmon.transport.refusal import Refusal, refused
from dthostmon.transport.session import Session

KEEP_UP_TO_INTERVAL_SECONDS = 300.0  # what is visited less often costs more by its connection than by its logins
KEPT_INTERVALS = 2  # so long a connection waits for the next visit
PROBE_SECONDS = 5.0  # what a kept connection gets for a sign of life; a slow host is only logged in to once more
CLOSE_SECONDS = 1.5

_Way: TypeAlias = tuple[TransportKind, SshAccess | None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _way(host: Host) -> _Way:
    return host.transport, host.ssh


@dataclass(slots=True)
class _Standing:
    """What is remembered of a host between its visits, all of it for one way to reach it."""

    way: _Way
    kept: Session | None = None
    kept_until: float = 0.0
    refusal: Refusal | None = None
    is_unreachable: bool = False
    is_wanted: bool = True
    visits: int = 0  # under way or waiting for their turn
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> Session | None:
        """Give the kept connection away."""
        kept, self.kept = self.kept, None
        return kept

    def drop(self) -> None:
        """End the kept connection."""
        if kept := self.take():
            kept.abort()

    def follow(self, way: _Way) -> None:
        """Start anew where the host is reached another way than before."""
        if way != self.way:
            self.drop()
            self.way, self.refusal, self.is_unreachable = way, None, False

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Note whether the host answers. Who cancels is a deadline: it did not, or not to the end."""
        try:
            yield
        except VisitError as error:
            self.is_unreachable = error.transient
            raise
        except asyncio.CancelledError:
            self.is_unreachable = True
            raise


@dataclass(slots=True)
class Connections:
    """Opens sessions for visits. Keeps those of hosts whose interval is at most `keep_up_to` seconds.

    `clock` returns monotonic seconds, `now` the time in UTC for people, `draw` a number from 0 to 1.
    """

    keep_up_to: float = KEEP_UP_TO_INTERVAL_SECONDS
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
    draw: Callable[[], float] = random.random
    _handshakes: Handshakes = field(default_factory=Handshakes)
    _standings: dict[str, _Standing] = field(default_factory=dict)

    @asynccontextmanager
    async def visit(self, host: Host) -> AsyncIterator[Session]:
        """Have an open session while the block runs; a second visit of the same host waits for the first one's end.

        Raises VisitError. When the block raises or is cancelled, the connection ends at once.
        """
        async with self._alone(host) as standing:
            session = await self._open(host, standing)
            try:
                with standing.judged():
                    yield session
            except BaseException:
                session.abort()
                raise
            await self._keep_or_close(host, standing, session)

    def is_unreachable(self, host: Host) -> bool:
        """Tell whether a host did not answer at its last visit."""
        standing = self._standings.get(host.name)
        return standing is not None and standing.way == _way(host) and standing.is_unreachable

    def forget_others(self, hosts: Iterable[Host]) -> None:
        """Forget all but these hosts; end connections to the others, to those that are now reached another way, and
        those that have waited for a visit too long.
        """
        ways = {host.name: _way(host) for host in hosts}
        for name, standing in list(self._standings.items()):
            standing.is_wanted = name in ways
            if standing.visits:
                continue
            if standing.way != ways.get(name) or self.clock() > standing.kept_until:
                standing.drop()
            if not standing.is_wanted:
                del self._standings[name]

    async def close(self) -> None:
        """End all kept connections within CLOSE_SECONDS, and keep none from now on; visits end with their blocks."""
        self.keep_up_to = 0
        kept = [session for standing in self._standings.values() if (session := standing.take())]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.gather(*(session.close() for session in kept))
        finally:
            for session in kept:
                session.abort()

    @asynccontextmanager
    async def _alone(self, host: Host) -> AsyncIterator[_Standing]:
        standing = self._standings.setdefault(host.name, _Standing(_way(host)))
        standing.is_wanted = True
        standing.visits += 1
        try:
            async with standing.alone:
                standing.follow(_way(host))
                yield standing
        finally:
            standing.visits -= 1
            if not (standing.is_wanted or standing.visits):
                del self._standings[host.name]

    async def _open(self, host: Host, standing: _Standing) -> Session:
        if (kept := standing.take()) and await _answers(kept):
            return kept
        begun = self.clock()
        if standing.refusal and standing.refusal.holds(begun, host.interval):
            raise standing.refusal.repeated(standing.refusal.due_at(begun, self.now()))
        try:
            session = await connect(
                host, draw=self.draw, once=standing.is_unreachable, turn=partial(self._handshake, standing)
            )
        except VisitError as error:
            if error.kind is ErrorKind.AUTH:
                standing.refusal = refused(error, standing.refusal, host.interval, begun)
            raise
        standing.refusal = None
        return session

    @asynccontextmanager
    async def _handshake(self, standing: _Standing, access: SshAccess) -> AsyncIterator[None]:
        async with self._handshakes.turn(handshake_place(access)):
            with standing.judged():
                yield

    async def _keep_or_close(self, host: Host, standing: _Standing, session: Session) -> None:
        standing.is_unreachable = False
        if host.ssh and host.interval <= self.keep_up_to and standing.is_wanted:
            session.rest()
            standing.kept, standing.kept_until = session, self.clock() + KEPT_INTERVALS * host.interval
        else:
            await session.close()


async def _answers(kept: Session) -> bool:
    """Ask a kept connection for a sign of life, one round trip; end it where none comes.

    A server that was restarted says so, but one behind a router that forgot the connection stays silent.
    """
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await kept.files.stat("/")
    except FileUnreadableError:
        return True
    except BaseException as error:
        kept.abort()
        if isinstance(error, VisitError | TimeoutError):
            return False
        raise
    return True
