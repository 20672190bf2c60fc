"""Visits: everything that one run wants stored, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import sqlalchemy as sa

from dthostmon.model import Cursor, HostState, Run, RunStatus, StreamCursor, Visit
from dthostmon.store import (
    changes,
    chunks,
    cursors,
    histories,
    hosts,
    inventories,
    logs,
    questions,
    rhythms,
    rows,
    templates,
)
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import coverage, disks, findings, host_last, runs

_RUN = sa.insert(runs).returning(runs.c.id)
_COVERAGE = sa.insert(coverage)
_DISKS = sa.insert(disks)
_FINDINGS = sa.insert(findings).returning(findings.c.id, sort_by_parameter_order=True)


async def load_state(database: Database, host: str) -> HostState:
    """Return what is known of a host before a visit."""
    return await database.read(partial(_load_state, host))


async def _load_state(name: str, connection: Connection) -> HostState:
    host = await hosts.find(connection, name)
    if host is None:
        return HostState({}, frozenset())
    logs_known = await cursors.load(connection, host.id)
    known = logs_known.cursors
    things_known = await inventories.known(connection, host.id)
    return HostState(
        cursors={path: cursor for path, cursor in known.items() if isinstance(cursor, Cursor)},
        patterns=await hosts.visited_patterns(connection, host.id),
        cpu_times=host.cpu_times,
        client_addresses=host.client_addresses,
        streams={path: cursor for path, cursor in known.items() if isinstance(cursor, StreamCursor)},
        rhythms=logs_known.rhythms,
        open_records=logs_known.open_records,
        marks=things_known.marks,
        lasting=things_known.lasting,
        accepted=host.accepted,
        counters=host.counters,
        recent=host.recent,
        outlook=host.outlook,
    )


async def save(database: Database, visit: Visit) -> Run:
    """Store a visit, all of it or nothing; return its run with the ids that it and its findings got."""
    pieces = await chunks.compress(visit.logs)
    return await database.write(partial(_save, visit, pieces))


async def _save(visit: Visit, pieces: Sequence[chunks.Piece], connection: Connection) -> Run:
    run = visit.run
    host = await hosts.ensure(connection, run.host)
    host_id = host.id
    log_ids = await logs.ensure(connection, host_id, _paths(visit))
    await cursors.save(connection, run.host, log_ids, [reading.cursor for reading in visit.logs if reading.cursor])
    await hosts.remember_patterns(connection, host_id, visit.patterns)
    await hosts.remember(connection, host, visit)
    await chunks.save(connection, host_id, log_ids, run.started_at, pieces)
    await templates.count(connection, host_id, visit.templates, run.started_at, visit.learned.rates)
    await histories.remember(connection, host_id, visit.learned)
    await rhythms.save(connection, log_ids, visit.rhythms, visit.open_records)
    run_id = await _save_run(connection, run, host_id)
    await _save_parts(connection, run, run_id, log_ids)
    await inventories.save(connection, host_id, visit.inventories, run.started_at)
    change_ids = await changes.save(connection, host_id, run_id, run.changes)
    finding_ids = await _save_findings(connection, run, run_id, host_id)
    if visit.unjudged is not None:
        await questions.keep(connection, run_id, visit.unjudged)
    found = (replace(finding, id=str(key)) for finding, key in zip(run.findings, finding_ids, strict=True))
    changed = (replace(change, id=str(key)) for change, key in zip(run.changes, change_ids, strict=True))
    return replace(run, id=str(run_id), findings=tuple(found), changes=tuple(changed))


def _paths(visit: Visit) -> set[str]:
    return {reading.path for reading in visit.logs} | {entry.path for entry in visit.run.logs}


async def _save_run(connection: Connection, run: Run, host_id: int) -> int:
    run_id: int = (await connection.execute(_RUN, rows.run_row(run, host_id))).scalar_one()
    await _remember_last(connection, run, run_id, host_id)
    return run_id


async def _remember_last(connection: Connection, run: Run, run_id: int, host_id: int) -> None:
    """Make a run the last one of its host; one that was skipped has seen nothing and hides no other."""
    statement = _last(connection.dialect.name, replaces=run.status is not RunStatus.SKIPPED)
    await connection.execute(statement, {"host_id": host_id, "run_id": run_id})


@cache
def _last(database: str, *, replaces: bool) -> sa.Insert:
    first = insert(database, host_last)
    if not replaces:
        return first.on_conflict_do_nothing()
    newest = {"run_id": first.excluded.run_id}
    return first.on_conflict_do_update(index_elements=[host_last.c.host_id], set_=newest)


async def _save_parts(connection: Connection, run: Run, run_id: int, log_ids: Mapping[str, int]) -> None:
    if run.logs:
        await connection.execute(_COVERAGE, rows.coverage_rows(run, run_id, log_ids))
    if disk_rows := rows.disk_rows(run, run_id):
        await connection.execute(_DISKS, disk_rows)


async def _save_findings(connection: Connection, run: Run, run_id: int, host_id: int) -> list[int]:
    if not run.findings:
        return []
    values = [rows.finding_row(finding, run, run_id, host_id) for finding in run.findings]
    return list((await connection.execute(_FINDINGS, values)).scalars())
