"""Hosts by name, and the log patterns that were visited on them."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dthostmon.store.columns import safe_text
from dthostmon.store.dialect import insert
from dthostmon.store.tables import hosts, patterns


async def find(connection: AsyncConnection, name: str) -> int | None:
    """Return the id of a host, None where nothing was stored of it."""
    return (await connection.execute(sa.select(hosts.c.id).where(hosts.c.name == name))).scalar()


async def ensure(connection: AsyncConnection, name: str) -> int:
    """Return the id of a host, storing its name the first time."""
    known = await find(connection, name)
    if known is not None:
        return known
    await connection.execute(insert(connection, hosts).values(name=name).on_conflict_do_nothing())
    key: int = (await connection.execute(sa.select(hosts.c.id).where(hosts.c.name == name))).scalar_one()
    return key


async def names(connection: AsyncConnection) -> tuple[str, ...]:
    """Return the names of all hosts that something was stored of, sorted."""
    return tuple((await connection.execute(sa.select(hosts.c.name).order_by(hosts.c.name))).scalars())


async def visited_patterns(connection: AsyncConnection, host_id: int) -> frozenset[str]:
    """Return the log patterns that were ever visited on a host."""
    query = sa.select(patterns.c.pattern).where(patterns.c.host_id == host_id)
    return frozenset((await connection.execute(query)).scalars())


async def remember_patterns(connection: AsyncConnection, host_id: int, visited: Iterable[str]) -> None:
    """Add to the log patterns that were visited on a host."""
    rows = [{"host_id": host_id, "pattern": pattern} for pattern in sorted({safe_text(text) for text in visited})]
    if rows:
        await connection.execute(insert(connection, patterns).on_conflict_do_nothing(), rows)
