"""Template counters: how often each form of line was seen on a host, since when and until when."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

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
            **_rates(entry, rates),
        }
        for entry in seen
    ]
    if rows:
        await connection.execute(_counting(connection.dialect.name), rows)


def _rates(entry: TemplateCount, rates: Mapping[str, Rates]) -> dict[str, Any]:
    found = rates.get(entry.template.id)
    row = rates_row(found)
    began = found is not None and found.count == entry.count  # this visit began the hour
    return row if began else {**row, "week": None}


@cache
def _counting(database: str) -> sa.Insert:
    statement = insert(database, templates)
    new = statement.excluded
    week = sa.func.coalesce(new.week, templates.c.week)
    later = sa.case((new.last_seen > templates.c.last_seen, new.last_seen), else_=templates.c.last_seen)
    return statement.on_conflict_do_update(
        index_elements=[templates.c.host_id, templates.c.template_id],
        set_={"count": templates.c.count + new.count, "last_seen": later, "rates": new.rates, "week": week},
    )
