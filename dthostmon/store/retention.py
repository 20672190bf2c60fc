"""Retention: what is old goes, a batch at a time, so that no save waits long for its turn."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dthostmon.store.engine import Database
from dthostmon.store.tables import chunks, cycles, host_last, runs

BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class PruneResult:
    """How many rows went; findings, coverage and disks go with their run and are not counted."""

    runs: int
    chunks: int
    cycles: int


async def prune(database: Database, older_than_runs: datetime, older_than_logs: datetime, batch: int) -> PruneResult:
    """Delete runs and cycles that started, and chunks that were read, before two times; never a host's last run."""
    last = sa.select(host_last.c.run_id)
    return PruneResult(
        runs=await _delete(database, runs, (runs.c.started_at < older_than_runs) & runs.c.id.not_in(last), batch),
        chunks=await _delete(database, chunks, chunks.c.read_at < older_than_logs, batch),
        cycles=await _delete(database, cycles, cycles.c.started_at < older_than_runs, batch),
    )


async def _delete(database: Database, table: sa.Table, old: sa.ColumnElement[bool], batch: int) -> int:
    some = sa.select(table.c.id).where(old).limit(batch)
    deleted = 0
    statement = sa.delete(table).where(table.c.id.in_(some))
    while count := (await database.write(lambda connection: connection.execute(statement))).rowcount:
        deleted += count
    return deleted
