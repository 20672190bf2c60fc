"""SQLite from its threads: a transaction is one trip, ends whole, and holds up nobody who does not need the writer."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from dthostmon.errors import StoreError
from dthostmon.store import address, sqlite
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.transport.threads import DaemonThreads

INSERT = sa.text("INSERT INTO pairs (word) VALUES (:word)")
WORDS = sa.text("SELECT word FROM pairs ORDER BY id")
CONNECTIONS = sqlite.READERS + 1
GATES = count()
PATIENCE_SECONDS = 10


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(address.parse(f"sqlite:///{tmp_path}/test.db"))
    table = sa.text("CREATE TABLE pairs (id INTEGER PRIMARY KEY, word TEXT UNIQUE)")
    await opened.write(lambda connection: connection.execute(table))
    yield opened
    await opened.close()


class Gate:
    """Holds a transaction up in its thread, after it has written a word."""

    def __init__(self) -> None:
        self.number = next(GATES)
        self.begun = threading.Event()
        self.open = threading.Event()

    async def write(self, connection: Connection) -> None:
        await connection.execute(INSERT, {"word": f"held {self.number}"})
        await self.wait(connection)

    async def wait(self, connection: Connection) -> None:
        await connection.run_sync(self._wait)

    def _wait(self, _connection: sa.Connection) -> None:
        self.begun.set()
        self.open.wait(PATIENCE_SECONDS)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


async def words(database: Database) -> list[str]:
    return [row.word for row in await database.rows(WORDS)]


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.wait, PATIENCE_SECONDS)


async def test_a_transaction_is_one_trip_into_a_thread(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[object] = []
    ordinary = DaemonThreads.run

    async def counted(self: DaemonThreads, work: object) -> object:
        trips.append(work)
        return await ordinary(self, work)

    async def work(connection: Connection) -> list[str]:
        await connection.execute(INSERT, {"word": "one"})
        await connection.execute(INSERT, [{"word": "two"}, {"word": "three"}])
        return list((await connection.execute(WORDS)).scalars())

    monkeypatch.setattr(DaemonThreads, "run", counted)
    assert await database.write(work) == ["one", "two", "three"]
    assert len(trips) == 1


async def test_rows_counts_and_ids_are_those_of_the_database(database: Database) -> None:
    async def work(connection: Connection) -> None:
        first = await connection.execute(INSERT, {"word": "one"})
        assert first.lastrowid == 1
        await connection.execute(INSERT, [{"word": "two"}, {"word": "three"}])
        changed = await connection.execute(sa.text("UPDATE pairs SET word = word || '!' WHERE id > 1"))
        assert changed.rowcount == 2
        rows = await connection.execute(sa.text("SELECT id, word FROM pairs ORDER BY id"))
        assert list(rows.keys()) == ["id", "word"]
        assert [tuple(row) for row in rows] == [(1, "one"), (2, "two!"), (3, "three!")]
        assert (await connection.execute(sa.text("SELECT 1 WHERE 0"))).all() == []

    await database.write(work)


async def test_every_connection_has_the_settings(database: Database) -> None:
    async def settings(connection: Connection) -> list[object]:
        names = ("busy_timeout", "journal_mode", "synchronous", "foreign_keys")
        return [(await connection.execute(sa.text(f"PRAGMA {name}"))).scalar() for name in names]

    for transact in (database.read, database.write):
        assert await transact(settings) == [10_000, "wal", 1, 1]


async def test_a_refused_statement_leaves_nothing_and_the_connection_usable(database: Database) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute(INSERT, {"word": "zero"})
        await connection.execute(INSERT, [{"word": "one"}, {"word": "one"}])

    for _ in range(CONNECTIONS + 1):
        with pytest.raises(StoreError, match="UNIQUE"):
            await database.write(work)
    assert await words(database) == []


async def test_work_that_awaits_something_else_is_refused_and_undone(database: Database) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute(INSERT, {"word": "one"})
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaits something"):
        await database.write(work)
    assert await words(database) == []


async def test_a_cancelled_caller_returns_at_once_and_its_transaction_ends_whole(database: Database) -> None:
    for number in range(1, CONNECTIONS + 2):
        gate = Gate()
        caller = asyncio.create_task(database.write(gate.write))
        await begun(gate)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert len(await words(database)) == number - 1
        gate.open.set()
        await database.write(lambda connection: connection.execute(sa.text("SELECT 1")))  # its turn comes after
        assert len(await words(database)) == number


async def test_a_transaction_cancelled_in_line_never_begins(database: Database, gate: Gate) -> None:
    first = asyncio.create_task(database.write(gate.write))
    await begun(gate)
    second = asyncio.create_task(database.write(lambda connection: connection.execute(INSERT, {"word": "second"})))
    await asyncio.sleep(0)
    second.cancel()
    gate.open.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert second.cancelled()
    assert "second" not in await words(database)


async def test_readers_do_not_wait_for_the_writer(database: Database, gate: Gate) -> None:
    writer = asyncio.create_task(database.write(gate.write))
    await begun(gate)
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        assert await asyncio.gather(*(words(database) for _ in range(CONNECTIONS))) == [[]] * CONNECTIONS
        await database.ping(PATIENCE_SECONDS)
    assert not writer.done()
    gate.open.set()
    await writer


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_transaction_that_hangs_does_not_keep_the_database_open(
    database: Database, gate: Gate, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(sqlite, "CLOSE_TIMEOUT_SECONDS", 0.05)
    used: list[sa.Connection] = []

    async def work(connection: Connection) -> None:
        await connection.run_sync(used.append)
        await gate.wait(connection)

    hanging = asyncio.create_task(getattr(database, kind)(work))
    await begun(gate)
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        await database.close()
    assert not hanging.done()
    driver = used[0].connection.driver_connection
    gate.open.set()
    await hanging
    with pytest.raises(Exception, match="closed"):
        driver.execute("SELECT 1")
