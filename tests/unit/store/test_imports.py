"""What the daemon need not carry stays on disk."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    "module",
    [
        "sqlalchemy.orm",
        "sqlalchemy.ext.asyncio.engine",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.dialects.sqlite",
        "asyncssh",
        "alembic",
        "asyncpg",
        "zstandard",
    ],
)
def test_importing_the_store_leaves_heavy_parts_out(module: str) -> None:
    assert run(f"import sys, dthostmon.store; print({module!r} in sys.modules)") == "False"


@pytest.mark.parametrize(("used", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_writing_to_one_database_leaves_the_dialect_of_the_other_out(used: str, other: str) -> None:
    code = f"""
import sys
from dthostmon.store import dialect, tables
dialect.insert({used!r}, tables.hosts).on_conflict_do_nothing()
print("sqlalchemy.dialects.{used}" in sys.modules, "sqlalchemy.dialects.{other}" in sys.modules)
"""
    assert run(code) == "True False"


def test_the_whole_package_can_still_be_imported_afterwards() -> None:
    code = """
from dthostmon.store.asyncio_engine import AsyncConnection as ours
from sqlalchemy.ext.asyncio import AsyncConnection as theirs, AsyncSession
print(ours is theirs)
"""
    assert run(code) == "True"
