"""Room for the lines of all visits: who waits for it, and who gets it back."""

import asyncio

from dthostmon.logs.memory import Memory


async def test_a_visit_that_needs_no_room_never_waits() -> None:
    memory = Memory(10)
    await memory.take(8)
    waiting = asyncio.create_task(memory.take(5))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(memory.take(0), 5) == 0
    memory.give_back(8)
    assert await waiting == 5


async def test_a_visit_that_is_cancelled_in_line_lets_the_next_one_in() -> None:
    memory = Memory(10)
    await memory.take(8)
    large, small = asyncio.create_task(memory.take(9)), asyncio.create_task(memory.take(2))
    await asyncio.sleep(0)
    large.cancel()
    assert await asyncio.wait_for(small, 5) == 2
    assert memory.taken == 10


async def test_room_that_came_at_the_moment_of_a_cancellation_is_returned() -> None:
    memory = Memory(10)
    await memory.take(8)
    waiting = asyncio.create_task(memory.take(9))
    await asyncio.sleep(0)
    memory.give_back(8)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert memory.taken == 0
