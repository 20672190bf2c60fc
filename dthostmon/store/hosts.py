"""Hosts by name, and what the next visit wants to know: the patterns that were visited, the processor's counters."""

from collections.abc import Iterable

import sqlalchemy as sa

from dthostmon.store.asyncio_engine import AsyncConnection
from dthostmon.store.columns import safe_text
from dthostmon.store.dialect import insert
from dthostmon.store.tables import hosts, patterns

MAX_CLIENT_ADDRESSES = 100


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


async def cpu_times(connection: AsyncConnection, host_id: int) -> tuple[int, ...] | None:
    """Return the processor's counters that the last visit saw; None where none did."""
    stored = (await connection.execute(sa.select(hosts.c.cpu_times).where(hosts.c.id == host_id))).scalar()
    return None if stored is None else tuple(stored)


async def client_addresses(connection: AsyncConnection, host_id: int) -> frozenset[str]:
    """Return where a host has seen us come from."""
    stored = (await connection.execute(sa.select(hosts.c.client_addresses).where(hosts.c.id == host_id))).scalar()
    return frozenset(stored or ())


async def remember_client_addresses(connection: AsyncConnection, host_id: int, seen: frozenset[str]) -> None:
    """Store where a host has seen us come from."""
    known = await client_addresses(connection, host_id)
    if not seen <= known:
        kept = [*sorted(seen - known), *sorted(seen & known)][:MAX_CLIENT_ADDRESSES]
        await connection.execute(sa.update(hosts).where(hosts.c.id == host_id).values(client_addresses=kept))


async def remember_cpu_times(connection: AsyncConnection, host_id: int, times: tuple[int, ...]) -> None:
    """Store the processor's counters for the next visit to compare with."""
    await connection.execute(sa.update(hosts).where(hosts.c.id == host_id).values(cpu_times=list(times)))
