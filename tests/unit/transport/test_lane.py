"""Hosts that did not answer wait for a place of their own, and begin at different moments."""

import asyncio

import pytest

from dthostmon.transport import Lane
from dthostmon.transport.lane import MAX_SPREAD_SECONDS


async def no_time(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(("at_once", "places"), [(1, 1), (4, 1), (5, 1), (14, 2), (50, 10)])
async def test_a_fifth_of_the_hosts_at_once_and_at_least_one_is_in_the_lane(at_once: int, places: int) -> None:
    lane = Lane(at_once, lambda: 0.5, no_time)
    now = most = 0

    async def stay() -> None:
        nonlocal now, most
        async with lane.turn(60):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1

    await asyncio.gather(*(stay() for _ in range(30)))
    assert most == places


@pytest.mark.parametrize(
    ("draw", "interval", "pause"), [(0.0, 60, 0.0), (0.5, 60, 3.0), (1.0, 10, 1.0), (1.0, 86400, MAX_SPREAD_SECONDS)]
)
async def test_visits_begin_over_a_short_part_of_the_cycle(draw: float, interval: float, pause: float) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Lane(50, lambda: draw, sleep).turn(interval):
        assert slept == [pause]


async def test_who_is_cancelled_in_the_line_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane(5, lambda: 0.0, no_time)

    async def pass_through() -> None:
        async with lane.turn(60):
            pass

    async with lane.turn(60):
        waiting = [asyncio.create_task(pass_through()) for _ in range(3)]
        await asyncio.sleep(0.001)
        waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [True, False, False]
