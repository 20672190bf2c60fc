"""Threads that nobody waits for."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from dthostmon.transport.threads import DaemonThreads

HANGING = """
import asyncio, threading
from dthostmon.transport.threads import DaemonThreads

async def main():
    threads = DaemonThreads("test", 1)
    begun = threading.Event()
    calls = [asyncio.create_task(threads.run(work)) for work in (begun.set, threading.Event().wait, print)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

asyncio.run(main())
"""


class Gate:
    """Work that hangs until it is released, and how often it has begun."""

    def __init__(self) -> None:
        self.begun = 0
        self._open = threading.Event()
        self._counting = threading.Lock()

    def wait(self) -> None:
        """Hang."""
        with self._counting:
            self.begun += 1
        self._open.wait()

    def release(self) -> None:
        """Let all go on, and those that come later too."""
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.release()


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # threads set no asyncio.Event
        await asyncio.sleep(0.005)


async def test_work_returns_its_result_from_another_thread() -> None:
    assert await DaemonThreads("test", 1).run(threading.current_thread) is not threading.current_thread()


async def test_an_error_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        await DaemonThreads("test", 1).run(lambda: 1 // 0)


async def test_no_more_than_the_limit_work_at_once_and_the_others_in_turn(gate: Gate) -> None:
    threads = DaemonThreads("test", 2)
    calls = [asyncio.create_task(threads.run(gate.wait)) for _ in range(5)]
    await until(lambda: gate.begun == 2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await threads.run(lambda: None)
    assert gate.begun == 2
    gate.release()
    await asyncio.gather(*calls)
    assert gate.begun == 5


async def test_a_cancelled_caller_does_not_wait_and_its_turn_is_left_out(gate: Gate) -> None:
    threads = DaemonThreads("test", 1)
    hung, in_line = (asyncio.create_task(threads.run(gate.wait)) for _ in range(2))
    await until(lambda: gate.begun == 1)
    for call in (hung, in_line):
        call.cancel()
    await asyncio.wait([hung, in_line])
    assert hung.cancelled()
    assert in_line.cancelled()
    gate.release()
    assert await threads.run(lambda: "done") == "done"
    assert gate.begun == 1


async def test_no_thread_stays_without_work() -> None:
    await DaemonThreads("test of an end", 1).run(lambda: None)
    await until(lambda: "test of an end" not in {thread.name for thread in threading.enumerate()})


def test_each_event_loop_can_use_the_same_threads() -> None:
    threads = DaemonThreads("test", 1)

    async def work() -> list[int]:
        return await asyncio.gather(*(threads.run(lambda number=number: number) for number in range(5)))

    assert [asyncio.run(work()) for _ in range(2)] == [list(range(5))] * 2


def test_a_process_ends_while_work_hangs() -> None:
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=60)
