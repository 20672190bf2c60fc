"""Threads for work that may hang: nobody waits for them, neither a cancelled caller nor the end of the process.

The event loop's own threads are no place for it. They are few, all share them, and the process does not end before
they have.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """Does up to `limit` pieces of work at once; more wait in line. No thread stays without work."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._changing = threading.Lock()
        self._busy = 0
        self._line: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work in a thread and return its result, or raise its error.

        Cancelled, it returns at once: work in line is left out, work that has begun goes on unseen.
        """
        result: Future[T] = Future()
        job = result, work
        with self._changing:
            if self._busy < self._limit:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._busy += 1
            self._line.append(job)
        try:
            return await asyncio.wrap_future(result)
        except asyncio.CancelledError:
            with self._changing, suppress(ValueError):  # it has begun
                self._line.remove(job)
            raise

    def _work(self) -> None:
        while job := self._next():
            result, work = job
            if result.set_running_or_notify_cancel():
                _finish(result, work)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changing:
            if self._line:
                return self._line.popleft()
            self._busy -= 1
            return None


def _finish(result: Future[T], work: Callable[[], T]) -> None:
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001  # the caller's, whatever it is
        result.set_exception(error)
    else:
        result.set_result(value)
