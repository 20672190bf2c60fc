"""The engine: connections, transactions, and foreign errors turned into ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dthostmon.errors import StoreError, StoreUnavailableError
from dthostmon.store import dialect
from dthostmon.store.address import Address
from dthostmon.store.asyncio_engine import AsyncConnection, create_async_engine

T = TypeVar("T")

STATEMENT_TIMEOUT_SECONDS = 30.0


class Database:
    """One database and the pool of connections to it. `read` and `write` are one transaction each."""

    def __init__(self, address: Address, *, timeout: float = STATEMENT_TIMEOUT_SECONDS) -> None:
        self.address = address
        self._engine = create_async_engine(address.driver_url, **dialect.engine_options(address, timeout))
        dialect.prepare(self._engine)
        self._writing = dialect.for_writing(self._engine)
        # SQLite has one writer: in line here each waits for its turn, polling for the lock took a second
        self._turn: AbstractAsyncContextManager[None] = nullcontext() if address.file is None else asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        with translated(self.address):
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes: committed at the end, rolled back on any error."""
        with translated(self.address):
            async with self._turn, self._writing.begin() as connection:
                yield connection

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do some work in one transaction that writes, and return its result."""
        if self.address.file is None:
            return await self._transact(work)
        return await uninterrupted(self._transact(work))

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self.write() as connection:
            return await work(connection)

    async def ping(self, timeout: float) -> None:
        """Ask for an answer within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self.read() as connection:
                await connection.execute(sa.select(1))
        except TimeoutError as error:
            raise unavailable(self.address, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Let work come to its end even when its caller is cancelled meanwhile; then raise the cancellation.

    SQLite works in a thread, which a cancellation does not reach: an abandoned connection keeps its transaction, and so
    keeps all other writers out, until the garbage collector finds its last cursor.
    """
    task = asyncio.create_task(work, name="store: a transaction")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None or task.cancelled():
        return task.result()
    task.exception()  # seen: the caller is gone and asks for nothing
    raise cancelled


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Raise what a driver raises as one of our errors, with the place and what to check."""
    try:
        yield
    except StoreError:
        raise
    except IntegrityError as error:
        raise StoreError(f"The database {address.masked} refused a row: {error.orig}") from error
    except (OSError, PoolTimeoutError, InterfaceError, OperationalError) as error:
        raise unavailable(address, error) from error
    except DBAPIError as error:
        if error.connection_invalidated or dialect.says_unavailable(error):
            raise unavailable(address, error) from error
        raise StoreError(f"The database {address.masked} refused a statement: {error.orig}") from error
    except (SQLAlchemyError, OverflowError) as error:
        raise StoreError(f"The database {address.masked} refused a value: {_cause(error)}") from error


def unavailable(address: Address, error: BaseException) -> StoreUnavailableError:
    """Say where nothing answers and what to check."""
    if address.file is not None:
        check = "Check that the folder exists, has room, and that this user may write in it."
    else:
        check = "Check that PostgreSQL runs there, and the user, password and database name in database.url."
    return StoreUnavailableError(f"The database {address.masked} does not answer: {_cause(error)}. {check}")


def _cause(error: BaseException) -> str:
    """Return what the driver said; SQLAlchemy would add the statement."""
    cause = getattr(error, "orig", None) or error
    return str(cause) or type(cause).__name__
