"""One pass over the hosts that are due."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from dthostmon.cycle.checks import HostChecks, failed_run
from dthostmon.errors import ErrorKind, StoreError, VisitError
from dthostmon.model import Cycle, Host, Run

logger = logging.getLogger(__name__)


async def run_cycle(
    hosts: Sequence[Host], checks: HostChecks, deadline: float | None = None, told: Callable[[Run], None] | None = None
) -> Cycle:
    """Check the hosts and store the cycle. A host whose turn does not end within `deadline` seconds is reported as
    failed.

    `told` is called with each run as it ends.
    """
    parts = checks.parts
    started_at, begin = parts.clock(), parts.monotonic()

    async def check_in_turn(host: Host) -> Run:
        turn_begin = parts.clock()
        try:
            async with asyncio.timeout(deadline):
                run = await checks.check(host)
        except TimeoutError:
            late = VisitError(
                ErrorKind.TIMEOUT,
                f"the cycle's deadline of {deadline:g} s passed.",
                "Raise the interval or monitoring.max_concurrent_hosts.",
            )
            run = await checks.record(failed_run(host, late, turn_begin, parts.monotonic() - begin))
        if told:
            told(run)
        return run

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(check_in_turn(host), name=f"check:{host.name}") for host in hosts]
    runs = tuple(task.result() for task in tasks)
    cycle_id = f"c-{int(started_at.timestamp() * 1000):x}-{parts.nonce()}"  # two intervals may start at one moment
    cycle = Cycle(cycle_id, started_at, parts.monotonic() - begin, runs)
    try:
        await parts.store.save_cycle(cycle)
    except StoreError as error:
        logger.error("a cycle could not be stored", extra={"error": str(error)})
    return cycle
