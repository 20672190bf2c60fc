"""How many tokens models took on each day (UTC), so that a budget survives a restart."""

from datetime import date
from functools import cache, partial

import sqlalchemy as sa

from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import token_days


async def load(database: Database, day: date) -> int:
    """Return the tokens that were spent on a day; 0 where none were."""
    found = await database.rows(sa.select(token_days.c.tokens).where(token_days.c.day == day.isoformat()))
    return int(found[0].tokens) if found else 0


async def add(database: Database, day: date, tokens: int) -> None:
    """Count more tokens as spent on a day."""
    await database.write(partial(_add, day, tokens))


async def _add(day: date, tokens: int, connection: Connection) -> None:
    await connection.execute(_adding(connection.dialect.name), {"day": day.isoformat(), "tokens": tokens})


@cache
def _adding(database: str) -> sa.Insert:
    new = insert(database, token_days)
    total = {"tokens": token_days.c.tokens + new.excluded.tokens}
    return new.on_conflict_do_update(index_elements=[token_days.c.day], set_=total)
