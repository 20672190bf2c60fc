"""The lock of the one daemon, held through the absences of its database."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dthostmon.errors import StoreUnavailableError
from dthostmon.store import Store

logger = logging.getLogger(__name__)

CHECK_SECONDS = (
    15  # how often the lock's own connection is asked whether it lives: a vanished peer says nothing by itself
)
RETRY_SECONDS = 5  # how long to wait for a database that was away before the lock is asked for again


@asynccontextmanager
async def hold_lock(store: Store) -> AsyncIterator["asyncio.Task[None]"]:
    """Hold the lock while the block runs; gives the task that holds it, which ends only with AlreadyRunningError.

    Raises StoreError where the lock cannot be had at first.
    """
    held = asyncio.Event()
    holding = asyncio.create_task(_hold(store, held), name="daemon lock")
    first = asyncio.create_task(held.wait())
    try:
        await asyncio.wait([holding, first], return_when=asyncio.FIRST_COMPLETED)
        if holding.done():
            await holding
        yield holding
    finally:
        for task in (first, holding):
            task.cancel()
        await asyncio.gather(first, holding, return_exceptions=True)


async def _hold(store: Store, held: asyncio.Event) -> None:
    """Take the lock, and again whenever the database ended it; meanwhile the compare-and-swap keeps the count."""
    while True:
        try:
            async with store.daemon_lock() as lock:
                held.set()
                while await lock.is_held():
                    await _wait_a_while(lock.lost)
            logger.warning("the database ended the connection that holds the daemon's lock")
        except StoreUnavailableError as error:
            if not held.is_set():
                raise
            logger.warning("the daemon's lock cannot be taken yet", extra={"error": str(error)})
        await asyncio.sleep(RETRY_SECONDS)


async def _wait_a_while(lost: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(lost.wait(), CHECK_SECONDS)
