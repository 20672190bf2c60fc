"""API keys. Only a hash of each is kept; making and comparing hashes is the API's."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from dthostmon.errors import StoreError
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import api_keys

COLUMNS = [column for column in api_keys.c if column.name != "id"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key that was made. `secret_hash` is hex; `expires_at` None = never, `revoked_at` None = not revoked."""

    name: str
    scope: str
    secret_hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


async def create(database: Database, key: ApiKey) -> None:
    """Store a key; StoreError where one of that name is not revoked yet."""
    if not await database.write(partial(_create, key)):
        raise StoreError(
            f"There is an API key named {key.name!r} in force. Choose another name, or revoke that one: "
            f"dthostmon key revoke {key.name}"
        )


async def _create(key: ApiKey, connection: Connection) -> bool:
    statement = insert(connection.dialect.name, api_keys).on_conflict_do_nothing()
    return (await connection.execute(statement, asdict(key))).rowcount == 1


async def load(database: Database) -> tuple[ApiKey, ...]:
    """Return all keys, revoked and expired ones too, in the order they were made."""
    found = await database.rows(sa.select(*COLUMNS).order_by(api_keys.c.id))
    return tuple(ApiKey(**row._asdict()) for row in found)


async def revoke(database: Database, name: str, at: datetime) -> bool:
    """Revoke the key of that name; False where none is in force."""
    in_force = (api_keys.c.name == name) & api_keys.c.revoked_at.is_(None)
    statement = sa.update(api_keys).where(in_force).values(revoked_at=at)
    return (await database.write(lambda connection: connection.execute(statement))).rowcount > 0
