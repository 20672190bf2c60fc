"""How big the database is, and of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dthostmon.store import dialect, schema
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.tables import chunks, metadata, runs


@dataclass(frozen=True, slots=True)
class StoreStats:
    """`rows` per table; sizes in bytes; `oldest_run` is None where there is no run."""

    revision: str | None
    size: int
    rows: Mapping[str, int]
    chunk_bytes_raw: int
    chunk_bytes_stored: int
    oldest_run: datetime | None


async def load(database: Database) -> StoreStats:
    """Count everything; takes seconds on a big database."""
    return await database.read(_load)


async def _load(connection: Connection) -> StoreStats:
    raw, stored = (
        await connection.execute(sa.select(_sum(chunks.c.raw_size), _sum(sa.func.length(chunks.c.data))))
    ).one()
    return StoreStats(
        revision=await schema.current(connection),
        size=await dialect.size(connection),
        rows={table.name: await _count(connection, table) for table in metadata.sorted_tables},
        chunk_bytes_raw=int(raw),
        chunk_bytes_stored=int(stored),
        oldest_run=(
            await connection.execute(sa.select(sa.func.min(runs.c.started_at, type_=runs.c.started_at.type)))
        ).scalar(),
    )


async def _count(connection: Connection, table: sa.Table) -> int:
    return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(column), 0)
