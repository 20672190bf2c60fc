"""The ledger: what appeared in each log, and what became of it, summed over runs."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dthostmon.store.columns import AnyRow
from dthostmon.store.dialect import total
from dthostmon.store.engine import Database
from dthostmon.store.tables import coverage, hosts, logs, runs


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The sums of one log over some runs; `since` is when the first of them started.

    `bytes_pending` is what the last of them left, `skip_reason` the last one given.
    """

    host: str
    path: str
    since: datetime
    bytes_appeared: int
    bytes_analysed: int
    bytes_skipped: int
    bytes_pending: int
    skip_reason: str | None
    gaps: tuple[str, ...] = ()


async def sums(database: Database, host: str | None, since: datetime | None) -> tuple[LedgerEntry, ...]:
    """Return the ledger of every log, by host and path."""
    async with database.read() as connection:
        return tuple(_entry(row) for row in await connection.execute(_query(host, since)))


def _query(host: str | None, since: datetime | None) -> sa.Select[*tuple[object, ...]]:
    summed = _sums(host, since)
    last, last_skip = coverage.alias("last"), coverage.alias("last_skip")
    return (
        sa.select(summed, hosts.c.name, logs.c.path, last.c.bytes_pending, last_skip.c.skip_reason)
        .join(logs, logs.c.id == summed.c.log_id)
        .join(hosts, hosts.c.id == logs.c.host_id)
        .join(last, (last.c.log_id == summed.c.log_id) & (last.c.run_id == summed.c.last_run))
        .outerjoin(last_skip, (last_skip.c.log_id == summed.c.log_id) & (last_skip.c.run_id == summed.c.last_skip))
        .order_by(hosts.c.name, logs.c.path)
    )


def _sums(host: str | None, since: datetime | None) -> sa.Subquery:
    skipped_in = sa.case((coverage.c.skip_reason.is_not(None), coverage.c.run_id))
    query = (
        sa.select(
            coverage.c.log_id,
            sa.func.min(runs.c.started_at, type_=runs.c.started_at.type).label("since"),
            total(coverage.c.bytes_appeared).label("bytes_appeared"),
            total(coverage.c.bytes_analysed).label("bytes_analysed"),
            total(coverage.c.bytes_skipped).label("bytes_skipped"),
            sa.func.max(coverage.c.run_id).label("last_run"),
            sa.func.max(skipped_in).label("last_skip"),
        )
        .join(runs, runs.c.id == coverage.c.run_id)
        .group_by(coverage.c.log_id)
    )
    if host is not None:
        query = query.where(runs.c.host_id.in_(sa.select(hosts.c.id).where(hosts.c.name == host)))
    if since is not None:
        query = query.where(runs.c.started_at >= since)
    return query.subquery("summed")


def _entry(row: AnyRow) -> LedgerEntry:
    return LedgerEntry(
        row.name,
        row.path,
        row.since,
        int(row.bytes_appeared),
        int(row.bytes_analysed),
        int(row.bytes_skipped),
        row.bytes_pending,
        row.skip_reason,
    )
