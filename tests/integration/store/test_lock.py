"""One daemon per database."""

import asyncio
import sys
from pathlib import Path

import pytest

from dthostmon.errors import AlreadyRunningError
from dthostmon.store import Store, open_store
from tests.fixtures.postgres import PASSWORD, PostgresServer

HOLD = """
import asyncio, sys
from dthostmon.store import open_store

async def main():
    store = await open_store(sys.stdin.readline().strip())
    async with store.daemon_lock():
        print("held", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_second_daemon_is_refused_until_the_first_one_ends(store: Store, store_url: str):
    other = await open_store(store_url)
    async with store.daemon_lock() as lock:
        assert await lock.is_held()
        for _ in range(2):
            with pytest.raises(AlreadyRunningError, match="already runs on the database") as refusal:
                async with other.daemon_lock():
                    pass
            assert PASSWORD not in str(refusal.value)
    async with other.daemon_lock() as lock:
        assert await lock.is_held()
        assert not lock.lost.is_set()
    await other.close()


async def test_the_lock_of_a_killed_daemon_is_free(store: Store, store_url: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    process.stdin.write(store_url.encode() + b"\n")
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(AlreadyRunningError):
        async with store.daemon_lock():
            pass
    process.kill()
    await process.communicate()
    assert await is_free_at_last(store)


async def is_free_at_last(store: Store) -> bool:
    """Tell whether the lock can be had: PostgreSQL takes a moment to see that a client has died."""
    for _ in range(200):
        try:
            async with store.daemon_lock():
                return True
        except AlreadyRunningError:
            await asyncio.sleep(0.05)
    return False


async def test_a_second_daemon_is_refused_whichever_link_it_takes(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "other").symlink_to(folder)
    (tmp_path / "link.db").symlink_to(folder / "real.db")
    first = await open_store(f"sqlite:///{folder}/real.db")
    async with first.daemon_lock():
        for path in (tmp_path / "link.db", tmp_path / "other" / "real.db"):
            second = await open_store(f"sqlite:///{path}")
            with pytest.raises(AlreadyRunningError):
                async with second.daemon_lock():
                    pass
            await second.close()
    await first.close()


async def test_commands_work_beside_the_daemon(store: Store, store_url: str):
    async with store.daemon_lock():
        other = await open_store(store_url)
        assert await other.latest_runs() == {}
        await other.close()


async def test_a_lock_whose_connection_died_is_known_to_be_lost(own_postgres_server: PostgresServer):
    store = await open_store(own_postgres_server.create_database())
    async with store.daemon_lock() as lock:
        own_postgres_server.kill()
        async with asyncio.timeout(10):
            await lock.lost.wait()
        assert not await lock.is_held()
    await store.close()


async def test_the_lock_of_a_vanished_machine_is_freed_by_keepalives(
    postgres_server: PostgresServer, postgres_url: str
):
    store = await open_store(postgres_url)
    async with store.daemon_lock() as lock:
        settings = await lock._connection.exec_driver_sql(
            "SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_keep%'"
        )
        assert dict(settings.all()) == {
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        }
    await store.close()
