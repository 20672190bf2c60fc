"""Runs as they were stored."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from dthostmon.model import Run
from dthostmon.store import rows
from dthostmon.store.changes import change_value
from dthostmon.store.columns import AnyRow, AnySelect
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.pages import Page, before, page
from dthostmon.store.tables import changes, coverage, disks, findings, host_last, hosts, logs, runs

NAMED = sa.select(runs, hosts.c.name).join(hosts, runs.c.host_id == hosts.c.id)
WITHOUT_EVIDENCE = [column for column in findings.c if column.name not in {"evidence", "changes"}]


async def latest_of_all(database: Database) -> Mapping[str, Run]:
    """Return the last run of every host (host -> run): findings without their evidence, and no coverage."""
    return await database.read(_latest_of_all)


async def _latest_of_all(connection: Connection) -> Mapping[str, Run]:
    last = sa.select(host_last.c.run_id)
    found = (await connection.execute(NAMED.join(host_last, host_last.c.run_id == runs.c.id))).all()
    findings_of = await _by_run(
        connection, sa.select(*WITHOUT_EVIDENCE).where(findings.c.run_id.in_(last)).order_by(findings.c.id)
    )
    disks_of = await _by_run(connection, _disks(last))
    return {row.name: _run(row, findings_of, {}, disks_of, {}) for row in found}


async def latest(database: Database, host: str) -> Run | None:
    """Return the last run of one host, complete."""
    query = NAMED.join(host_last, host_last.c.run_id == runs.c.id).where(hosts.c.name == host)
    return next(iter(await database.read(partial(_complete, query))), None)


async def find(database: Database, run_id: str) -> Run | None:
    """Return one run, complete."""
    if not (run_id.isascii() and run_id.isdecimal()) or int(run_id) >= 2**63:
        return None
    query = NAMED.where(runs.c.id == int(run_id))
    return next(iter(await database.read(partial(_complete, query))), None)


async def history(database: Database, host: str, limit: int, after: str | None) -> Page[Run]:
    """Return the runs of one host, the newest first, complete; `after` is the `next` of the page before."""
    place = before(after, runs.c.started_at, runs.c.id)
    query = (
        NAMED.where(hosts.c.name == host, place).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit + 1)
    )
    found = await database.read(partial(_complete, query))
    return page(found, limit, lambda run: (run.started_at, int(run.id or 0)))


async def _complete(query: AnySelect, connection: Connection) -> Sequence[Run]:
    found = (await connection.execute(query)).all()
    ids = [row.id for row in found]
    findings_of = await _by_run(
        connection, sa.select(findings).where(findings.c.run_id.in_(ids)).order_by(findings.c.id)
    )
    coverage_of = await _by_run(connection, _coverage(ids))
    disks_of = await _by_run(connection, _disks(ids))
    changes_of = await _by_run(connection, sa.select(changes).where(changes.c.run_id.in_(ids)).order_by(changes.c.id))
    return [_run(row, findings_of, coverage_of, disks_of, changes_of) for row in found]


def _coverage(ids: Sequence[int]) -> AnySelect:
    joined = sa.select(coverage, logs.c.path).join(logs, coverage.c.log_id == logs.c.id)
    return joined.where(coverage.c.run_id.in_(ids)).order_by(coverage.c.position)


def _disks(ids: Sequence[int] | AnySelect) -> AnySelect:
    return sa.select(disks).where(disks.c.run_id.in_(ids)).order_by(disks.c.position)


Parts = Mapping[int, Sequence[AnyRow]]


async def _by_run(connection: Connection, query: AnySelect) -> Parts:
    grouped: dict[int, list[AnyRow]] = defaultdict(list)
    for row in await connection.execute(query):
        grouped[row.run_id].append(row)
    return grouped


def _run(row: AnyRow, findings_of: Parts, coverage_of: Parts, disks_of: Parts, changes_of: Parts) -> Run:
    run = rows.run_value(
        row,
        [rows.finding_value(finding) for finding in findings_of.get(row.id, ())],
        [rows.coverage_value(entry) for entry in coverage_of.get(row.id, ())],
        [rows.disk_value(disk) for disk in disks_of.get(row.id, ())],
    )
    return replace(run, changes=tuple(map(change_value, changes_of.get(row.id, ()))))
