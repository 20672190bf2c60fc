"""A host's usual life: what counting rules and first sights remember, and how often its templates are seen."""

from array import array
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from dthostmon.model import History, HistoryUpdate, KnownTemplate, Rates, RunStatus, SeenTrail
from dthostmon.store import hosts
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.rows import evidence_document, evidence_value
from dthostmon.store.tables import histories, runs, templates
from dthostmon.store.tables import hosts as hosts_table

# Below the 32,766 parameters that a statement of either database may have.
IDS_PER_QUERY = 10_000
MAX_PEERS = 20  # hosts of a role that are asked for a template: enough to know what is usual there

# only visits that learned count: those of an older version stored runs and knew nothing of the host's usual life
_OK = (
    runs.c.host_id == sa.bindparam("host"),
    runs.c.status == RunStatus.OK.value,
    runs.c.started_at >= sa.bindparam("since"),
)
_COUNTED = sa.select(runs.c.id).where(*_OK).limit(sa.bindparam("limit")).subquery()
_SPAN = sa.select(
    sa.select(sa.func.count()).select_from(_COUNTED).scalar_subquery().label("runs"),
    sa.select(runs.c.started_at)
    .where(*_OK)
    .order_by(runs.c.started_at.desc())
    .limit(1)
    .scalar_subquery()
    .label("last"),
)
_REMEMBERED = sa.select(histories.c.trails, histories.c["values"]).where(histories.c.host_id == sa.bindparam("host"))
_KNOWN = sa.select(
    templates.c.template_id,
    templates.c["count"],
    templates.c.first_seen,
    templates.c.rates,
    templates.c.week,
    templates.c.normal_until,
).where(templates.c.host_id == sa.bindparam("host"), templates.c.template_id.in_(sa.bindparam("ids", expanding=True)))
_PEERS = (
    sa.select(hosts_table.c.id)
    .where(hosts_table.c.role == sa.bindparam("role"), hosts_table.c.id != sa.bindparam("host"))
    .order_by(hosts_table.c.id)
    .limit(MAX_PEERS)
)
_ELSEWHERE = sa.select(templates.c.template_id).where(
    templates.c.host_id.in_(sa.bindparam("hosts", expanding=True)),
    templates.c.template_id.in_(sa.bindparam("ids", expanding=True)),
)


async def load(database: Database, host: str, template_ids: Sequence[str], role: str, max_runs: int) -> History:
    """Return what is known of a host and of the named templates on it; runs are counted up to `max_runs`."""
    return await database.read(partial(_load, host, template_ids, role, max_runs))


async def _load(name: str, ids: Sequence[str], role: str, max_runs: int, connection: Connection) -> History:
    host = await hosts.find(connection, name)
    if host is None or host.learned_since is None:
        return History()
    span = (await connection.execute(_SPAN, {"host": host.id, "limit": max_runs, "since": host.learned_since})).one()
    remembered = (await connection.execute(_REMEMBERED, {"host": host.id})).first()
    known = {row.template_id: _known(row) for row in await _in_parts(connection, _KNOWN, ids, {"host": host.id})}
    new = [one for one in ids if one not in known] if role else []
    peers = list((await connection.execute(_PEERS, {"host": host.id, "role": role})).scalars()) if new else []
    elsewhere = await _in_parts(connection, _ELSEWHERE, new, {"hosts": peers}) if peers else []
    return History(
        runs=span.runs,
        first_run_at=host.learned_since,
        last_run_at=span.last,
        trails=_trails(remembered.trails) if remembered else {},
        values={tuple(key): seen for key, seen in remembered[1]} if remembered else {},
        templates=known,
        elsewhere=frozenset(row.template_id for row in elsewhere),
    )


async def _in_parts(
    connection: Connection, query: sa.Select[*tuple[Any, ...]], ids: Sequence[str], values: Mapping[str, Any]
) -> list[AnyRow]:
    found: list[AnyRow] = []
    for start in range(0, len(ids), IDS_PER_QUERY):
        part = list(ids[start : start + IDS_PER_QUERY])
        found += (await connection.execute(query, {**values, "ids": part})).all()
    return found


def _known(row: AnyRow) -> KnownTemplate:
    told = row.rates
    rates = Rates(**{**told, "recent": tuple(told["recent"])}, week=_hours(row.week)) if told else None
    return KnownTemplate(row[1], row.first_seen, rates, row.normal_until)


def _hours(packed: bytes | None) -> tuple[float, ...]:
    return tuple(array("f", packed)) if packed else ()


def rates_row(rates: Rates | None) -> dict[str, Any]:
    """Return a template's rates as columns: numbers as JSON, the hours of the week packed as 32-bit floats.

    The week changes with the hour only, and is by far the most of it: None = as it is stored.
    """
    if rates is None:
        return {"rates": None, "week": None}
    told = {"hour": rates.hour, "count": rates.count, "seconds": rates.seconds, "recent": list(rates.recent)}
    return {"rates": told, "week": array("f", rates.week).tobytes() if rates.week else None}


def _trails(stored: Sequence[Any]) -> dict[tuple[str, ...], SeenTrail]:
    return {
        tuple(entry["key"]): SeenTrail(dict(entry["counts"]), tuple(map(evidence_value, entry["evidence"])))
        for entry in stored
    }


async def remember(connection: Connection, host_id: int, learned: HistoryUpdate) -> None:
    """Store what a visit changed."""
    row: dict[str, Any] = {}
    if learned.trails is not None:
        row["trails"] = [
            {
                "key": list(key),
                "counts": [list(item) for item in sorted(seen.counts.items())],
                "evidence": list(map(evidence_document, seen.evidence)),
            }
            for key, seen in learned.trails.items()
        ]
    if learned.values is not None:
        row["values"] = [[list(key), seen] for key, seen in learned.values.items()]
    if row:
        statement = _remembering(connection.dialect.name, tuple(row))
        await connection.execute(statement, {"host_id": host_id, "trails": [], "values": [], **row})


@cache
def _remembering(database: str, changed: tuple[str, ...]) -> sa.Insert:
    first = insert(database, histories)
    new = {name: first.excluded[name] for name in changed}
    return first.on_conflict_do_update(index_elements=[histories.c.host_id], set_=new)
