"""One question of several hosts at the same time is asked once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, replace

from dthostmon.judge.asked import Asked

Ask = Callable[[], Coroutine[object, object, Asked]]


@dataclass(slots=True)
class Flight:
    """A question under way, and how many wait for what comes of it."""

    task: asyncio.Task[Asked]
    waiting: int = 0
    is_told: bool = False


class Flights:
    """The questions under way, by what they ask."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}

    async def join(self, key: Hashable, ask: Ask) -> Asked:
        """Return what comes of `ask`, or of the one that is under way with the same key.

        What it took is told to one of those that wait. It ends with the last of them, not with the first.
        """
        flight = self._flights.get(key) or self._start(key, ask)
        flight.waiting += 1
        try:
            asked = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._land(key, flight)
        if flight.is_told:
            return replace(asked, attempts=(), is_shared=True)
        flight.is_told = True
        return asked

    def _start(self, key: Hashable, ask: Ask) -> Flight:
        flight = Flight(asyncio.create_task(ask(), name="a question to the models"))
        self._flights[key] = flight
        return flight

    async def _land(self, key: Hashable, flight: Flight) -> None:
        """Forget it, and end it where nobody waits any more."""
        del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait([flight.task])
