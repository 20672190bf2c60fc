"""Visits: everything that one run wants stored, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from dthostmon.model import Cursor, HostState, Run, RunStatus, StreamCursor, Visit
from dthostmon.store import chunks, cursors, hosts, logs, rows, templates
from dthostmon.store.asyncio_engine import AsyncConnection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import coverage, disks, findings, host_last, runs


async def load_state(database: Database, host: str) -> HostState:
    """Return what is known of a host before a visit."""
    async with database.read() as connection:
        host_id = await hosts.find(connection, host)
        if host_id is None:
            return HostState({}, frozenset())
        known = await cursors.load(connection, host_id)
        return HostState(
            cursors={path: cursor for path, cursor in known.items() if isinstance(cursor, Cursor)},
            patterns=await hosts.visited_patterns(connection, host_id),
            cpu_times=await hosts.cpu_times(connection, host_id),
            client_addresses=await hosts.client_addresses(connection, host_id),
            streams={path: cursor for path, cursor in known.items() if isinstance(cursor, StreamCursor)},
        )


async def save(database: Database, visit: Visit) -> Run:
    """Store a visit, all of it or nothing; return its run with the ids that it and its findings got."""
    pieces = await chunks.compress(visit.logs)
    return await database.transact(partial(_save, visit, pieces))


async def _save(visit: Visit, pieces: Sequence[chunks.Piece], connection: AsyncConnection) -> Run:
    run = visit.run
    host_id = await hosts.ensure(connection, run.host)
    log_ids = await logs.ensure(connection, host_id, _paths(visit))
    await cursors.save(connection, run.host, log_ids, [reading.cursor for reading in visit.logs if reading.cursor])
    await hosts.remember_patterns(connection, host_id, visit.patterns)
    if run.facts.metrics and run.facts.metrics.cpu_times:
        await hosts.remember_cpu_times(connection, host_id, run.facts.metrics.cpu_times)
    if visit.client_addresses:
        await hosts.remember_client_addresses(connection, host_id, visit.client_addresses)
    await chunks.save(connection, host_id, log_ids, run.started_at, pieces)
    await templates.count(connection, host_id, visit.templates, run.started_at)
    run_id = await _save_run(connection, run, host_id)
    await _save_parts(connection, run, run_id, log_ids)
    finding_ids = await _save_findings(connection, run, run_id, host_id)
    found = (replace(finding, id=str(key)) for finding, key in zip(run.findings, finding_ids, strict=True))
    return replace(run, id=str(run_id), findings=tuple(found))


def _paths(visit: Visit) -> set[str]:
    return {reading.path for reading in visit.logs} | {entry.path for entry in visit.run.logs}


async def _save_run(connection: AsyncConnection, run: Run, host_id: int) -> int:
    statement = sa.insert(runs).values(rows.run_row(run, host_id)).returning(runs.c.id)
    run_id: int = (await connection.execute(statement)).scalar_one()
    await _remember_last(connection, run, run_id, host_id)
    return run_id


async def _remember_last(connection: AsyncConnection, run: Run, run_id: int, host_id: int) -> None:
    """Make a run the last one of its host; one that was skipped has seen nothing and hides no other."""
    first = insert(connection, host_last).values(host_id=host_id, run_id=run_id)
    if run.status is RunStatus.SKIPPED:
        statement = first.on_conflict_do_nothing()
    else:
        statement = first.on_conflict_do_update(index_elements=[host_last.c.host_id], set_={"run_id": run_id})
    await connection.execute(statement)


async def _save_parts(connection: AsyncConnection, run: Run, run_id: int, log_ids: Mapping[str, int]) -> None:
    if run.logs:
        await connection.execute(sa.insert(coverage), rows.coverage_rows(run, run_id, log_ids))
    if disk_rows := rows.disk_rows(run, run_id):
        await connection.execute(sa.insert(disks), disk_rows)


async def _save_findings(connection: AsyncConnection, run: Run, run_id: int, host_id: int) -> list[int]:
    if not run.findings:
        return []
    statement = sa.insert(findings).returning(findings.c.id, sort_by_parameter_order=True)
    values = [rows.finding_row(finding, run, run_id, host_id) for finding in run.findings]
    return list((await connection.execute(statement, values)).scalars())
