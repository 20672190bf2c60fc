"""The ledger: what appeared in each log, and what became of it, summed over runs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from dthostmon.store.columns import AnyRow, AnySelect
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import total
from dthostmon.store.engine import Database
from dthostmon.store.tables import coverage, hosts, logs, runs

GAPS_TOLD = 1000  # the newest; a log that is lost again and again would make the ledger itself a flood


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """What was lost of one log, and when that was seen; `bytes` is None where nobody can tell."""

    seen_at: datetime
    bytes: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The sums of one log over some runs; `since` is when the first of them started.

    `bytes_pending` is what the last of them left (None: nobody can tell), `skip_reason` the last one given, `gaps` what
    was lost, oldest first.
    """

    host: str
    path: str
    since: datetime
    bytes_appeared: int
    bytes_analysed: int
    bytes_skipped: int
    bytes_pending: int | None
    skip_reason: str | None
    gaps: tuple[LedgerGap, ...] = ()


async def sums(database: Database, host: str | None, since: datetime | None) -> tuple[LedgerEntry, ...]:
    """Return the ledger of every log, by host and path."""
    return await database.read(partial(_load, host, since))


async def _load(host: str | None, since: datetime | None, connection: Connection) -> tuple[LedgerEntry, ...]:
    gaps: dict[int, list[LedgerGap]] = defaultdict(list)
    for row in await connection.execute(_gaps_query(host, since)):
        gaps[row.log_id] += [LedgerGap(row.started_at, **gap) for gap in row.gaps]
    return tuple(_entry(row, gaps[row.log_id]) for row in await connection.execute(_query(host, since)))


def _gaps_query(host: str | None, since: datetime | None) -> AnySelect:
    columns = coverage.c.log_id, coverage.c.gaps, runs.c.started_at
    query = sa.select(*columns).join(runs, runs.c.id == coverage.c.run_id).where(coverage.c.gaps.is_not(None))
    newest = _chosen(query, host, since).order_by(runs.c.id.desc()).limit(GAPS_TOLD).subquery("newest")
    return sa.select(newest).order_by(newest.c.started_at)


def _chosen(query: AnySelect, host: str | None, since: datetime | None) -> AnySelect:
    if host is not None:
        query = query.where(runs.c.host_id.in_(sa.select(hosts.c.id).where(hosts.c.name == host)))
    return query if since is None else query.where(runs.c.started_at >= since)


def _query(host: str | None, since: datetime | None) -> AnySelect:
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
    return _chosen(query, host, since).subquery("summed")


def _entry(row: AnyRow, gaps: Sequence[LedgerGap]) -> LedgerEntry:
    return LedgerEntry(
        row.name,
        row.path,
        row.since,
        int(row.bytes_appeared),
        int(row.bytes_analysed),
        int(row.bytes_skipped),
        row.bytes_pending,
        row.skip_reason,
        tuple(gaps),
    )
