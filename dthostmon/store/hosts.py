"""Hosts by name, and what the next visit wants to know: the patterns that were visited, the processor's counters."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from dthostmon.model import Counters, Fullness, Outlook, Visit
from dthostmon.store.columns import safe_text
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import hosts, patterns

MAX_CLIENT_ADDRESSES = 100
COUNTERS = ("uptime", "disk_read", "disk_written", "network_received", "network_sent")


# What every visit asks is built once: to build a statement takes SQLAlchemy longer than to execute it.
_FIND = sa.select(hosts).where(hosts.c.name == sa.bindparam("host"))
_PATTERNS = sa.select(patterns.c.pattern).where(patterns.c.host_id == sa.bindparam("host"))
_REMEMBER = sa.update(hosts).where(hosts.c.id == sa.bindparam("host"))


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A stored host: the processor's counters that the last visit saw, and where the host has seen us come from."""

    id: int
    cpu_times: tuple[int, ...] | None
    client_addresses: frozenset[str]
    role: str | None = None
    learned_since: datetime | None = None
    accepted: frozenset[str] = frozenset()
    counters: Counters | None = None
    recent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    outlook: Outlook | None = None


async def find(connection: Connection, name: str) -> KnownHost | None:
    """Return a host, None where nothing was stored of it."""
    row = (await connection.execute(_FIND, {"host": name})).first()
    if row is None:
        return None
    times = None if row.cpu_times is None else tuple(row.cpu_times)
    addresses, accepted = frozenset(row.client_addresses or ()), frozenset(row.accepted or ())
    return KnownHost(
        *(row.id, times, addresses, row.role, row.learned_since, accepted),
        counters=Counters(*row.counters) if row.counters else None,
        recent={name: tuple(values) for name, values in (row.recent or {}).items()},
        outlook=_outlook(row.outlook) if row.outlook else None,
    )


async def ensure(connection: Connection, name: str) -> KnownHost:
    """Return a host, storing its name the first time."""
    known = await find(connection, name)
    if known is not None:
        return known
    await connection.execute(insert(connection.dialect.name, hosts).values(name=name).on_conflict_do_nothing())
    key: int = (await connection.execute(sa.select(hosts.c.id).where(hosts.c.name == name))).scalar_one()
    return KnownHost(key, None, frozenset())


async def names(connection: Connection) -> tuple[str, ...]:
    """Return the names of all hosts that something was stored of, sorted."""
    return tuple((await connection.execute(sa.select(hosts.c.name).order_by(hosts.c.name))).scalars())


async def visited_patterns(connection: Connection, host_id: int) -> frozenset[str]:
    """Return the log patterns that were ever visited on a host."""
    return frozenset((await connection.execute(_PATTERNS, {"host": host_id})).scalars())


async def remember_patterns(connection: Connection, host_id: int, visited: Iterable[str]) -> None:
    """Add to the log patterns that were visited on a host."""
    rows = [{"host_id": host_id, "pattern": pattern} for pattern in sorted({safe_text(text) for text in visited})]
    if rows:
        await connection.execute(insert(connection.dialect.name, patterns).on_conflict_do_nothing(), rows)


async def remember(connection: Connection, host: KnownHost, visit: Visit) -> None:
    """Store what the next visit wants to know of a host, where it is told and new.

    From the first visit on that learns from the host, which is one that names its role, its usual life is known.
    """
    values = _measured(host, visit)
    if visit.role is not None and visit.role != host.role:
        values["role"] = visit.role
    if visit.role is not None and host.learned_since is None:
        values["learned_since"] = visit.run.started_at
    seen, known = visit.client_addresses, host.client_addresses
    if not seen <= known:
        newest_first = [*sorted(seen - known), *sorted(seen & known)]
        values["client_addresses"] = newest_first[:MAX_CLIENT_ADDRESSES]
    if values:
        await connection.execute(_REMEMBER, {"host": host.id, **values})


def _measured(host: KnownHost, visit: Visit) -> dict[str, Any]:
    """Return what the next visit compares its metrics with."""
    metrics, values = visit.run.facts.metrics, dict[str, Any]()
    if metrics and metrics.cpu_times:
        values["cpu_times"] = list(metrics.cpu_times)
    if metrics and metrics.counters:
        values["counters"] = [getattr(metrics.counters, name) for name in COUNTERS]
    if visit.recent is not None and visit.recent != host.recent:
        values["recent"] = {name: list(readings) for name, readings in visit.recent.items()}
    if visit.outlook is not None:
        values["outlook"] = _outlook_document(visit.outlook)
    return values


def _outlook_document(outlook: Outlook) -> Mapping[str, Any]:
    fullness = [
        {**asdict(one), "earliest_at": one.earliest_at.isoformat(), "latest_at": one.latest_at.isoformat()}
        for one in outlook.fullness
    ]
    return {"computed_at": outlook.computed_at.isoformat(), "fullness": fullness}


def _outlook(stored: Mapping[str, Any]) -> Outlook:
    fullness = (
        Fullness(
            one["mount"],
            one["percent"],
            datetime.fromisoformat(one["earliest_at"]),
            datetime.fromisoformat(one["latest_at"]),
        )
        for one in stored["fullness"]
    )
    return Outlook(datetime.fromisoformat(stored["computed_at"]), tuple(fullness))


async def accept(database: Database, name: str, states: Iterable[str]) -> None:
    """Call the states of a host normal, in the place of those that were called so before."""
    statement = sa.update(hosts).where(hosts.c.name == name).values(accepted=sorted(states))
    await database.write(partial(_execute, statement))


async def _execute(statement: sa.Update, connection: Connection) -> None:
    await connection.execute(statement)
