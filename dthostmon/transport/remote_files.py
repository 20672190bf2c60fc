"""The files of a host over SSH: over SFTP, or where it offers none through the collector program."""

import asyncio
from collections.abc import Callable, Sequence

import asyncssh

from dthostmon.transport import collector
from dthostmon.transport.exchange import Exchange
from dthostmon.transport.failures import reason, stage
from dthostmon.transport.session import COLLECTOR_PATH, DirectoryEntry, Files, FileStat, FileSystemUsage
from dthostmon.transport.sftp import SftpFiles
from dthostmon.transport.sftp_channel import SftpChannel, open_sftp


class RemoteFiles:
    """Finds out at the first call what the host offers. It may be called concurrently.

    `has_shell` tells how to come to a collector program: it is sent to the login shell, or the key's forced command
    is one.
    """

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        where: str,
        seconds: float,
        make_boundary: Callable[[], str],
        *,
        has_shell: bool,
    ) -> None:
        self._connection = connection
        self._where = where
        self._seconds = seconds
        self._make_boundary = make_boundary
        self._has_shell = has_shell
        self._files: Files | None = None
        self._starting: asyncio.Task[Files] | None = None

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        return await (self._files or await self._started()).stat(path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        return await (self._files or await self._started()).list(directory)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        return await (self._files or await self._started()).read(path, offset, length)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        return await (self._files or await self._started()).usage(path)

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        return await (self._files or await self._started()).link(path)

    def rest(self) -> None:
        """Forget what was seen of files: a FIFO may take the name of a log before the next visit."""
        if isinstance(self._files, SftpFiles):
            self._files.rest()

    async def _started(self) -> Files:
        """Wait for the start that is under way, or start anew after one that failed.

        It goes on when its caller is cancelled: a channel that is given up while it opens stays open.
        """
        if self._starting is None or _failed(self._starting):
            self._starting = asyncio.create_task(self._start(), name=f"open the files of {self._where}")
            self._starting.add_done_callback(_take_failure)
        self._files = await asyncio.shield(self._starting)
        return self._files

    async def _start(self) -> Files:
        channel = await self._start_sftp()
        return SftpFiles(channel, self._where, self._seconds) if channel else await self._start_collector()

    async def _start_sftp(self) -> SftpChannel | None:
        """Open the subsystem; None where the host has none, or where something else than SFTP answers."""
        async with stage(self._where, "opening the sftp subsystem", self._seconds):
            try:
                return await open_sftp(self._connection, self._seconds)
            except (asyncssh.SFTPBadMessage, asyncssh.SFTPConnectionLost):
                return None  # where the connection is lost, the next channel says so
            except asyncssh.ChannelOpenError as exc:
                if exc.code != asyncssh.OPEN_REQUEST_SESSION_FAILED:
                    raise
                return None

    async def _start_collector(self) -> Files:
        boundary = self._make_boundary()
        exchange = Exchange(boundary, self._where, self._seconds + collector.COMMAND_SECONDS)
        text = collector.sent_program(boundary) if self._has_shell else collector.hello(boundary)
        command = collector.shell_command(text) if self._has_shell else COLLECTOR_PATH
        async with stage(self._where, "starting the collector program", self._seconds):
            channel, _ = await self._connection.create_session(lambda: _Conversation(exchange), command, encoding=None)
            try:
                await exchange.begin(text, channel.write, channel.abort)
            except BaseException:
                channel.abort()
                raise
        return collector.CollectorFiles(exchange, self._where)


def _failed(task: asyncio.Task[Files]) -> bool:
    """Tell whether a start ended without files. One that succeeded while all its callers were cancelled counts."""
    return task.done() and (task.cancelled() or task.exception() is not None)


def _take_failure(task: asyncio.Task[Files]) -> None:
    """Mark a failure as seen: a cancelled caller does not ask, and asyncio would complain."""
    if not task.cancelled():
        task.exception()


class _Conversation(asyncssh.SSHClientSession[bytes]):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype is None:  # not stderr
            self._exchange.add(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._exchange.lost(f": {reason(exc)}" if exc else "")
