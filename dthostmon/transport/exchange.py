r"""Requests and framed answers over one byte stream to the collector program (collector.sh tells the format).

Every answer ends with `\n<boundary> <number> <words>\n`, so it streams: the host holds nothing back to count it. The
boundary is 128 random bits that only this stream's two ends know. What comes before the answer to hello is noise of
login scripts.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport.failures import RETRY_FIX

REQUESTS_AT_ONCE = 8
LONGEST_NOISE = 16 * 1024 * 1024
LONGEST_WORDS = 4096
NOT_A_COLLECTOR = (
    "Allow `Subsystem sftp internal-sftp` in the host's sshd_config; with a forced command set `transport: sftp`."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the program said: the bytes that were asked for, and the words after them. `ok` is False for an error."""

    body: bytes
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class _Request:
    number: int
    limit: int  # bytes of the body
    answered: asyncio.Future[Answer]


class Exchange:
    """One conversation. The transport that moves the bytes calls `add` and `lost`.

    `stall_seconds` is how long the host may be silent while an answer is due.
    """

    def __init__(self, boundary: str, where: str, stall_seconds: float) -> None:
        self.boundary = boundary
        self._mark = f"\n{boundary} ".encode()
        self._where = where
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._buffer = bytearray()
        self._searched = 0
        self._asked = 0
        self._due: deque[_Request] = deque()
        self._deadlines: set[asyncio.Timeout] = set()
        self._failure: VisitError | None = None
        self._send: Callable[[bytes], None] = lambda _: None
        self._hang_up: Callable[[], None] = lambda: None

    async def begin(self, greeting: bytes, send: Callable[[bytes], None], hang_up: Callable[[], None]) -> None:
        """Say what makes the program answer as request 0, and wait for it. Raises VisitError.

        `send` and `hang_up` belong to the transport; it is hung up when the conversation fails.
        """
        self._send, self._hang_up = send, hang_up
        answer = await self._answer(greeting, LONGEST_NOISE)
        if not answer.ok:
            message = f"{self._where}: the collector program cannot work: {answer.words}."
            raise VisitError(ErrorKind.PROTOCOL, message, "Install coreutils or busybox on the host.")

    async def ask(self, request: str, limit: int) -> Answer:
        """Send one request and return its answer, whose body has up to `limit` bytes. Raises VisitError.

        A cancelled request keeps its turn: its answer still comes and is dropped.
        """
        await self._slots.acquire()
        if self._failure:
            self._slots.release()
            raise self._failure
        return await self._answer(f"{request}\n".encode(), limit)

    async def _answer(self, text: bytes, limit: int) -> Answer:
        request = _Request(self._asked, limit, self._loop.create_future())
        self._asked += 1
        if self._failure:  # it ended before it was spoken to
            raise self._failure
        self._due.append(request)
        with suppress(OSError):  # the channel is closed already: that it ended is told by `lost`
            self._send(text)
        deadline = asyncio.timeout(self._stall_seconds)
        try:
            async with deadline:
                self._deadlines.add(deadline)
                return await request.answered
        except TimeoutError as exc:
            self.fail(self._stalled())
            raise self._stalled() from exc
        finally:
            self._deadlines.discard(deadline)

    def add(self, data: bytes) -> None:
        """Take the next bytes from the host."""
        if self._failure:
            return
        self._buffer += data
        while self._take_answer():
            pass
        limit = self._due[0].limit if self._due else 0
        if len(self._buffer) > limit + LONGEST_WORDS:
            self.fail(self._broken(f"more than the {limit} bytes that were asked for"))
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(self._loop.time() + self._stall_seconds)

    def fail(self, error: VisitError) -> None:
        """Say that no more answers will come."""
        if self._failure:
            return
        self._failure = error
        self._buffer.clear()
        self._hang_up()
        while self._due:
            self._settle(self._due.popleft(), error)

    def lost(self, said: str) -> None:
        """The program or the connection ended."""
        if self._asked > 1 or (self._asked and not self._due):
            message = f"{self._where}: the collector program ended{said}."
            self.fail(VisitError(ErrorKind.PROTOCOL, message, RETRY_FIX))
            return
        noise = bytes(self._buffer[:200]).decode("ascii", "backslashreplace").strip().rstrip(".")
        told = f", and said: {noise}" if noise else ""
        message = f"{self._where}: the host offers no SFTP and ran no collector program{told}."
        self.fail(VisitError(ErrorKind.PERMISSION, message, NOT_A_COLLECTOR))

    def _take_answer(self) -> bool:
        """Take one whole answer out of the buffer, if there is one."""
        start = self._buffer.find(self._mark, self._searched)
        end = self._buffer.find(b"\n", start + len(self._mark)) if start >= 0 else -1
        if end < 0:
            self._searched = start if start >= 0 else max(0, len(self._buffer) - len(self._mark))
            return False
        body = bytes(self._buffer[:start])
        words = self._buffer[start + len(self._mark) : end].decode("ascii", "backslashreplace")
        del self._buffer[: end + 1]
        self._searched = 0
        return self._match(body, words)

    def _match(self, body: bytes, words: str) -> bool:
        number, _, rest = words.partition(" ")
        verdict, _, rest = rest.partition(" ")
        if not self._due or number != str(self._due[0].number) or verdict not in {"ok", "error"}:
            self.fail(self._broken("an answer that was not due"))
            return False
        if len(body) > self._due[0].limit:
            self.fail(self._broken(f"more than the {self._due[0].limit} bytes that were asked for"))
            return False
        self._settle(self._due.popleft(), Answer(body, verdict == "ok", rest))
        return True

    def _settle(self, request: _Request, outcome: Answer | VisitError) -> None:
        if request.number:  # hello took no slot
            self._slots.release()
        if request.answered.done():  # its caller was cancelled
            return
        if isinstance(outcome, Answer):
            request.answered.set_result(outcome)
        else:
            request.answered.set_exception(outcome)

    def _broken(self, what: str) -> VisitError:
        fix = "If it stays so, look for a login script on the host that leaves a program writing in the background."
        return VisitError(ErrorKind.PROTOCOL, f"{self._where}: the collector program sent {what}.", fix)

    def _stalled(self) -> VisitError:
        message = f"{self._where}: the collector program said nothing for {self._stall_seconds:g} s."
        return VisitError(ErrorKind.TIMEOUT, message, "Look for a hanging mount on the host.")
