"""The store: one door to everything that outlives a run."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path

from dthostmon.errors import StoreError
from dthostmon.model import Change, Cycle, History, HostState, Run, StoredInventory, Visit
from dthostmon.store import (
    address,
    changes,
    chunks,
    cycles,
    findings,
    histories,
    hosts,
    inventories,
    keys,
    ledger,
    lock,
    normality,
    opinions,
    questions,
    retention,
    runs,
    schema,
    series,
    spending,
    statistics,
    visits,
)
from dthostmon.store.changes import ChangesWanted, StoredChange
from dthostmon.store.chunks import StoredChunk
from dthostmon.store.cycles import CycleRow
from dthostmon.store.engine import STATEMENT_TIMEOUT_SECONDS, Database
from dthostmon.store.findings import StoredFinding
from dthostmon.store.keys import ApiKey
from dthostmon.store.ledger import LedgerEntry
from dthostmon.store.lock import DaemonLock
from dthostmon.store.normality import NormalTemplate
from dthostmon.store.opinions import StoredOpinion
from dthostmon.store.pages import Page
from dthostmon.store.questions import Unjudged
from dthostmon.store.retention import PruneResult
from dthostmon.store.schema import UpgradeResult
from dthostmon.store.series import Series
from dthostmon.store.statistics import StoreStats
from dthostmon.trends import PastUsage

PING_TIMEOUT_SECONDS = 2.0


class Store:
    """An open database; made by `open_store`, safe to use from many tasks of one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    async def load_state(self, host: str) -> HostState:
        """Return what is known of a host before a visit: empty for a host never seen."""
        return await visits.load_state(self._database, host)

    async def load_history(self, host: str, template_ids: Sequence[str], role: str, max_runs: int) -> History:
        """Return what is known of a host's usual life and of the named templates; runs are counted to `max_runs`."""
        return await histories.load(self._database, host, template_ids, role, max_runs)

    async def mark_normal(self, host: str, template_id: str, until: datetime | None) -> bool:
        """Call a template of a host normal until then, None = no longer; False where the host never had it."""
        return await normality.mark(self._database, host, template_id, until)

    async def normal_templates(self, at: datetime, host: str | None = None) -> tuple[NormalTemplate, ...]:
        """Return what is called normal at that time, on one host or on all."""
        return await normality.load(self._database, at, host)

    async def save_run(self, visit: Visit) -> Run:
        """Store a visit in one transaction and return its run with the ids it got.

        Raises CursorConflictError, and nothing is stored, where another visit of the host came first.
        """
        return await visits.save(self._database, visit)

    async def latest_runs(self) -> Mapping[str, Run]:
        """Return the last run of every host (host -> run), findings without their evidence and no coverage."""
        return await runs.latest_of_all(self._database)

    async def latest_run(self, host: str) -> Run | None:
        """Return the last run of one host, complete; None for a host never seen."""
        return await runs.latest(self._database, host)

    async def runs(self, host: str, limit: int = 50, after: str | None = None) -> Page[Run]:
        """Return the runs of one host, the newest first.

        `after` is the `next` of the page before; InvalidPageError where it is anything else.
        """
        return await runs.history(self._database, host, limit, after)

    async def run(self, run_id: str) -> Run | None:
        """Return one run, complete; None where there is none."""
        return await runs.find(self._database, run_id)

    async def hosts(self) -> tuple[str, ...]:
        """Return the names of all hosts that something was stored of, sorted."""
        return await self._database.read(hosts.names)

    async def findings(
        self, host: str | None = None, since: datetime | None = None, limit: int = 50, after: str | None = None
    ) -> Page[StoredFinding]:
        """Return findings, the newest first: of one host or of all; `after` as in `runs`."""
        return await findings.history(self._database, host, since, limit, after)

    async def changes(self, wanted: ChangesWanted, limit: int = 50, after: str | None = None) -> Page[StoredChange]:
        """Return changes, the newest first; `after` as in `runs`."""
        return await changes.history(self._database, wanted, limit, after)

    async def recent_changes(self, host: str, since: datetime) -> Sequence[Change]:
        """Return what changed on a host since a time, the newest first, without the diffs; some hundred at most."""
        return await changes.recent(self._database, host, since)

    async def accept_states(self, host: str, states: Iterable[str]) -> None:
        """Call the named states of a host normal, in the place of those that were called so before."""
        await hosts.accept(self._database, host, states)

    async def inventories(self, host: str, probes: Sequence[str] | None = None) -> Mapping[str, StoredInventory]:
        """Return what probes found on a host, by probe: some of them or all; one that never told is absent."""
        return await inventories.load(self._database, host, probes)

    async def past_usage(self, host: str, mounts: Sequence[str], since: datetime, most: int) -> PastUsage:
        """Return how much of a host's memory and of some mounts was used since a time, at most `most` values each."""
        return await series.past_usage(self._database, host, mounts, since, most)

    async def series(self, host: str, since: datetime, until: datetime, most: int) -> Series:
        """Return how a host was between two times, thinned to at most `most` points."""
        return await series.load(self._database, host, since, until, most)

    async def coverage(self, host: str | None = None, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        """Return the ledger of every log of one host or of all, summed over the runs from `since` on."""
        return await ledger.sums(self._database, host, since)

    def chunks(
        self, host: str, path_glob: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[StoredChunk]:
        """Yield the bytes that were read of a host's logs, in that order, from `since` to before `until`.

        In `path_glob`, * matches / too. Only a few MiB are in memory at a time.
        """
        return chunks.read(self._database, host, path_glob, since, until)

    async def save_cycle(self, cycle: Cycle) -> None:
        """Store the summary of a cycle."""
        await cycles.save(self._database, cycle)

    async def last_cycle(self) -> CycleRow | None:
        """Return the cycle that started last; None before the first."""
        return await cycles.last(self._database)

    async def spent_tokens(self, day: date) -> int:
        """Return how many tokens models took on a day (UTC)."""
        return await spending.load(self._database, day)

    async def spend_tokens(self, day: date, tokens: int) -> None:
        """Count more tokens as taken on a day (UTC)."""
        await spending.add(self._database, day, tokens)

    async def opinion(self, key: str, since: datetime) -> StoredOpinion | None:
        """Return the opinion that was given on a question at `since` or later; None where there is none."""
        return await opinions.load(self._database, key, since)

    async def keep_opinion(self, key: str, stored: StoredOpinion) -> None:
        """Keep an opinion in the place of an older one on the same question."""
        await opinions.save(self._database, key, stored)

    async def unjudged(self, since: datetime, after: str = "0", limit: int = 50) -> tuple[Unjudged, ...]:
        """Return runs from `since` on that wait for a model, the oldest first, from behind the run `after` on."""
        return await questions.unjudged(self._database, since, int(after), limit)

    async def settle(self, run: Run, judged_at: datetime) -> bool:
        """Store what a model says of such a run; False where another process has done that."""
        return await questions.settle(self._database, run, judged_at)

    async def create_key(
        self, name: str, scope: str, secret_hash: str, expires_at: datetime | None, created_at: datetime
    ) -> ApiKey:
        """Store an API key by its hash; StoreError where one of that name is not revoked."""
        key = ApiKey(name, scope, secret_hash, created_at, expires_at)
        await keys.create(self._database, key)
        return key

    async def keys(self) -> tuple[ApiKey, ...]:
        """Return all API keys, revoked and expired ones too."""
        return await keys.load(self._database)

    async def revoke_key(self, name: str, at: datetime) -> bool:
        """Revoke the API key of that name; False where none is in force."""
        return await keys.revoke(self._database, name, at)

    async def prune(
        self, older_than_runs: datetime, older_than_logs: datetime, batch: int = retention.BATCH_ROWS
    ) -> PruneResult:
        """Delete old runs, cycles and chunks in short transactions of `batch` rows; a host's last run stays."""
        return await retention.prune(self._database, older_than_runs, older_than_logs, batch)

    async def stats(self) -> StoreStats:
        """Return how big the database is, and of what; takes seconds on a big one."""
        return await statistics.load(self._database)

    def daemon_lock(self) -> AbstractAsyncContextManager[DaemonLock]:
        """Hold the lock of the one daemon while the context is open; AlreadyRunningError where another process does."""
        return lock.hold(self._database.address)

    async def ping(self, timeout: float = PING_TIMEOUT_SECONDS) -> None:
        """Ask the database for an answer; StoreUnavailableError where none comes within `timeout` seconds."""
        await self._database.ping(timeout)


async def open_store(url: str, *, timeout: float = STATEMENT_TIMEOUT_SECONDS) -> Store:
    """Open the database at `url`, making or upgrading its schema first where that is needed.

    `timeout` is how many seconds one statement may take on PostgreSQL. Raises StoreError (the URL, the folder),
    StoreUnavailableError (nothing answers, or it refuses the password) and SchemaTooNewError.
    """
    where = address.parse(url)
    if where.file is not None:
        await asyncio.to_thread(_make_private, where.file)
    database = Database(where, timeout=timeout)
    try:
        await schema.ensure_current(database)
    except BaseException:
        await database.close()
        raise
    return Store(database)


async def upgrade(url: str) -> UpgradeResult:
    """Bring the schema of the database at `url` to this version; raises what `open_store` does."""
    where = address.parse(url)
    if where.file is not None:
        await asyncio.to_thread(_make_private, where.file)
    return await schema.upgrade(where)


def _make_private(file: Path) -> None:
    """Make the database file, empty and for its owner only, where there is none: it will hold lines of logs."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    except FileNotFoundError:
        folder = file.absolute().parent
        raise StoreError(f"The folder of the database {file} does not exist. Make it: mkdir -p {folder}") from None
    except OSError as error:
        raise StoreError(
            f"The database file {file} cannot be made: {error.strerror}. Choose another place in database.url."
        ) from error
