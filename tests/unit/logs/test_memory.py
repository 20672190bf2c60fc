"""All visits together hold no more lines than the limit, and none waits for ever."""

import asyncio

from dthostmon.logs import Memory, room_in


async def test_a_visit_waits_for_room_and_goes_on_in_order() -> None:
    memory = Memory(limit=100)
    order: list[str] = []

    async def visit(name: str, wanted: int) -> None:
        with room_in(memory) as room:
            await room.take(wanted)
            assert memory.taken <= 100
            order.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name, wanted in (("a", 60), ("b", 60), ("c", 30), ("d", 10)):
            group.create_task(visit(name, wanted))
    assert order == ["a", "b", "c", "d"]  # nobody passes who came later, or the large ones would starve
    assert memory.taken == 0


async def test_more_than_there_is_gets_all_there_is() -> None:
    memory = Memory(limit=100)
    with room_in(memory) as room:
        await room.take(1000)
        assert memory.taken == 100
    assert memory.taken == 0


async def test_a_visit_that_is_cancelled_in_line_leaves_it() -> None:
    memory = Memory(limit=100)
    with room_in(memory) as room:
        await room.take(100)
        waiting = asyncio.create_task(memory.take(50))
        behind = asyncio.create_task(memory.take(50))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        room.leave()
        assert await asyncio.wait_for(behind, 5) == 50
    assert memory.taken == 50


async def test_a_visit_that_is_cancelled_as_it_is_let_in_gives_its_room_back() -> None:
    memory = Memory(limit=100)
    with room_in(memory) as room:
        await room.take(100)
        waiting = asyncio.create_task(memory.take(50))
        await asyncio.sleep(0)
        room.leave()  # lets it in
        waiting.cancel()  # before it runs
        await asyncio.gather(waiting, return_exceptions=True)
    assert memory.taken == 0


async def test_the_deadline_of_a_visit_stands_still_while_it_waits() -> None:
    memory = Memory(limit=100)
    with room_in(memory) as first, room_in(memory) as second:
        await first.take(100)
        asyncio.get_running_loop().call_later(0.2, first.leave)
        async with asyncio.timeout(0.1) as second.deadline:
            await second.take(50)


async def test_a_visit_that_needs_no_room_never_waits() -> None:
    memory = Memory(limit=10)
    await memory.take(8)
    waiting = asyncio.create_task(memory.take(5))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(memory.take(0), 5) == 0
    memory.give_back(8)
    assert await waiting == 5


async def test_what_a_visit_does_not_need_goes_to_the_next_one() -> None:
    memory = Memory(limit=100)
    with room_in(memory) as one, room_in(memory) as other:
        await one.take(100)
        waiting = asyncio.create_task(other.take(80))
        await asyncio.sleep(0)
        one.keep(20)
        await asyncio.wait_for(waiting, 5)
        assert memory.taken == 100
    assert memory.taken == 0
