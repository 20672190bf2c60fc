"""What the tables have on one database alone: nothing that a query needs, and each option imports its dialect.

The dialect of PostgreSQL takes 2 MB, so what only reads and writes rows does not import this module.
"""

import sqlalchemy as sa

from dthostmon.store.tables import api_keys, changes, chunks, findings, hosts, logs, metadata, runs

__all__ = ["metadata"]

for table in (hosts, logs, runs, findings, changes, chunks, api_keys):
    table.dialect_kwargs["sqlite_autoincrement"] = True

sa.Index(
    "uq_api_keys_active_name",
    api_keys.c.name,
    unique=True,
    sqlite_where=api_keys.c.revoked_at.is_(None),
    postgresql_where=api_keys.c.revoked_at.is_(None),
)
