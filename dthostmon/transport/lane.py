"""The slow lane of the hosts that did not answer last time: they may be dead, and must not hold up the living."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

LANE_SHARE = 5  # of all the hosts that are visited at once, one in so many may be one that did not answer
SPREAD_SHARE = 0.1  # of the interval: over this part of the cycle their visits begin
MAX_SPREAD_SECONDS = 30.0


class Lane:
    """Has a few places for visits, and spreads when they begin, so that a site that comes back is not stormed.

    `at_once` is how many hosts are visited at the same time in all. `draw` returns a number from 0 to 1.
    """

    def __init__(
        self,
        at_once: int,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._places = asyncio.Semaphore(max(1, at_once // LANE_SHARE))
        self._draw = draw
        self._sleep = sleep

    @asynccontextmanager
    async def turn(self, interval: float) -> AsyncIterator[None]:
        """Wait a random while and for a place, then hold it while the block runs. `interval` is in seconds."""
        await self._sleep(self._draw() * min(interval * SPREAD_SHARE, MAX_SPREAD_SECONDS))
        async with self._places:
            yield
