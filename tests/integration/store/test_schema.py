"""How a database gets its tables, and what a wrong one is told."""

import asyncio
import stat
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from dthostmon.errors import SchemaTooNewError, StoreError
from dthostmon.store import UpgradeResult, address, open_store, schema, upgrade
from dthostmon.store.dialect_options import metadata
from dthostmon.store.engine import Database
from dthostmon.store.migration import MIGRATIONS
from tests.integration.store.visits import append, stored


async def test_the_first_start_makes_the_tables_and_the_second_finds_them(empty_store_url: str):
    for content in (b"one\n", b"one\ntwo\n"):
        store = await open_store(empty_store_url)
        await append(store, content[-4:], minutes=len(content))
        assert await stored(store) == content
        await store.close()


async def test_the_migrations_make_the_tables_of_the_code(store_url: str):
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    database = Database(address.parse(store_url))
    assert await database.read(lambda connection: connection.run_sync(differences)) == []
    await database.close()


def test_the_code_knows_all_revisions():
    script = ScriptDirectory(str(MIGRATIONS))
    assert tuple(revision.revision for revision in script.walk_revisions())[::-1] == schema.REVISIONS


async def test_four_starts_at_once_upgrade_once(empty_store_url: str):
    stores = await asyncio.gather(*(open_store(empty_store_url) for _ in range(4)))
    await append(stores[0], b"one\n")
    assert await stored(stores[3]) == b"one\n"
    for store in stores:
        await store.close()


async def test_an_upgrade_tells_from_where_to_where(empty_store_url: str):
    newest = schema.REVISIONS[-1]
    results = await asyncio.gather(*(upgrade(empty_store_url) for _ in range(3)))
    assert sorted(results, key=lambda result: result.before or "") == [
        UpgradeResult(None, newest),
        UpgradeResult(newest, newest),
        UpgradeResult(newest, newest),
    ]


async def test_a_database_of_a_newer_version_is_left_alone(store_url: str):
    database = Database(address.parse(store_url))
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    await database.write(lambda connection: connection.execute(newer))
    for attempt in (open_store, upgrade):
        with pytest.raises(SchemaTooNewError, match=r"schema 9999; .* upgrade this one too"):
            await attempt(store_url)
    assert await database.read(schema.current) == "9999"
    await database.close()


async def test_the_daemon_never_imports_alembic(empty_store_url: str):
    code = (
        "import asyncio, sys\n"
        "from dthostmon.store import open_store\n"
        "async def main(): await (await open_store(sys.stdin.read())).close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    stdout, _ = await process.communicate(empty_store_url.encode())
    assert stdout.strip() == b"False"


async def test_a_start_that_is_cancelled_leaves_no_process(empty_store_url: str):
    start = asyncio.create_task(open_store(empty_store_url))
    await asyncio.sleep(0.2)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    store = await open_store(empty_store_url)
    await store.close()


async def test_a_new_database_file_is_its_owners_alone(tmp_path: Path):
    file = tmp_path / "dthostmon.db"
    store = await open_store(f"sqlite:///{file}")
    await append(store, b"one\n")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await store.close()
    assert modes == {"dthostmon.db": 0o600, "dthostmon.db-wal": 0o600, "dthostmon.db-shm": 0o600}


async def test_a_relative_database_lies_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    await (await open_store("sqlite:///rel.db")).close()
    assert (tmp_path / "rel.db").exists()


async def test_a_missing_folder_is_named_with_the_command_that_makes_it(tmp_path: Path):
    with pytest.raises(StoreError, match=f"mkdir -p {tmp_path}/nowhere"):
        await open_store(f"sqlite:///{tmp_path}/nowhere/dthostmon.db")


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("not a database, by no means\n" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        await open_store(f"sqlite:///{file}")
    assert file.read_text() == "not a database, by no means\n" * 100


async def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path):
    with pytest.raises(StoreError, match=str(tmp_path)):
        await open_store(f"sqlite:///{tmp_path}")
