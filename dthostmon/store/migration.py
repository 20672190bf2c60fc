"""The short-lived process that upgrades a schema: the database's URL comes on stdin, the result is JSON on stdout."""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from dthostmon.errors import StoreError
from dthostmon.store import address, dialect, schema
from dthostmon.store.address import Address
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"
# An upgrade of a big database takes as long as it takes.
PATIENCE_SECONDS = 24 * 3600.0


def main() -> int:
    """Upgrade the database named on stdin."""
    try:
        told = asyncio.run(upgrade(sys.stdin.read()))
    except StoreError as error:
        told = {"error": type(error).__name__, "message": str(error)}
    json.dump(told, sys.stdout)
    return 0


async def upgrade(url: str) -> dict[str, Any]:
    """Upgrade one database in one transaction and tell the revisions before and after."""
    database = Database(address.parse(url), timeout=PATIENCE_SECONDS)
    try:
        return await database.write(partial(_upgrade, database.address))
    finally:
        await database.close()


async def _upgrade(where: Address, connection: Connection) -> dict[str, Any]:
    await dialect.lock_schema(connection)
    before = schema.check_known(await schema.current(connection), where)
    await connection.run_sync(migrate)
    return {"before": before, "after": await schema.current(connection)}


def migrate(connection: sa.Connection) -> None:
    """Run the migrations that are missing, inside the transaction of the connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")


if __name__ == "__main__":
    sys.exit(main())
