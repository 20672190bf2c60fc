"""Cursors: how far each log was read, and the compare-and-swap that keeps two visits from counting the same lines."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from dthostmon.errors import CursorConflictError
from dthostmon.model import Cursor, FilePosition, OpenRecords, Rhythm, StreamCursor, StreamPosition
from dthostmon.store import rhythms
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.tables import cursors, logs

AnyCursor: TypeAlias = Cursor | StreamCursor

_STREAM = "stream"  # the kind of a stored position that is none of a file; those of files have no kind

_LOAD = (
    sa.select(logs.c.path, cursors.c.version, cursors.c.current, cursors.c.previous, *rhythms.COLUMNS)
    .join(cursors, cursors.c.log_id == logs.c.id)
    .where(logs.c.host_id == sa.bindparam("host"))
)
_MOVE = sa.update(cursors).where(cursors.c.log_id == sa.bindparam("log"), cursors.c.version == sa.bindparam("seen"))


class LogStates(NamedTuple):
    """Where a host's logs were left, when they had lines, and what their next lines may continue."""

    cursors: Mapping[str, AnyCursor]
    rhythms: Mapping[str, Rhythm]
    open_records: Mapping[str, OpenRecords]


async def load(connection: Connection, host_id: int) -> LogStates:
    """Return what is known of a host's logs, each by path."""
    found = (await connection.execute(_LOAD, {"host": host_id})).all()
    return LogStates(
        {row.path: _cursor(row) for row in found},
        {row.path: rhythm for row in found if (rhythm := rhythms.value(row))},
        {row.path: records for row in found if (records := rhythms.open_records(row))},
    )


async def save(connection: Connection, host: str, log_ids: Mapping[str, int], moved: Iterable[AnyCursor]) -> None:
    """Store where a visit left off; CursorConflictError where another visit of the host has stored it first."""
    # one order for all: two visits of one host then wait for each other, and never deadlock
    for cursor in sorted(moved, key=lambda cursor: cursor.path):
        if not await swap(connection, log_ids[cursor.path], cursor):
            raise CursorConflictError(
                f"{host}: {cursor.path} was read by another visit meanwhile. Nothing of this visit was stored, and "
                "nothing is lost: the other one has these lines. If it happens again, look for a second dthostmon here."
            )


async def swap(connection: Connection, log_id: int, cursor: AnyCursor) -> bool:
    """Replace the cursor of one log if its version is still the one that was read; False where it is not."""
    row = {"version": cursor.version + 1, **_positions(cursor)}
    if cursor.version == 0:
        statement = insert(connection.dialect.name, cursors).on_conflict_do_nothing()
        swapped = await connection.execute(statement, {"log_id": log_id, **row})
    else:
        swapped = await connection.execute(_MOVE, {"log": log_id, "seen": cursor.version, **row})
    return swapped.rowcount == 1


def _positions(cursor: AnyCursor) -> dict[str, dict[str, Any] | None]:
    if isinstance(cursor, StreamCursor):
        return {"current": {"kind": _STREAM, **asdict(cursor.position)}, "previous": None}
    return {"current": asdict(cursor.current), "previous": asdict(cursor.previous) if cursor.previous else None}


def _cursor(row: AnyRow) -> AnyCursor:
    if row.current.get("kind") == _STREAM:
        token, source, recent = (row.current[name] for name in ("token", "source", "recent"))
        return StreamCursor(row.path, StreamPosition(token, source, tuple(recent)), row.version)
    previous = FilePosition(**row.previous) if row.previous else None
    return Cursor(row.path, FilePosition(**row.current), previous, row.version)
