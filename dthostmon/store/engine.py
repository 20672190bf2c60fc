"""The database: its transactions, and foreign errors turned into ours."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dthostmon.errors import StoreError, StoreUnavailableError
from dthostmon.store import dialect
from dthostmon.store.address import Address
from dthostmon.store.columns import AnyRow, AnySelect
from dthostmon.store.connection import Connection, Work
from dthostmon.store.postgresql import Postgresql
from dthostmon.store.sqlite import Sqlite

T = TypeVar("T")

STATEMENT_TIMEOUT_SECONDS = 30.0


class Database:
    """One database and its connections. A cancelled caller leaves a transaction that is stored whole or not at all."""

    def __init__(self, address: Address, *, timeout: float = STATEMENT_TIMEOUT_SECONDS) -> None:
        self.address = address
        self._transactions = Postgresql(address, timeout) if address.file is None else Sqlite(address)

    async def read(self, work: Work[T]) -> T:
        """Do some work in one transaction that only reads, and return its result."""
        with translated(self.address):
            return await self._transactions.read(work)

    async def write(self, work: Work[T]) -> T:
        """Do some work in one transaction that writes: committed at the end, rolled back on any error."""
        with translated(self.address):
            return await self._transactions.write(work)

    async def rows(self, query: AnySelect) -> Sequence[AnyRow]:
        """Return all rows that a query finds."""
        return await self.read(partial(_rows, query))

    async def ping(self, timeout: float) -> None:
        """Ask for an answer within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self.read(lambda connection: connection.execute(sa.select(1)))
        except TimeoutError as error:
            raise unavailable(self.address, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._transactions.close()


async def _rows(query: AnySelect, connection: Connection) -> Sequence[AnyRow]:
    return (await connection.execute(query)).all()


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
