"""Work that a cancellation must not tear apart."""

import asyncio

import pytest

from dthostmon.store.engine import uninterrupted


async def test_cancelled_work_comes_to_its_end_before_the_cancellation_goes_on():
    steps: list[str] = []
    gate = asyncio.Event()

    async def work() -> None:
        steps.append("begun")
        await gate.wait()
        steps.append("ended")

    caller = asyncio.create_task(uninterrupted(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert steps == ["begun"]
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert steps == ["begun", "ended"]


async def test_the_result_and_the_error_of_work_reach_its_caller():
    async def work(fails: bool) -> int:
        return 1 // (not fails)

    assert await uninterrupted(work(fails=False)) == 1
    with pytest.raises(ZeroDivisionError):
        await uninterrupted(work(fails=True))


async def test_an_error_that_comes_after_the_cancellation_is_not_left_lying_about():
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        raise ValueError

    caller = asyncio.create_task(uninterrupted(work()))
    await asyncio.sleep(0)
    caller.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
