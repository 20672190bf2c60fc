"""What was measured over time, thinned by the database: a host may have a hundred thousand runs in its window."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

import sqlalchemy as sa

from dthostmon.model import RunStatus
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import bucket
from dthostmon.store.engine import Database
from dthostmon.store.tables import disks, hosts, runs
from dthostmon.trends import PastUsage, Sample

MOST_MOUNTS = 32


@dataclass(frozen=True, slots=True)
class Point:
    """What the runs of a piece of time say together; None = unknown.

    `at` is when the last of them began, `failed` how many of them did not see the host. The score is the lowest, those
    of mounts (in percent) are the highest, the others are means.
    """

    at: datetime
    runs: int
    failed: int
    score: int | None
    cpu_percent: float | None
    memory_percent: float | None
    swap_percent: float | None
    load1: float | None
    disks: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A host from `since` to `until`; each point stands for `seconds`."""

    since: datetime
    until: datetime
    seconds: int
    points: tuple[Point, ...]


async def past_usage(database: Database, host: str, mounts: Sequence[str], since: datetime, most: int) -> PastUsage:
    """Return how much of the memory and of some mounts was used since a time: of each piece of time the last value.

    There are so many pieces that at most `most` values come of each, up to now.
    """
    return await database.read(partial(_past_usage, host, mounts, since, most))


async def _past_usage(
    host: str, mounts: Sequence[str], since: datetime, most: int, connection: Connection
) -> PastUsage:
    mine = [*_of(host, since), runs.c.status == RunStatus.OK.value]
    newest = (await connection.execute(sa.select(_latest()).where(*mine))).scalar()
    if newest is None:
        return PastUsage()
    piece = bucket(connection.dialect.name, runs.c.started_at, _seconds(since, newest, most))
    picked = list((await connection.execute(sa.select(sa.func.max(runs.c.id)).where(*mine).group_by(piece))).scalars())
    columns = (runs.c.started_at, runs.c.memory_percent)
    memory = sa.select(*columns).where(runs.c.id.in_(picked), runs.c.memory_percent.is_not(None))
    found = await connection.execute(memory.order_by(runs.c.started_at))
    space = sa.select(runs.c.started_at, disks.c.mount, disks.c.used).join(runs, disks.c.run_id == runs.c.id)
    space = space.where(disks.c.run_id.in_(picked), disks.c.mount.in_(mounts)).order_by(runs.c.started_at)
    by_mount: defaultdict[str, list[Sample]] = defaultdict(list)
    for row in await connection.execute(space):
        by_mount[row.mount].append(Sample(row.started_at.timestamp(), float(row.used)))
    return PastUsage([Sample(row.started_at.timestamp(), row.memory_percent) for row in found], by_mount)


async def load(database: Database, host: str, since: datetime, until: datetime, most: int) -> Series:
    """Return at most `most` points of a host; the mounts are those that its last good run saw, the fullest."""
    return await database.read(partial(_load, host, since, until, most))


async def _load(host: str, since: datetime, until: datetime, most: int, connection: Connection) -> Series:
    seconds = _seconds(since, until, most)
    piece = bucket(connection.dialect.name, runs.c.started_at, seconds).label("piece")
    mine = [*_of(host, since), runs.c.started_at <= until]
    found = await connection.execute(sa.select(piece, *_summary()).where(*mine).group_by(piece).order_by(piece))
    rows = found.all()
    highest = sa.select(piece, disks.c.mount, sa.func.max(disks.c.percent).label("percent"))
    highest = highest.join(runs, disks.c.run_id == runs.c.id).where(*mine, disks.c.mount.in_(_mounts(host)))
    by_piece: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for row in await connection.execute(highest.group_by(piece, disks.c.mount).order_by(disks.c.mount)):
        if row.percent is not None:
            by_piece[row.piece][row.mount] = row.percent
    return Series(since, until, seconds, tuple(_point(row, by_piece.get(row.piece, {})) for row in rows))


def _of(host: str, since: datetime) -> list[sa.ColumnElement[bool]]:
    key = sa.select(hosts.c.id).where(hosts.c.name == host).scalar_subquery()
    return [runs.c.host_id == key, runs.c.started_at >= since]


def _latest() -> sa.ColumnElement[datetime]:
    return sa.func.max(runs.c.started_at, type_=runs.c.started_at.type)


def _seconds(since: datetime, until: datetime, most: int) -> int:
    """Return how long a piece of time is: they begin at multiples of that, so both ends may be pieces of their own."""
    return max(1, ceil((until - since) / timedelta(seconds=1) / max(1, most - 1)))


def _summary() -> Sequence[sa.ColumnElement[Any]]:
    means = (runs.c.cpu_percent, runs.c.memory_percent, runs.c.swap_percent, runs.c.load1)
    failed = sa.case((runs.c.status == RunStatus.FAILED.value, 1), else_=0)
    return (
        _latest().label("at"),
        sa.func.count().label("runs"),
        sa.func.sum(failed).label("failed"),
        sa.func.min(runs.c.score).label("score"),
        *(sa.func.avg(column).label(column.name) for column in means),
    )


def _mounts(host: str) -> sa.Select[tuple[str]]:
    key = sa.select(hosts.c.id).where(hosts.c.name == host).scalar_subquery()
    good = sa.select(runs.c.id).where(runs.c.host_id == key, runs.c.status == RunStatus.OK.value)
    last = good.order_by(runs.c.started_at.desc()).limit(1).scalar_subquery()
    shown = sa.select(disks.c.mount).where(disks.c.run_id == last)
    return shown.order_by(disks.c.percent.desc().nulls_last(), disks.c.mount).limit(MOST_MOUNTS)


def _point(row: AnyRow, of_mounts: Mapping[str, float]) -> Point:
    return Point(
        at=row.at,
        runs=row.runs,
        failed=int(row.failed),
        score=row.score,
        cpu_percent=_rounded(row.cpu_percent),
        memory_percent=_rounded(row.memory_percent),
        swap_percent=_rounded(row.swap_percent),
        load1=_rounded(row.load1),
        disks=of_mounts,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
