"""SQLite through its thread: one trip per statement, and the same answers as with a cursor's own four."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dthostmon.errors import StoreError
from dthostmon.store import address
from dthostmon.store.engine import Database
from dthostmon.store.sqlite_driver import OneTripConnection


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(address.parse(f"sqlite:///{tmp_path}/test.db"))
    async with opened.write() as connection:
        await connection.execute(sa.text("CREATE TABLE pairs (id INTEGER PRIMARY KEY, word TEXT UNIQUE)"))
    yield opened
    await opened.close()


INSERT = sa.text("INSERT INTO pairs (word) VALUES (:word)")


async def test_a_statement_is_one_trip_into_the_thread(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[object] = []
    ordinary = OneTripConnection._execute

    async def counted(self: OneTripConnection, *work: object) -> object:
        trips.append(work)
        return await ordinary(self, *work)

    monkeypatch.setattr(OneTripConnection, "_execute", counted)
    async with database.write() as connection:
        before = len(trips)
        await connection.execute(INSERT, {"word": "one"})
        assert (await connection.execute(sa.text("SELECT word FROM pairs"))).scalars().all() == ["one"]
        await connection.execute(INSERT, [{"word": "two"}, {"word": "three"}])
        assert len(trips) - before == 3


async def test_rows_counts_and_ids_are_those_of_the_database(database: Database) -> None:
    async with database.write() as connection:
        first = await connection.execute(INSERT, {"word": "one"})
        assert first.lastrowid == 1  # type: ignore[attr-defined]  # of a cursor's result
        await connection.execute(INSERT, [{"word": "two"}, {"word": "three"}])
        changed = await connection.execute(sa.text("UPDATE pairs SET word = word || '!' WHERE id > 1"))
        assert changed.rowcount == 2
        rows = await connection.execute(sa.text("SELECT id, word FROM pairs ORDER BY id"))
        assert list(rows.keys()) == ["id", "word"]
        assert [tuple(row) for row in rows] == [(1, "one"), (2, "two!"), (3, "three!")]
        assert (await connection.execute(sa.text("SELECT 1 WHERE 0"))).all() == []


async def test_a_refused_statement_leaves_the_connection_usable(database: Database) -> None:
    with pytest.raises(StoreError, match="UNIQUE"):
        async with database.write() as connection:
            await connection.execute(INSERT, [{"word": "one"}, {"word": "one"}])
    async with database.write() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM pairs"))).scalar_one() == 0
