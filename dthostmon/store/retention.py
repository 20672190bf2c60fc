"""Retention: what is old goes, a batch at a time, so that no save waits long for its turn."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dthostmon.store import inventories
from dthostmon.store.columns import AnySelect
from dthostmon.store.engine import Database
from dthostmon.store.tables import chunks, cycles, host_last, opinions, runs, templates

BATCH_ROWS = 500
MAX_TEMPLATES_PER_HOST = 20_000  # what a flood of free text leaves; an ordinary host has some hundred


@dataclass(frozen=True, slots=True)
class PruneResult:
    """How many rows went; findings, changes, coverage and disks go with their run and are not counted."""

    runs: int
    chunks: int
    cycles: int
    templates: int = 0
    opinions: int = 0
    inventories: int = 0


async def prune(database: Database, older_than_runs: datetime, older_than_logs: datetime, batch: int) -> PruneResult:
    """Delete runs and cycles that started, and chunks that were read, before two times; never a host's last run.

    Contents of inventories go that no host has any more. Opinions of models go with the chunks that they are about.

    Templates go that were last seen before the first of the two, and beyond MAX_TEMPLATES_PER_HOST those last seen
    longest ago.
    """
    last = sa.select(host_last.c.run_id)
    return PruneResult(
        runs=await _delete(database, runs, (runs.c.started_at < older_than_runs) & runs.c.id.not_in(last), batch),
        chunks=await _delete(database, chunks, chunks.c.read_at < older_than_logs, batch),
        cycles=await _delete(database, cycles, cycles.c.started_at < older_than_runs, batch),
        templates=await _delete_templates(database, older_than_runs, batch),
        opinions=await _delete(database, opinions, opinions.c.answered_at < older_than_logs, batch, opinions.c.key),
        inventories=await inventories.prune(database),
    )


async def _delete_templates(database: Database, older_than: datetime, batch: int) -> int:
    is_marked = templates.c.normal_until.is_not(None) & (templates.c.normal_until > older_than)
    key = sa.tuple_(templates.c.host_id, templates.c.template_id)
    keys = sa.select(templates.c.host_id, templates.c.template_id)
    deleted = await _delete_some(database, key, keys.where(templates.c.last_seen < older_than, ~is_marked), batch)
    count = sa.func.count()
    crowded = sa.select(templates.c.host_id).group_by(templates.c.host_id).having(count > MAX_TEMPLATES_PER_HOST)
    for host in (await database.read(lambda connection: connection.execute(crowded))).scalars():
        newest_first = keys.where(templates.c.host_id == host, ~is_marked).order_by(templates.c.last_seen.desc())
        deleted += await _delete_some(database, key, newest_first.offset(MAX_TEMPLATES_PER_HOST), batch)
    return deleted


async def _delete_some(database: Database, key: sa.Tuple, keys: AnySelect, batch: int) -> int:
    statement = sa.delete(templates).where(key.in_(keys.limit(batch)))
    deleted = 0
    while count := (await database.write(lambda connection: connection.execute(statement))).rowcount:
        deleted += count
    return deleted


async def _delete(
    database: Database,
    table: sa.Table,
    old: sa.ColumnElement[bool],
    batch: int,
    key: sa.Column[Any] | None = None,
) -> int:
    column = table.c.id if key is None else key
    some = sa.select(column).where(old).limit(batch)
    deleted = 0
    statement = sa.delete(table).where(column.in_(some))
    while count := (await database.write(lambda connection: connection.execute(statement))).rowcount:
        deleted += count
    return deleted
