"""aiosqlite with one trip into its thread per statement.

Its own cursor takes four: to be made, to execute, to fetch, to be closed. Each is a queue, two wake-ups and a system
call; the three spare ones took a fifth of the CPU time that it costs to store a visit.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite


class Result(NamedTuple):
    """What a statement gave; the fields are those of a DB-API cursor."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: list[Any] = []  # noqa: RUF012  # nobody changes it


class OneTripConnection(aiosqlite.Connection):
    """A connection whose cursors do all of a statement at once."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy has it: a thread that hangs must not keep the process

    def cursor(self) -> "OneTripCursor":  # type: ignore[override]  # SQLAlchemy alone asks for cursors
        """Return a cursor; nothing is asked of the database yet."""
        return OneTripCursor(self)

    async def trip(self, execute: Callable[[sqlite3.Cursor], object]) -> Result:
        """Execute a statement and fetch all its rows, in the thread of the database."""
        result: Result = await self._execute(self._result, execute)  # type: ignore[no-untyped-call]  # of aiosqlite
        return result

    def _result(self, execute: Callable[[sqlite3.Cursor], object]) -> Result:
        cursor = self._conn.cursor()
        try:
            execute(cursor)
            rows = cursor.fetchall() if cursor.description else []
            return Result(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
        finally:
            cursor.close()


class OneTripCursor:
    """What SQLAlchemy needs of an asynchronous cursor whose rows are all there."""

    def __init__(self, connection: OneTripConnection) -> None:
        self._connection = connection
        self._result = Result()
        self.arraysize = 1

    @property
    def description(self) -> Any:
        """The columns of the rows; None for a statement without any."""
        return self._result.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed; -1 where that cannot be told."""
        return self._result.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row that was inserted last."""
        return self._result.lastrowid

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement."""
        self._result = await self._connection.trip(lambda cursor: cursor.execute(statement, parameters))
        return self

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Self:
        """Execute a statement once for each row."""
        self._result = await self._connection.trip(lambda cursor: cursor.executemany(statement, rows))
        return self

    async def fetchall(self) -> list[Any]:
        """Return what was fetched."""
        return self._result.rows

    async def close(self) -> None:
        """Do nothing: the cursor of the database was closed where it was used."""


def connect(database: str, **options: Any) -> OneTripConnection:
    """Return a connection to open, with the options of `sqlite3.connect`."""
    return OneTripConnection(partial(sqlite3.connect, database, **options))
