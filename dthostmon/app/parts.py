"""Builds the parts that a check is made of."""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from dthostmon import rules
from dthostmon.app.judging import Models, prices_of
from dthostmon.config import Configuration
from dthostmon.config.sections import Ai
from dthostmon.cycle import HostChecks, Parts, run_cycle
from dthostmon.model import Cycle, Host, Run
from dthostmon.store import PruneResult, Store, open_store
from dthostmon.transport import Connections

logger = logging.getLogger(__name__)

NO_AI = Ai()
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


def make_parts(
    store: Store,
    connections: Connections,
    packs: rules.RuleSet | None = None,
    models: Models | None = None,
    ai: Ai = NO_AI,
    hosts: Sequence[Host] = (),
) -> Parts:
    """Wire the parts of a check; without packs of the user's own the builtin ones judge, without models they alone.

    `hosts` are all that are configured: their names are hidden from models where `ai` says so.
    """
    packs = packs or builtin_rules()
    return Parts(
        store=store,
        visit=connections.visit,
        rules=packs,
        clock=now,
        monotonic=time.monotonic,
        nonce=partial(secrets.token_hex, 4),
        is_unreachable=connections.is_unreachable,
        assessor=models.assessor(ai, packs, hosts) if models else None,
        prices=prices_of(ai),
    )


@cache
def builtin_rules() -> rules.RuleSet:
    """Load the packs that come with dthostmon, as they judge lines."""
    return rules.load_packs([rules.builtin_folder()], keep_samples=False)


def configured_rules(configuration: Configuration) -> rules.RuleSet:
    """Load the builtin packs and those of the configured folders; which of them are refused is logged."""
    own = configuration.rule_folders
    folders = [rules.builtin_folder(), *reversed(own)]
    packs = rules.load_packs(folders, keep_samples=False) if own else builtin_rules()
    for problem in packs.refused:
        logger.error("a rule pack is refused, the others judge without it", extra={"problem": str(problem)})
    return packs


async def monitor_once(
    configuration: Configuration, hosts: Sequence[Host], told: Callable[[Run], None] | None = None
) -> Cycle:
    """Check some hosts now and store what was found."""
    limit = configuration.settings.monitoring.max_concurrent_hosts
    connections = Connections(keep_up_to=0)  # each host is visited once
    async with opened_store(configuration) as store:
        models = Models(store)
        try:
            ai = configuration.settings.ai
            parts = make_parts(store, connections, configured_rules(configuration), models, ai, configuration.hosts)
            return await run_cycle(hosts, HostChecks(parts, limit), told=told)
        finally:
            await models.close()
            await connections.close()


async def prune(store: Store, configuration: Configuration, moment: datetime) -> PruneResult:
    """Delete what is older than the configured retention."""
    retention = configuration.settings.retention
    return await store.prune(
        older_than_runs=moment - timedelta(seconds=retention.runs),
        older_than_logs=moment - timedelta(seconds=retention.logs),
        batch=PRUNE_BATCH,
    )
