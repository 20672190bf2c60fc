"""A database that is down, refuses, restarts or hangs."""

import asyncio
import signal

import pytest

from dthostmon.errors import StoreUnavailableError
from dthostmon.store import open_store
from tests.fixtures.postgres import PASSWORD, PostgresServer, free_port
from tests.integration.store.visits import append, stored

SHORT_SECONDS = 0.5


async def test_nobody_listening_is_told_with_the_address():
    port = free_port()
    with pytest.raises(
        StoreUnavailableError, match=rf"127\.0\.0\.1:{port}/db .* Check that PostgreSQL runs"
    ) as refusal:
        await open_store(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/db")
    assert PASSWORD not in str(refusal.value)


async def test_a_wrong_password_is_told_without_quoting_it(postgres_server: PostgresServer):
    with pytest.raises(StoreUnavailableError, match=r"password authentication failed .* password") as refusal:
        await open_store(postgres_server.url().replace(PASSWORD, "wrong-secret"))
    assert "wrong-secret" not in str(refusal.value)


async def test_a_database_that_does_not_exist_is_told(postgres_server: PostgresServer):
    with pytest.raises(StoreUnavailableError, match='database "nowhere" does not exist'):
        await open_store(postgres_server.url("nowhere"))


async def test_after_a_crash_of_postgresql_the_next_save_works(own_postgres_server: PostgresServer):
    store = await open_store(own_postgres_server.create_database())
    await asyncio.gather(*(append(store, b"one\n", host=f"host{number}") for number in range(5)))
    own_postgres_server.kill()
    with pytest.raises(StoreUnavailableError):
        await append(store, b"lost\n", host="host1", minutes=1)
    with pytest.raises(StoreUnavailableError):
        await store.ping()
    own_postgres_server.start()
    await store.ping()
    await asyncio.gather(*(append(store, b"two\n", host=f"host{number}", minutes=2) for number in range(5)))
    assert [await stored(store, f"host{number}") for number in range(5)] == [b"one\ntwo\n"] * 5
    await store.close()


async def test_a_crash_of_postgresql_between_checkouts_is_not_noticed(own_postgres_server: PostgresServer):
    store = await open_store(own_postgres_server.create_database())
    await append(store, b"one\n")
    own_postgres_server.kill()
    own_postgres_server.start()
    await append(store, b"two\n", minutes=1)
    assert await stored(store) == b"one\ntwo\n"
    await store.close()


async def test_a_database_that_hangs_ends_in_an_error(own_postgres_server: PostgresServer):
    url = own_postgres_server.create_database()
    store = await open_store(url)
    await store.close()
    store = await open_store(url, timeout=SHORT_SECONDS)
    await append(store, b"one\n")
    own_postgres_server.signal(signal.SIGSTOP)
    async with asyncio.timeout(20):
        for attempt in (
            store.ping(SHORT_SECONDS),
            append(store, b"lost\n", minutes=1),
            open_store(url, timeout=SHORT_SECONDS),
        ):
            with pytest.raises(StoreUnavailableError):
                await attempt
    own_postgres_server.signal(signal.SIGCONT)
    await append(store, b"two\n", minutes=2)
    assert await stored(store) == b"one\ntwo\n"
    await store.close()


async def test_a_hanging_database_does_not_keep_the_store_open(own_postgres_server: PostgresServer):
    store = await open_store(own_postgres_server.create_database())
    await append(store, b"one\n")
    own_postgres_server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(15):
            await store.close()
    finally:
        own_postgres_server.signal(signal.SIGCONT)
