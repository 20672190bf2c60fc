"""Logins wait in line where too many at once would be refused: sshd drops some of more than ten (`MaxStartups`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from dthostmon.model import SshAccess

HANDSHAKES_AT_ONCE = 8  # sshd's own limit is 10:30:100, and administrators and other monitors log in as well


def handshake_place(access: SshAccess) -> str:
    """Name the sshd that meets a host's login first: all hosts of one place share its limit."""
    return f"{access.entry.hostname}:{access.entry.port}"


class Handshakes:
    """Lets up to `limit` handshakes of one place go on at once; the others wait in the order in which they came."""

    def __init__(self, limit: int = HANDSHAKES_AT_ONCE) -> None:
        self._limit = limit
        # held by those who wait or shake hands, and gone with the last of them
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, place: str) -> AsyncIterator[None]:
        """Wait in line, then hold one of the place's turns while the block runs."""
        turns = self._places.setdefault(place, asyncio.Semaphore(self._limit))
        async with turns:
            yield
