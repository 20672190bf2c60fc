"""Builds the parts that a check is made of."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from dthostmon import rules
from dthostmon.config import Configuration
from dthostmon.cycle import HostChecks, Parts, run_cycle
from dthostmon.model import Cycle, Host, Run
from dthostmon.store import PruneResult, Store, open_store
from dthostmon.transport import Connections

PRUNE_BATCH = 500  # runs that one transaction deletes: a few ms on either database


def now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened_store(configuration: Configuration) -> AsyncIterator[Store]:
    """Open the configured database while the block runs; raises StoreError."""
    store = await open_store(configuration.settings.database.url.get_secret_value())
    try:
        yield store
    finally:
        await store.close()


def make_parts(store: Store, connections: Connections) -> Parts:
    """Wire the parts of a check."""
    return Parts(
        store=store,
        visit=connections.visit,
        rules=builtin_rules(),
        clock=now,
        monotonic=time.monotonic,
        nonce=partial(secrets.token_hex, 4),
        is_unreachable=connections.is_unreachable,
    )


@cache
def builtin_rules() -> rules.RuleSet:
    """Load the packs that come with dthostmon."""
    return rules.load_packs([rules.builtin_folder()])


async def monitor_once(
    configuration: Configuration, hosts: Sequence[Host], told: Callable[[Run], None] | None = None
) -> Cycle:
    """Check some hosts now and store what was found."""
    limit = configuration.settings.monitoring.max_concurrent_hosts
    connections = Connections(keep_up_to=0)  # each host is visited once
    async with opened_store(configuration) as store:
        try:
            return await run_cycle(hosts, HostChecks(make_parts(store, connections), limit), told=told)
        finally:
            await connections.close()


async def prune(store: Store, configuration: Configuration, moment: datetime) -> PruneResult:
    """Delete what is older than the configured retention."""
    retention = configuration.settings.retention
    return await store.prune(
        older_than_runs=moment - timedelta(seconds=retention.runs),
        older_than_logs=moment - timedelta(seconds=retention.logs),
        batch=PRUNE_BATCH,
    )
