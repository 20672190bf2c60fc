"""Logs by host and path."""

import hashlib
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from dthostmon.store.columns import safe_text
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.tables import logs

# Below the 32,766 parameters that a statement of either database may have.
PATHS_PER_QUERY = 10_000

_FIND = sa.select(logs.c.digest, logs.c.id).where(
    logs.c.host_id == sa.bindparam("host"), logs.c.digest.in_(sa.bindparam("digests", expanding=True))
)


async def ensure(connection: Connection, host_id: int, paths: Iterable[str]) -> Mapping[str, int]:
    """Return the id of each log (path -> id), storing the paths that are new."""
    digests = {path: _digest(path) for path in paths}
    known = await _find(connection, host_id, digests.values())
    new = {digest: path for path, digest in digests.items() if digest not in known}
    if new:
        rows = [{"host_id": host_id, "digest": digest, "path": path} for digest, path in sorted(new.items())]
        await connection.execute(insert(connection.dialect.name, logs).on_conflict_do_nothing(), rows)
        known |= await _find(connection, host_id, new)
    return {path: known[digest] for path, digest in digests.items()}


async def _find(connection: Connection, host_id: int, digests: Iterable[str]) -> dict[str, int]:
    wanted = list(digests)
    known: dict[str, int] = {}
    for start in range(0, len(wanted), PATHS_PER_QUERY):
        part = wanted[start : start + PATHS_PER_QUERY]
        found = await connection.execute(_FIND, {"host": host_id, "digests": part})
        known |= {row.digest: row.id for row in found}
    return known


def _digest(path: str) -> str:
    return hashlib.sha256(safe_text(path).encode()).hexdigest()
