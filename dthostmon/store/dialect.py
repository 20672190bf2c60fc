"""Everything that SQLite and PostgreSQL do differently, except the column types."""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import expression
from sqlalchemy.sql.compiler import SQLCompiler

from dthostmon.store.connection import Connection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

POSTGRESQL_CONNECTIONS = 5
CONNECT_TIMEOUT_SECONDS = 10
CLOSE_TIMEOUT_SECONDS = 1.0
SQLITE_BUSY_MILLISECONDS = 10_000
SQLITE_CACHE_KIB = 512  # of each connection: the default of 2 MiB is 6 MB for the pool
PRAGMAS = (
    f"busy_timeout={SQLITE_BUSY_MILLISECONDS}",
    f"cache_size=-{SQLITE_CACHE_KIB}",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
)
# Any constant would do: PostgreSQL keeps advisory locks per database.
UPGRADE_LOCK = 0x6474_6864_0001
DAEMON_LOCK = 0x6474_6864_0002

# Classes of SQLSTATE: connection, authorization, no such database, out of resources, timeout or shutdown.
UNAVAILABLE_STATES = ("08", "28", "3D", "53", "57")

BEGIN = "dthostmon_begin"


# The parameters of a statement are lines of logs: they do not belong into errors.
OPTIONS: dict[str, Any] = {"hide_parameters": True, "max_overflow": 0}


def bucket(database: str, moment: sa.Column[datetime], seconds: int) -> sa.ColumnElement[int]:
    """Make the number of the piece of time, each `seconds` long since 1970, that a moment lies in."""
    # no parameters: PostgreSQL would not see that what is selected is what is grouped by
    if database == "postgresql":
        pieces = sa.extract("epoch", moment) / sa.literal_column(str(int(seconds)), sa.Numeric)
        return sa.cast(sa.func.floor(pieces), sa.BigInteger)
    return sa.type_coerce(moment, sa.BigInteger) // sa.literal_column(str(int(seconds) * 1_000_000), sa.BigInteger)


def sqlite_options(connections: int) -> dict[str, Any]:
    """Return what `create_engine` needs for up to so many connections, each used by one thread after the other."""
    arguments = {"isolation_level": None, "timeout": SQLITE_BUSY_MILLISECONDS / 1000, "check_same_thread": False}
    return OPTIONS | {"pool_size": connections, "connect_args": arguments}


def postgresql_options(timeout: float) -> dict[str, Any]:
    """Return what `create_async_engine` needs; no statement may take longer than `timeout` seconds."""
    settings = {"application_name": "dthostmon", "statement_timeout": str(int(timeout * 1000)), "timezone": "UTC"}
    pool = {"pool_size": POSTGRESQL_CONNECTIONS, "pool_timeout": timeout, "pool_pre_ping": True}
    return OPTIONS | pool | {"connect_args": _postgresql_arguments(timeout, settings)}


def lock_engine_options(application_name: str) -> dict[str, Any]:
    """Return what `create_async_engine` needs for the one connection to PostgreSQL that holds the daemon's lock.

    With the keepalives of most systems, a machine that vanished would hold its lock for two hours.
    """
    keepalives = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
    arguments = _postgresql_arguments(CONNECT_TIMEOUT_SECONDS, keepalives | {"application_name": application_name})
    return {"poolclass": sa.NullPool, "isolation_level": "AUTOCOMMIT", "connect_args": arguments}


def _postgresql_arguments(timeout: float, settings: dict[str, str]) -> dict[str, Any]:
    return {
        "timeout": min(timeout, CONNECT_TIMEOUT_SECONDS),
        "command_timeout": timeout,
        "server_settings": settings,
        "connection_class": _impatient_connection(),
    }


def _impatient_connection() -> type[Any]:
    """Return a connection that does not wait for a hanging server to say goodbye: the daemon has 20 s to stop."""
    import asyncpg

    class ImpatientConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
        async def close(self, *, timeout: float | None = None) -> None:
            with suppress(TimeoutError):
                await super().close(timeout=CLOSE_TIMEOUT_SECONDS if timeout is None else timeout)

    return ImpatientConnection


def prepare(engine: sa.Engine) -> None:
    """Teach an SQLite engine our settings and its transactions; PostgreSQL needs none of it."""
    sa.event.listen(engine, "connect", _set_pragmas)
    sa.event.listen(engine, "begin", _begin)


def _set_pragmas(connection: Any, _entry: ConnectionPoolEntry) -> None:
    try:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except BaseException:
        connection.close()  # nobody else knows of it yet
        raise


def _begin(connection: sa.Connection) -> None:
    """Begin by hand: the driver would begin late, and a read that turns into a write fails where another one writes."""
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def for_writing(engine: sa.Engine) -> sa.Engine:
    """Return the same engine (and pool) whose transactions begin as writers."""
    return engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})


def insert(database: str, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an INSERT that knows ON CONFLICT, for `sqlite` or `postgresql`.

    The dialect of the other database is not imported: that of PostgreSQL takes 2 MB.
    """
    if database == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)


def says_unavailable(error: DBAPIError) -> bool:
    """Tell whether PostgreSQL refused us, or is short of something, rather than the statement."""
    return str(getattr(error.orig, "sqlstate", "")).startswith(UNAVAILABLE_STATES)


async def lock_schema(connection: Connection) -> None:
    """Hold back other upgrades of this database until this transaction ends; on SQLite BEGIN IMMEDIATE does."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))


async def size(connection: Connection) -> int:
    """Return how many bytes the database takes on disk."""
    if connection.dialect.name == "postgresql":
        query = "SELECT pg_database_size(current_database())"
    else:
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    return int((await connection.execute(sa.text(query))).scalar_one())


class total(expression.FunctionElement[int]):  # noqa: N801 - an SQL function, spelled as such
    """The sum of sizes, no greater than a bigint: a host that lies about them must not break the sums of others."""

    inherit_cache = True
    type = sa.BigInteger()


@compiles(total, "sqlite")
def _total_on_sqlite(element: total, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(total({compiler.process(element.clauses, **options)}) AS INTEGER)"


@compiles(total, "postgresql")
def _total_on_postgresql(element: total, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(least(sum({compiler.process(element.clauses, **options)}), 9223372036854775807) AS bigint)"
