"""Template counters: how often each form of line was seen on a host, since when and until when."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from dthostmon.model import Rates, TemplateCount
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.histories import rates_row
from dthostmon.store.tables import templates


async def count(
    connection: Connection,
    host_id: int,
    seen: Iterable[TemplateCount],
    at: datetime,
    rates: Mapping[str, Rates],
) -> None:
    """Add what one run saw, and the rates by template id; text and sample stay those of the first sight."""
    rows = [
        {
            "host_id": host_id,
            "template_id": entry.template.id,
            "count": entry.count,
            "first_seen": at,
            "last_seen": at,
            "program": entry.template.program,
            "text": entry.template.text,
            "sample": entry.sample,
            **rates_row(rates.get(entry.template.id)),
        }
        for entry in seen
    ]
    if rows:
        await connection.execute(_counting(connection.dialect.name), rows)


@cache
def _counting(database: str) -> sa.Insert:
    statement = insert(database, templates)
    new = statement.excluded
    later = sa.case((new.last_seen > templates.c.last_seen, new.last_seen), else_=templates.c.last_seen)
    return statement.on_conflict_do_update(
        index_elements=[templates.c.host_id, templates.c.template_id],
        set_={"count": templates.c.count + new.count, "last_seen": later, "rates": new.rates, "week": new.week},
    )
