"""One SFTP channel: requests that are made in the same moment leave in one packet, answers come in any order.

asyncssh's own SFTP client costs twice the CPU of an idle visit: it sends each request by itself (two encrypted packets
and two system calls each) and reads the answers through a stream and a task.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncssh

from dthostmon.transport import sftp_messages as sftp
from dthostmon.transport.sftp_messages import Answer, BadAnswer, Kind, Name, Status

# What a server that tells no limits must support; and the most we ever ask for, 255 KiB, which is what OpenSSH allows.
SAFE_READ_BYTES = 32 * 1024
MAX_READ_BYTES = 255 * 1024
MAX_MESSAGE_BYTES = 512 * 1024  # twice what OpenSSH itself ever sends
MAX_PIECES = 1000  # of it that are kept apart: one byte each would take forty times their size


T = TypeVar("T")


class Refused(Exception):  # noqa: N818  # named for what the server did
    """A server's answer that it cannot do what was asked. The text came from the server."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


class SftpChannel(asyncssh.SSHClientSession[bytes]):
    """Asks an SFTP server, which is given up when it sends nothing for `seconds` while answers are due.

    Each request raises Refused, TimeoutError, or asyncssh.Error; after the two latter the channel is of no more use.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.max_read = SAFE_READ_BYTES
        self.tells_usage = False
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0
        self._leaving: list[bytes] = []
        self._received: list[bytes] = []  # what came of messages that are not complete
        self._size = 0  # of all that
        self._needed = sftp.LENGTH_BYTES  # how much of it makes the next step
        self._lost: Exception | None = None
        self._hello: asyncio.Future[Answer] = self._loop.create_future()
        self._heard = 0.0  # on the loop's clock
        self._watch: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Agree on the version and learn how much the server reads at once."""
        self._leave(sftp.init())
        hello = await self._hello
        try:
            extensions = sftp.extensions(hello)
        except BadAnswer as bad:
            raise self._fail(bad) from bad
        self.tells_usage = sftp.USAGE in extensions
        if sftp.LIMITS in extensions:
            most = await self._ask(Kind.EXTENDED, Kind.EXTENDED_REPLY, sftp.string(sftp.LIMITS), sftp.most_read)
            self.max_read = max(SAFE_READ_BYTES, min(most, MAX_READ_BYTES))

    async def stat(self, path: bytes) -> sftp.Attributes:
        """Tell of a file; links are followed."""
        return await self._ask(Kind.STAT, Kind.ATTRIBUTES, sftp.string(path), Answer.attributes)

    async def usage(self, path: bytes) -> sftp.Usage:
        """Tell how full the file system of a path is; only where `tells_usage`."""
        fields = sftp.string(sftp.USAGE) + sftp.string(path)
        return await self._ask(Kind.EXTENDED, Kind.EXTENDED_REPLY, fields, sftp.usage)

    async def link(self, path: bytes) -> bytes:
        """Return where a symbolic link leads; a path that is none is refused as a FAILURE."""
        return await self._ask(Kind.READLINK, Kind.NAME, sftp.string(path), sftp.target)

    async def open(self, path: bytes) -> bytes:
        """Open a file for reading; return its handle, which `close` takes back."""
        return await self._ask(Kind.OPEN, Kind.HANDLE, sftp.open_fields(path), Answer.string)

    async def open_directory(self, path: bytes) -> bytes:
        """Open a directory; return its handle."""
        return await self._ask(Kind.OPENDIR, Kind.HANDLE, sftp.string(path), Answer.string)

    async def read(self, handle: bytes, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`, b'' at the end of the file."""
        try:
            data = await self._ask(Kind.READ, Kind.DATA, sftp.read_fields(handle, offset, size), Answer.string)
        except Refused as refused:
            if refused.code == Status.EOF:
                return b""
            raise
        if len(data) > size:
            raise self._fail(BadAnswer("more bytes than were asked for"))
        return data

    async def names(self, handle: bytes) -> Sequence[Name]:
        """Return the next entries of a directory, none at its end."""
        try:
            return await self._ask(Kind.READDIR, Kind.NAME, sftp.string(handle), Answer.names)
        except Refused as refused:
            if refused.code == Status.EOF:
                return ()
            raise

    def close(self, handle: bytes) -> None:
        """Give a handle back; nobody waits for the answer."""
        if self._lost is None:
            _ = self._send(Kind.CLOSE, sftp.string(handle))

    def end(self) -> None:
        """Close the channel; whoever still waits for an answer is told that there will be none."""
        self._lose(asyncssh.SFTPConnectionLost("connection closed"))

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Take what came; what a server writes to stderr is no SFTP."""
        if datatype is None and not self._lost:
            self._heard = self._loop.time()
            self._received.append(data)
            self._size += len(data)
            try:
                self._take_messages()
            except BadAnswer as bad:
                self._fail(bad)

    def eof_received(self) -> bool:
        self._lose(asyncssh.SFTPConnectionLost("the sftp subsystem ended"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(exc or asyncssh.SFTPConnectionLost("connection closed"))

    async def _ask(self, kind: Kind, wanted: Kind, fields: bytes, take: Callable[[Answer], T]) -> T:
        if self._lost:
            raise self._lost  # the same one each time: what ended the channel
        answer = await self._send(kind, fields)
        try:
            if answer.kind == wanted:
                return take(answer)
            code, said = sftp.status(answer)
        except BadAnswer as bad:
            raise self._fail(bad) from bad
        raise Refused(code, said)

    def _send(self, kind: Kind, fields: bytes) -> "asyncio.Future[Answer]":
        self._number = number = (self._number + 1) & 0xFFFF_FFFF
        self._leave(sftp.request(kind, number, fields))
        self._waiting[number] = answer = self._loop.create_future()
        return answer

    def _leave(self, message: bytes) -> None:
        if not self._leaving:
            self._loop.call_soon(self._flush)
        self._leaving.append(message)
        if not self._waiting:
            self._heard = self._loop.time()  # before, it owed nothing
        if self._watch is None:
            self._watch = self._loop.call_later(self._seconds, self._look)

    def _look(self) -> None:
        """Give up a silent server. One timer for all requests: to arm one for each costs more than to ask does."""
        self._watch = None
        if not self._waiting and self._hello.done():
            return
        due = self._heard + self._seconds
        if due > self._loop.time():
            self._watch = self._loop.call_at(due, self._look)
        else:
            self._lose(TimeoutError("nothing came"))

    def _flush(self) -> None:
        together = b"".join(self._leaving)
        self._leaving.clear()
        if self._channel and not self._lost and not self._channel.is_closing():
            self._channel.write(together)

    def _take_messages(self) -> None:
        if self._size < self._needed and len(self._received) < MAX_PIECES:
            return  # of a long answer, most times: nothing is copied until all of it is there
        received, at = b"".join(self._received), 0
        while (end := at + sftp.LENGTH_BYTES) <= len(received):
            size = sftp.length(received, at)
            if size > MAX_MESSAGE_BYTES:
                raise BadAnswer(f"a message of {size} bytes; does a start file of its shell print something?")
            end += size
            if end > len(received):
                break
            self._take(Answer(received, end - size, end))
            at = end
        self._needed = end - at
        self._received = [received[at:]]
        self._size = len(received) - at

    def _take(self, answer: Answer) -> None:
        if not self._hello.done():
            self._hello.set_result(answer)
            return
        waiting = self._waiting.pop(answer.uint32(), None)
        if waiting is None:
            raise BadAnswer("an answer that nobody asked for")
        if not waiting.cancelled():
            waiting.set_result(answer)
        elif answer.kind == Kind.HANDLE:
            self.close(answer.string())  # whoever opened it has left

    def _fail(self, bad: BadAnswer) -> asyncssh.Error:
        failure = asyncssh.SFTPBadMessage(f"its sftp subsystem sent {bad}")
        self._lose(failure)
        return failure

    def _lose(self, failure: Exception) -> None:
        if self._lost:
            return
        self._lost = failure
        if self._watch:
            self._watch.cancel()
        if self._channel:
            self._loop.call_soon(self._channel.abort)
        for waiting in (self._hello, *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(failure)
                waiting.exception()  # of a `close` nobody retrieves it
        self._waiting.clear()


async def open_sftp(connection: asyncssh.SSHClientConnection, seconds: float) -> SftpChannel:
    """Open the subsystem on a connection. Raises asyncssh.Error, SFTPBadMessage where something else answers."""
    channel = SftpChannel(seconds)
    try:
        await connection.create_session(lambda: channel, subsystem="sftp", encoding=None)
        await channel.begin()
    except BaseException:
        channel.end()
        raise
    return channel
