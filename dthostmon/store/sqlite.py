"""Transactions on SQLite: each is one trip into a thread, whatever it does there.

A trip is a queue, two wake-ups and some system calls; one per statement made half of what a visit costs to store.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from dthostmon.store import dialect
from dthostmon.store.address import Address
from dthostmon.store.connection import Parameters, Work
from dthostmon.transport.threads import DaemonThreads

T = TypeVar("T")

READERS = 2  # they never wait for the one writer
CLOSE_TIMEOUT_SECONDS = 1.0


class Sqlite:
    """A database file. Cancelled, a transaction that has begun goes on unseen to its commit or its rollback."""

    def __init__(self, address: Address) -> None:
        self._engine = sa.create_engine(address.driver_url, **dialect.sqlite_options(READERS + 1))
        dialect.prepare(self._engine)
        self._writing = dialect.for_writing(self._engine)
        self._readers = DaemonThreads("store: reads", READERS)
        # SQLite has one writer: in line here each waits for its turn, polling for the lock took a second
        self._writer = DaemonThreads("store: writes", 1)
        self._is_closed = False

    async def read(self, work: Work[T]) -> T:
        """Do some work in a transaction that only reads."""
        return await self._readers.run(partial(self._transact, self._engine, work))

    async def write(self, work: Work[T]) -> T:
        """Do some work in a transaction that writes."""
        return await self._writer.run(partial(self._transact, self._writing, work))

    async def close(self) -> None:
        """Let what is being written end, and close all connections; neither may take long: the daemon has 20 s to stop.

        A connection that is in use even then is closed when it is given back.
        """
        self._is_closed = True
        for threads, step in ((self._writer, _nothing), (DaemonThreads("store: end", 1), self._engine.dispose)):
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await threads.run(step)

    def _transact(self, engine: sa.Engine, work: Work[T]) -> T:
        with engine.connect() as connection:
            try:
                with connection.begin():
                    return finished(work(PromptConnection(connection)))
            finally:
                if self._is_closed:
                    connection.invalidate()


def _nothing() -> None:
    pass


def finished(work: Awaitable[T]) -> T:
    """Return the result of work that awaits nothing but a connection which never waits."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("a transaction on SQLite awaits something: do that before or after it")


class PromptConnection:
    """A connection whose coroutines do all of their work before they first return."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """Tell which database this is."""
        return self._connection.dialect

    async def execute(self, statement: sa.Executable, parameters: Parameters = None) -> sa.CursorResult[Any]:
        """Execute a statement."""
        return self._connection.execute(statement, parameters)

    async def run_sync(self, work: Callable[[sa.Connection], T], /) -> T:
        """Do what needs SQLAlchemy's ordinary connection."""
        return work(self._connection)
