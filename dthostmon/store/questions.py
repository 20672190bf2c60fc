"""What no model was found to judge: kept with its run until one has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from dthostmon.model import Run
from dthostmon.store import hosts, rows
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.tables import findings, questions, runs

_FINDINGS = sa.insert(findings).returning(findings.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A run that no model judged, and the document of what there was to ask."""

    run_id: str
    evidence: Mapping[str, Any]


async def keep(connection: Connection, run_id: int, evidence: Mapping[str, Any]) -> None:
    """Keep what there was to ask about a run."""
    await connection.execute(sa.insert(questions), {"run_id": run_id, "evidence": dict(evidence)})


async def unjudged(database: Database, since: datetime, after: int, limit: int) -> tuple[Unjudged, ...]:
    """Return runs from `since` on that wait for a model, in the order of their ids, from behind `after` on."""
    query = (
        sa.select(questions.c.run_id, questions.c.evidence)
        .join(runs, runs.c.id == questions.c.run_id)
        .where(runs.c.started_at >= since, questions.c.run_id > after)
        .order_by(questions.c.run_id)
        .limit(limit)
    )
    return tuple(Unjudged(str(row.run_id), row.evidence) for row in await database.rows(query))


async def settle(database: Database, run: Run, judged_at: datetime) -> bool:
    """Store what a model says of a stored run, with the findings that have no id; False where it is settled already."""
    return await database.write(partial(_settle, run, judged_at))


async def _settle(run: Run, judged_at: datetime, connection: Connection) -> bool:
    run_id = int(run.id or 0)
    settled = await connection.execute(sa.delete(questions).where(questions.c.run_id == run_id))
    if settled.rowcount != 1:
        return False
    await connection.execute(
        sa.update(runs).where(runs.c.id == run_id).values(**rows.judgement_columns(run), judged_at=judged_at)
    )
    host = await hosts.find(connection, run.host)
    new = [finding for finding in run.findings if finding.id is None]
    if new and host is not None:
        await connection.execute(_FINDINGS, [rows.finding_row(finding, run, run_id, host.id) for finding in new])
    return True
