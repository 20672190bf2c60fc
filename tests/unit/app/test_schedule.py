"""Jobs come when they are due, and a clock that jumps stops none of them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dthostmon.app.schedule import Schedule, guard_clock, time_after_step


def now() -> datetime:
    return datetime.now(UTC)


async def test_the_first_cycle_of_each_interval_starts_at_once() -> None:
    started: list[float] = []
    schedule = Schedule(started.append, lambda: None, now)
    schedule.start([3600.0, 60.0])
    await asyncio.sleep(0.1)
    schedule.stop()
    assert sorted(started) == [60.0, 3600.0]


async def test_arming_keeps_known_intervals_and_starts_new_ones() -> None:
    started: list[float] = []
    schedule = Schedule(started.append, lambda: None, now)
    schedule.start([3600.0, 60.0])
    await asyncio.sleep(0.1)
    schedule.arm([3600.0, 30.0])
    await asyncio.sleep(0.1)
    schedule.stop()
    assert sorted(started) == [30.0, 60.0, 3600.0]


async def test_jobs_go_on_after_they_were_given_new_times() -> None:
    started: list[float] = []
    schedule = Schedule(started.append, lambda: None, now)
    schedule.start([0.2])
    await asyncio.sleep(0.05)
    schedule.rearm()
    await asyncio.sleep(0.5)
    schedule.stop()
    assert len(started) >= 2


@pytest.mark.parametrize(
    ("step", "due"),
    [
        (timedelta(), timedelta(minutes=30)),
        (timedelta(days=-2), timedelta(days=-2, hours=1)),
        (timedelta(days=3), timedelta(minutes=30)),
    ],
    ids=["no step", "backward: within an interval", "forward: overdue"],
)
def test_after_a_step_of_the_clock_a_job_is_due_within_its_interval(step: timedelta, due: timedelta) -> None:
    before = now()
    planned = before + timedelta(minutes=30)
    assert time_after_step(planned, before + step, timedelta(hours=1)) == before + due


@pytest.mark.parametrize(("jump", "notices"), [(3600.0, 1), (-86400.0, 1), (0.5, 0)])
async def test_a_jump_of_the_clock_is_noticed_once(jump: float, notices: int) -> None:
    jumped: list[None] = []
    times: Iterator[float] = iter([0.0, 0.0] + [jump] * 1000)
    guard = asyncio.create_task(guard_clock(lambda: jumped.append(None), lambda: next(times), lambda: 0.0, every=0.001))
    await asyncio.sleep(0.1)
    guard.cancel()
    await asyncio.gather(guard, return_exceptions=True)
    assert len(jumped) == notices
