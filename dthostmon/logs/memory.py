"""How many bytes of logs all visits together may hold at one moment."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ALL_HOSTS_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Memory:
    """Room for the lines of all hosts. A visit takes what it will need at once, or waits in line for it: visits that
    each held a part and waited for more would wait for ever.
    """

    limit: int = ALL_HOSTS_BYTES
    taken: int = 0
    _line: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)

    async def take(self, wanted: int) -> int:
        """Wait for room and take it; return how much was taken, which is at most all there is."""
        size = min(wanted, self.limit)
        if size and (self._line or self.taken + size > self.limit):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._line.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                self._leave(size, turn)
                raise
        else:
            self.taken += size
        return size

    def give_back(self, size: int) -> None:
        """Return room, and let in who waited for it, in order."""
        self.taken -= size
        self._let_in()

    def _leave(self, size: int, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.give_back(size)
        else:
            with suppress(ValueError):  # it was passed over already
                self._line.remove((size, turn))
            self._let_in()

    def _let_in(self) -> None:
        while self._line and self.taken + self._line[0][0] <= self.limit:
            size, turn = self._line.popleft()
            if not turn.done():
                self.taken += size
                turn.set_result(None)


@dataclass(slots=True)
class Room:
    """What one visit holds of the memory, until its lines are stored. The time it waits is not the host's.

    It is taken once: if visits that hold some waited for more, nobody would go on.
    """

    memory: Memory
    deadline: asyncio.Timeout | None = None
    _held: int = 0

    async def take(self, wanted: int) -> None:
        """Wait until there is room for so many bytes; the visit's deadline stands still meanwhile."""
        if self._held:
            raise RuntimeError("a visit takes its room once")
        loop, when = asyncio.get_running_loop(), self.deadline.when() if self.deadline else None
        began = loop.time()
        if self.deadline and when is not None:
            self.deadline.reschedule(None)
        self._held += await self.memory.take(wanted)
        if self.deadline and when is not None:
            self.deadline.reschedule(when + loop.time() - began)

    def keep(self, size: int) -> None:
        """Return what is not needed, now that it is known."""
        if size < self._held:
            self.memory.give_back(self._held - size)
            self._held = size

    def leave(self) -> None:
        """Return all of it."""
        self.memory.give_back(self._held)
        self._held = 0


@contextmanager
def room_in(memory: Memory) -> Iterator[Room]:
    """Hold room in the memory for as long as the context is open."""
    room = Room(memory)
    try:
        yield room
    finally:
        room.leave()
