"""What models took of the budget: tokens and money by day and provider."""

from dataclasses import dataclass
from datetime import date
from functools import cache, partial

import sqlalchemy as sa

from dthostmon.model import Usage
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.rows import TOKENS, usage_columns, usage_value
from dthostmon.store.tables import token_days

_SUMS = ("answers", *(f"{name}_tokens" for name in TOKENS))


@dataclass(frozen=True, slots=True)
class Spending:
    """What one provider took on one day (UTC). `cost` is None where no price is known."""

    day: date
    provider: str
    answers: int
    usage: Usage
    cost: float | None


async def add(database: Database, day: date, provider: str, usage: Usage, cost: float | None) -> None:
    """Count an answer, and what it took, to a day."""
    await database.write(partial(_add, day, provider, usage, cost))


async def _add(day: date, provider: str, usage: Usage, cost: float | None, connection: Connection) -> None:
    row = {
        "day": day.isoformat(),
        "provider": provider,
        "answers": 1,
        **usage_columns(usage),
        "cost": cost,
    }
    await connection.execute(_adding(connection.dialect.name), row)


@cache
def _adding(database: str) -> sa.Insert:
    new = insert(database, token_days)
    sums = {name: token_days.c[name] + new.excluded[name] for name in _SUMS}
    # a sum of costs of which one is unknown is unknown
    sums["cost"] = token_days.c.cost + new.excluded.cost
    return new.on_conflict_do_update(index_elements=[token_days.c.day, token_days.c.provider], set_=sums)


async def load(database: Database, since: date) -> tuple[Spending, ...]:
    """Return what was taken on each day from `since` on, the oldest first."""
    query = sa.select(token_days).where(token_days.c.day >= since.isoformat())
    rows = await database.rows(query.order_by(token_days.c.day, token_days.c.provider))
    return tuple(
        Spending(date.fromisoformat(row.day), row.provider, row.answers, usage_value(row) or Usage(), row.cost)
        for row in rows
    )
