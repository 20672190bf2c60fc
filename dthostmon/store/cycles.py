"""Cycles: when all due hosts were last gone through, and how that ended."""

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from dthostmon.model import Cycle, RunStatus
from dthostmon.store.engine import Database
from dthostmon.store.tables import cycles


@dataclass(frozen=True, slots=True)
class CycleRow:
    """One stored cycle: its `duration` in seconds, and how many hosts ended how."""

    id: str
    started_at: datetime
    duration: float
    hosts: int
    ok: int
    failed: int
    skipped: int


async def save(database: Database, cycle: Cycle) -> None:
    """Store the summary of a cycle."""
    skipped = sum(run.status is RunStatus.SKIPPED for run in cycle.runs)
    row = CycleRow(cycle.id, cycle.started_at, cycle.duration, len(cycle.runs), cycle.ok, cycle.failed, skipped)
    statement = sa.insert(cycles).values(asdict(row))
    await database.write(lambda connection: connection.execute(statement))


async def last(database: Database) -> CycleRow | None:
    """Return the cycle that started last."""
    query = sa.select(cycles).order_by(cycles.c.started_at.desc()).limit(1)
    found = await database.rows(query)
    return CycleRow(**found[0]._asdict()) if found else None
