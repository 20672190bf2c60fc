"""When logs had lines, and how long they were silent."""

from collections.abc import Mapping

import sqlalchemy as sa

from dthostmon.model import Rhythm
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.tables import logs

COLUMNS = (logs.c.first_lines_at, logs.c.last_lines_at, logs.c.longest_silence)

_SAVE = sa.update(logs).where(logs.c.id == sa.bindparam("log"))


def value(row: AnyRow) -> Rhythm | None:
    """Build a log's rhythm from its row; None where it never had lines."""
    if row.first_lines_at is None:
        return None
    return Rhythm(row.first_lines_at, row.last_lines_at, row.longest_silence or 0.0)


async def save(connection: Connection, log_ids: Mapping[str, int], changed: Mapping[str, Rhythm]) -> None:
    """Store the rhythms of some logs (by path)."""
    rows = [
        {
            "log": log_ids[path],
            "first_lines_at": rhythm.first_at,
            "last_lines_at": rhythm.last_at,
            "longest_silence": rhythm.longest_silence,
        }
        for path, rhythm in changed.items()
    ]
    if rows:
        await connection.execute(_SAVE, rows)
