"""What a check is made of: the composition root fills it in."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dthostmon import judge, logs
from dthostmon.model import Change, Cycle, History, Host, HostState, Run, StoredInventory, Visit
from dthostmon.rules import RuleSet
from dthostmon.transport import Session
from dthostmon.trends import PastUsage

MAX_JUDGED_HOSTS = 4


class RunStore(Protocol):
    """What a check needs of the store."""

    async def load_state(self, host: str) -> HostState:
        """Return what is known of a host."""

    async def load_history(self, host: str, template_ids: Sequence[str], role: str, max_runs: int) -> History:
        """Return what is known of a host's usual life and of the named templates."""

    async def latest_run(self, host: str) -> Run | None:
        """Return the last run of a host, complete; None for a host never seen."""

    async def inventories(self, host: str, probes: Sequence[str]) -> Mapping[str, StoredInventory]:
        """Return what some probes found on a host before, by probe."""

    async def recent_changes(self, host: str, since: datetime) -> Sequence[Change]:
        """Return what changed on a host since a time, the newest first."""

    async def past_usage(self, host: str, mounts: Sequence[str], since: datetime, most: int) -> PastUsage:
        """Return how much of a host's memory and of some mounts was used since a time, thinned to `most` values."""

    async def save_run(self, visit: Visit) -> Run:
        """Store a run with all that belongs to it in one transaction; return it with its ids."""

    async def save_cycle(self, cycle: Cycle) -> None:
        """Store the summary of a cycle."""


def _always_answers(_host: Host) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a check is made of; the composition root fills it in.

    `visit` gives an open session to a host. `monotonic` returns seconds, `draw` a number from 0 to 1.
    """

    store: RunStore
    visit: Callable[[Host], AbstractAsyncContextManager[Session]]
    rules: RuleSet
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    nonce: Callable[[], str]
    memory: logs.Memory = field(default_factory=logs.Memory)
    # one thread: Python computes one thing at a time anyway, and one host's lines at a time need less memory
    analyst: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "analyst"))
    # what was seen in a host's lines is held until it is stored: not that of all hosts at the same time
    judging: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_JUDGED_HOSTS))
    # a host's inventories take some MB while they are read, compared and stored: those of one host at a time
    comparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    assessor: judge.Assessor | None = None  # without one, the rules alone judge, and nobody asks why
    prices: Mapping[str, judge.Prices] = field(default_factory=dict)  # by provider
    is_unreachable: Callable[[Host], bool] = _always_answers
    draw: Callable[[], float] = random.random
