"""The scheduler: one job per interval, and a guard against a clock that jumps."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

logger = logging.getLogger(__name__)

MISFIRE_GRACE_SECONDS = 3600  # the default of 1 s silently drops a job that a busy machine starts late
CLOCK_CHECK_SECONDS = 5
CLOCK_JUMP_SECONDS = 2
CYCLE_JOB = "cycle:"
PRUNE_JOB = "prune"
PRUNE_INTERVAL_SECONDS = 3600


class Schedule:
    """Calls `start_cycle(interval)` for each interval when it is due, the first time at once, and `start_prune()`
    each hour.
    """

    def __init__(
        self, start_cycle: Callable[[float], None], start_prune: Callable[[], None], clock: Callable[[], datetime]
    ) -> None:
        self._start_cycle = start_cycle
        self._start_prune = start_prune
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": MISFIRE_GRACE_SECONDS},
        )

    def start(self, intervals: Iterable[float]) -> None:
        """Start with a job for each interval."""
        self._scheduler.start()
        self.arm(intervals)
        self._scheduler.add_job(
            self._prune_due, IntervalTrigger(seconds=PRUNE_INTERVAL_SECONDS, timezone=UTC), id=PRUNE_JOB
        )

    def arm(self, intervals: Iterable[float]) -> None:
        """Have a job for each of the intervals and for no other; jobs that stay keep their time."""
        wanted = {f"{CYCLE_JOB}{interval:g}": interval for interval in intervals}
        existing = {job.id for job in self._scheduler.get_jobs() if job.id.startswith(CYCLE_JOB)}
        for job_id in existing - wanted.keys():
            self._scheduler.remove_job(job_id)
        for job_id in wanted.keys() - existing:
            interval = wanted[job_id]
            trigger = IntervalTrigger(seconds=interval, timezone=UTC)
            self._scheduler.add_job(self._cycle_due, trigger, args=[interval], id=job_id, next_run_time=self._clock())

    def rearm(self) -> None:
        """Give every job its time after a step of the clock."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=time_after_step(job.next_run_time, self._clock(), job.trigger.interval))
        self._scheduler.wakeup()

    def stop(self) -> None:
        """Start nothing more. Cycles that run are not the scheduler's: it only starts them."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _cycle_due(self, interval: float) -> None:
        self._start_cycle(interval)

    async def _prune_due(self) -> None:
        self._start_prune()


def time_after_step(planned: datetime, moment: datetime, interval: timedelta) -> datetime:
    """Return when a job is due after a step of the clock: overdue stays due, nothing is further than its interval."""
    return min(planned, moment + interval)


async def guard_clock(
    jumped: Callable[[], None],
    wall: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    every: float = CLOCK_CHECK_SECONDS,
) -> None:
    """Call `jumped` whenever the wall clock moved otherwise than time passed; runs until it is cancelled."""
    offset = wall() - monotonic()
    while True:
        await asyncio.sleep(every)
        moved = wall() - monotonic() - offset
        if abs(moved) > CLOCK_JUMP_SECONDS:
            offset += moved
            logger.warning("the clock jumped; the jobs were given new times", extra={"seconds": round(moved, 1)})
            jumped()
