"""Transactions on PostgreSQL, over asyncpg."""

from typing import TypeVar

from dthostmon.store import dialect
from dthostmon.store.address import Address
from dthostmon.store.connection import Work

T = TypeVar("T")


class Postgresql:
    """A database of a server. Cancelled, a transaction is rolled back."""

    def __init__(self, address: Address, timeout: float) -> None:
        from dthostmon.store.asyncio_engine import create_async_engine

        self._engine = create_async_engine(address.driver_url, **dialect.postgresql_options(timeout))

    async def read(self, work: Work[T]) -> T:
        """Do some work in a transaction that only reads."""
        return await self.write(work)

    async def write(self, work: Work[T]) -> T:
        """Do some work in a transaction that writes."""
        async with self._engine.begin() as connection:
            return await work(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
