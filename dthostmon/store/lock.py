"""One daemon per database: the second one is refused, and the lock of a dead one is free at once."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dthostmon.errors import AlreadyRunningError, StoreError
from dthostmon.store import dialect
from dthostmon.store.address import Address
from dthostmon.store.engine import translated

if TYPE_CHECKING:
    from dthostmon.store.asyncio_engine import AsyncConnection

APPLICATION_NAME = "dthostmon daemon"


class DaemonLock:
    """A held lock. `lost` is set when the database took it away: its connection died, and another daemon may start."""

    def __init__(self, connection: "AsyncConnection | None" = None) -> None:
        self.lost = asyncio.Event()
        self._connection = connection

    async def is_held(self) -> bool:
        """Ask the database over the lock's own connection; sets `lost` where it does not answer."""
        if self._connection is not None and not self.lost.is_set():
            try:
                await self._connection.execute(sa.select(1))
            except (SQLAlchemyError, OSError):
                self.lost.set()
        return not self.lost.is_set()


def hold(address: Address) -> AbstractAsyncContextManager[DaemonLock]:
    """Hold the lock of the one daemon while the context is open; AlreadyRunningError where another process does."""
    return _hold_file(address, address.file) if address.file is not None else _hold_session(address)


@asynccontextmanager
async def _hold_file(address: Address, file: Path) -> AsyncIterator[DaemonLock]:
    with translated(address):
        descriptor = await asyncio.to_thread(_open_locked, address, file)
    try:
        yield DaemonLock()
    finally:
        os.close(descriptor)


def _open_locked(address: Address, file: Path) -> int:
    """Lock a file beside the database and write our process id into it. It stays: deleting it would let two hold it."""
    database = file.resolve()  # one lock per database, whichever link leads to it
    descriptor = os.open(database.with_name(database.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise AlreadyRunningError(
            f"Another dthostmon already runs on the database {address.masked}: process {holder}. See it: ps -p {holder}"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


@asynccontextmanager
async def _hold_session(address: Address) -> AsyncIterator[DaemonLock]:
    from dthostmon.store.asyncio_engine import create_async_engine

    engine = create_async_engine(address.driver_url, **dialect.lock_engine_options(APPLICATION_NAME))
    try:
        with translated(address):
            connection = await engine.connect()
            await _take(connection, address)
        lock = DaemonLock(connection)
        async with _watched(connection, lock):
            yield lock
    finally:
        with suppress(StoreError), translated(address):
            await engine.dispose()


async def _take(connection: "AsyncConnection", address: Address) -> None:
    taken = (await connection.execute(sa.select(sa.func.pg_try_advisory_lock(dialect.DAEMON_LOCK)))).scalar()
    if not taken:
        await connection.close()
        raise AlreadyRunningError(
            f"Another dthostmon already runs on the database {address.masked}. Its row in PostgreSQL's view "
            f"pg_stat_activity, with application_name '{APPLICATION_NAME}', tells its machine (client_addr)."
        )


@asynccontextmanager
async def _watched(connection: "AsyncConnection", lock: DaemonLock) -> AsyncIterator[None]:
    """Set `lock.lost` the moment that the driver sees the connection end."""

    def notice(_connection: Any) -> None:
        lock.lost.set()

    driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.add_termination_listener(notice)
    try:
        yield
    finally:
        driver.remove_termination_listener(notice)
        with suppress(SQLAlchemyError, OSError):
            await connection.close()
