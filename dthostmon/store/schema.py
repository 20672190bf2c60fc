"""Whether a database has the tables that this version needs, and the short-lived process that makes them.

Alembic costs 48 MB of memory, so this process never imports it.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from dthostmon import errors
from dthostmon.errors import SchemaTooNewError, SchemaTooOldError, StoreError
from dthostmon.store.address import Address
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database

# Oldest first; the last one is what this version works with.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")

VERSION_TABLE = sa.table("alembic_version", sa.column("version_num"))
PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class UpgradeResult:
    """What an upgrade did: the schema's revision before (None: there was none) and after."""

    before: str | None
    after: str


async def ensure_current(database: Database) -> None:
    """Upgrade the schema where it is older than this version; SchemaTooNewError, nothing touched, where it is newer."""
    revision = check_known(await database.read(current), database.address)
    if revision != REVISIONS[-1]:
        await upgrade(database.address)


async def current(connection: Connection) -> str | None:
    """Return the revision of the schema, None where there is none yet."""
    there = await connection.run_sync(lambda sync: sa.inspect(sync).has_table(VERSION_TABLE.name))
    if not there:
        return None
    return (await connection.execute(sa.select(VERSION_TABLE.c.version_num))).scalar()


def check_known(revision: str | None, address: Address) -> str | None:
    """Return the revision if this version has heard of it."""
    if revision is not None and revision not in REVISIONS:
        raise SchemaTooNewError(
            f"The database {address.masked} has schema {revision}; this dthostmon knows {REVISIONS[-1]}. A newer "
            "dthostmon has upgraded it: upgrade this one too. Nothing was changed."
        )
    return revision


async def upgrade(address: Address) -> UpgradeResult:
    """Bring the schema to this version in a process of its own; several at once wait for each other."""
    command = (sys.executable, "-P", "-m", "dthostmon.store.migration")
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": _python_path(os.environ.get("PYTHONPATH"))},
    )
    try:
        url = address.url.render_as_string(hide_password=False)
        stdout, stderr = await process.communicate(url.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _result(address, stdout, stderr.decode(errors="replace"))


def _python_path(inherited: str | None) -> str:
    """Let the other process find this very package, from a checkout too."""
    return os.pathsep.join(part for part in (str(PACKAGE_ROOT), inherited) if part)


def _result(address: Address, stdout: bytes, stderr: str) -> UpgradeResult:
    try:
        told = json.loads(stdout)
    except ValueError:
        raise SchemaTooOldError(
            f"The schema of {address.masked} could not be upgraded: {stderr.strip()[-2000:]}"
        ) from None
    if "error" in told:
        kind = getattr(errors, told["error"], StoreError)
        raise kind(told["message"])
    return UpgradeResult(told["before"], told["after"])
