"""When something on a host will be full."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from dthostmon import trends
from dthostmon.cycle.parts import Parts
from dthostmon.model import Facts, Finding, Host, HostState, Outlook


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What will be full; `outlook` is to be stored where it was computed anew."""

    outlook: Outlook | None = None
    findings: tuple[Finding, ...] = ()


async def foreseen(host: Host, state: HostState, known: Facts, parts: Parts, now: datetime) -> Foreseen:
    """Tell what is known to become full; a few times a day that is computed from what was stored."""
    metrics = known.metrics
    if metrics is None:
        return Foreseen()
    new = None
    if trends.is_due(host.name, state.outlook, metrics, now):
        mounts = [disk.mount for disk in trends.watched_disks(metrics)]
        usage = await parts.store.past_usage(host.name, mounts, now - trends.WINDOW, trends.MOST_SAMPLES)
        # beside the event loop: it is a millisecond for each mount
        new = await asyncio.get_running_loop().run_in_executor(parts.analyst, trends.foresee, usage, metrics, now)
    return Foreseen(new, tuple(trends.outlook_findings(new or state.outlook, metrics, now)))
