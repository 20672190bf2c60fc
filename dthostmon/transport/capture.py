"""Collects what a script prints while it prints it: capped, and given up when nothing comes for too long."""

import asyncio

from dthostmon.errors import ErrorKind, VisitError


class Capture:
    """The growing output of one run; the transport that moves the bytes feeds it."""

    def __init__(self, where: str, limit: int, stall_seconds: float) -> None:
        self._where = where
        self._limit = limit
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.Timeout | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._output = bytearray()
        self._received = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.pass_over(len(data))
        if self._ended.done():
            return
        self._output += data
        if self._deadline:
            self._deadline.reschedule(self._loop.time() + self._stall_seconds)

    def pass_over(self, size: int) -> None:
        """Count bytes that nobody reads, of stderr, say: they use up the cap too."""
        self._received += size
        if self._received > self._limit:
            self.fail(_too_much(self._where, self._limit))

    def finish(self) -> None:
        """The script ended and everything it printed was added."""
        if not self._ended.done():
            self._ended.set_result(None)

    def fail(self, error: VisitError) -> None:
        """The output will never be whole."""
        if not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()  # marks it as seen: a cancelled run does not ask, and asyncio would complain

    async def output(self) -> bytes:
        """Wait for the end and return everything.

        Raises the error that `fail` was given, or VisitError (timeout) when nothing came for too long.
        """
        try:
            async with asyncio.timeout(self._stall_seconds) as self._deadline:
                await self._ended
        except TimeoutError as exc:
            raise _stalled(self._where, self._stall_seconds) from exc
        return bytes(self._output)


def _too_much(where: str, limit: int) -> VisitError:
    message = f"{where}: the shell printed more than {limit // 2**20} MiB."
    fix = "Look for a login script on the host (.bashrc, /etc/profile.d) that prints without end."
    return VisitError(ErrorKind.PROTOCOL, message, fix)


def _stalled(where: str, seconds: float) -> VisitError:
    message = f"{where}: the shell printed nothing for {seconds:g} s."
    return VisitError(
        ErrorKind.TIMEOUT, message, "Look for a hanging mount or a login script on the host that waits for input."
    )
