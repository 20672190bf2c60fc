"""Files over SFTP: no shell and no fork on the host, and as few round trips as the answer needs."""

import asyncio
import stat
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import TypeVar

import asyncssh

from dthostmon.errors import FileUnreadableError
from dthostmon.transport import paths
from dthostmon.transport.failures import late, reason, translated
from dthostmon.transport.session import (
    LONGEST_FILE_BYTES,
    MAX_DIRECTORY_ENTRIES,
    DirectoryEntry,
    FileStat,
    FileSystemUsage,
)
from dthostmon.transport.sftp_channel import Refused, SftpChannel
from dthostmon.transport.sftp_messages import Attributes, Name, Status

READS_IN_FLIGHT = 8  # of up to 255 KiB each: the 2 MiB that the connection's window holds
HONEST_ENTRY_BYTES = 512  # a name with its line of `ls`; one that is longer counts as several
REMEMBERED_FILES = 10_000

_ABSENT = {Status.NO_SUCH_FILE, Status.NO_SUCH_PATH, Status.NOT_A_DIRECTORY, Status.LINK_LOOP}
# Version 3 has no word for "not a link": OpenSSH says that the message was bad, as for all that is EINVAL.
_NO_LINK = _ABSENT | {Status.FAILURE, Status.BAD_MESSAGE}
# What a server says of one file; everything else that it says is about the connection.
_ABOUT_A_FILE = _ABSENT | {
    Status.PERMISSION_DENIED,
    Status.FAILURE,
    Status.UNSUPPORTED,
    Status.INVALID_NAME,
    Status.IS_A_DIRECTORY,
}

T = TypeVar("T")


class SftpFiles:
    """Reads files over one SFTP channel. `seconds` is how long it may stay silent while it owes an answer."""

    def __init__(self, channel: SftpChannel, where: str, seconds: float) -> None:
        self._channel = channel
        self._where = where
        self._seconds = seconds
        self._regular: set[str] = set()

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        attributes = await self._ask(path, "looking at", _stat_or_none)
        found = _file_stat(attributes) if attributes else None
        self._remember(path, regular=found is not None and found.regular)
        return found

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        try:
            async with asyncio.timeout(self._seconds):  # for all of it: a folder without an end is sent without a pause
                return await self._ask(directory, "listing", partial(_list, directory))
        except TimeoutError as exc:
            raise late(self._where, f"listing {directory}", self._seconds) from exc

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        if path not in self._regular:
            await self._require_regular(path)
        channel = self._channel
        handle = await self._ask(path, "opening", SftpChannel.open)
        try:
            if length <= channel.max_read:
                return await self._ask(path, "reading", lambda *_: _read_piece(channel, handle, offset, length))
            pieces = self._pieces(path, partial(_read_piece, channel, handle), channel.max_read, offset, length)
            return b"".join([piece async for piece in pieces])
        finally:
            channel.close(handle)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        if not self._channel.tells_usage:
            paths.to_request(path)
            return None
        found = await self._ask(path, "asking for the space of", SftpChannel.usage)
        return FileSystemUsage(
            block_size=found.fragment,
            blocks=found.blocks,
            free=found.free,
            available=found.available,
            inodes=found.inodes,
            free_inodes=found.free_inodes,
        )

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        target = await self._ask(path, "following", _link_or_none)
        return None if target is None else paths.to_text(target)

    async def _pieces(
        self, path: str, read: Callable[[int, int], Coroutine[None, None, bytes]], size: int, offset: int, length: int
    ) -> AsyncIterator[bytes]:
        """Read ahead by a few requests; yield in order, and end at the first piece that the end of the file cuts."""
        end = offset + length
        starts = deque(range(offset, end, size))
        flying: deque[asyncio.Task[bytes]] = deque()
        try:
            while starts or flying:
                while starts and len(flying) < READS_IN_FLIGHT:
                    start = starts.popleft()
                    reading = read(start, min(size, end - start))
                    flying.append(asyncio.create_task(reading, name=f"read {path} at {start}"))
                piece = await self._ask(path, "reading", lambda *_: flying.popleft())
                yield piece
                offset += len(piece)
                if len(piece) < min(size, end - offset + len(piece)):
                    return
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    def rest(self) -> None:
        """Forget which files were regular: until the next visit a FIFO may take the name of one."""
        self._regular.clear()

    async def _require_regular(self, path: str) -> None:
        found = await self.stat(path)
        if found is None:
            raise FileUnreadableError(path, "no such file")
        if not found.regular:
            raise FileUnreadableError(path, "not a regular file")

    def _remember(self, path: str, regular: bool) -> None:
        """Spare `read` a stat of its own; without any it might open a FIFO, where a server waits and goes silent."""
        if not regular:
            self._regular.discard(path)
        elif len(self._regular) < REMEMBERED_FILES:
            self._regular.add(path)

    async def _ask(self, path: str, doing: str, request: Callable[[SftpChannel, bytes], Awaitable[T]]) -> T:
        """Make a request; tell a file that cannot be read from a connection that died."""
        raw = paths.to_request(path)
        with translated(self._where, f"{doing} {path}"):
            try:
                return await request(self._channel, raw)
            except TimeoutError as exc:
                raise late(self._where, f"{doing} {path}", self._seconds) from exc
            except Refused as refused:
                if refused.code in _ABOUT_A_FILE:
                    raise FileUnreadableError(path, reason(refused).lower()) from refused
                raise asyncssh.SFTPError(refused.code, str(refused)) from refused


async def _stat_or_none(channel: SftpChannel, path: bytes) -> Attributes | None:
    try:
        return await channel.stat(path)
    except Refused as refused:
        if refused.code in _ABSENT:
            return None
        raise


async def _link_or_none(channel: SftpChannel, path: bytes) -> bytes | None:
    try:
        return await channel.link(path)
    except Refused as refused:
        if refused.code in _NO_LINK:
            return None
        raise


async def _list(directory: str, channel: SftpChannel, path: bytes) -> list[DirectoryEntry]:
    try:
        handle = await channel.open_directory(path)
    except Refused as refused:
        if refused.code in _ABSENT:
            return []
        raise
    entries: list[DirectoryEntry] = []
    taken = 0
    try:
        while names := await channel.names(handle):
            taken += sum(1 + name.size // HONEST_ENTRY_BYTES for name in names)
            entries += (entry for name in names for entry in _entry(name))
            if taken > MAX_DIRECTORY_ENTRIES:
                raise FileUnreadableError(directory, f"it holds more than {MAX_DIRECTORY_ENTRIES} names")
    finally:
        channel.close(handle)
    return entries


async def _read_piece(channel: SftpChannel, handle: bytes, offset: int, length: int) -> bytes:
    """Read until `length` bytes are there or the file ends: a server may answer with less than it was asked for."""
    piece = await channel.read(handle, offset, length)
    if len(piece) == length or not piece:
        return piece
    pieces = [piece]
    while piece and (length := length - len(piece)):
        offset += len(piece)
        piece = await channel.read(handle, offset, length)
        pieces.append(piece)
    return b"".join(pieces)


def _entry(name: Name) -> Iterator[DirectoryEntry]:
    """Make an entry of a name, unless no directory can hold it: a hostile server could lead the caller elsewhere."""
    raw = name.filename
    if raw not in {b"", b".", b".."} and b"/" not in raw and len(raw) <= paths.MAX_NAME_BYTES:
        link = stat.S_ISLNK(name.attributes.permissions or 0)
        yield DirectoryEntry(paths.to_text(raw), _file_stat(name.attributes), link)


def _file_stat(attributes: Attributes) -> FileStat:
    mode = attributes.permissions or 0
    return FileStat(
        size=min(attributes.size or 0, LONGEST_FILE_BYTES),
        mtime=float(attributes.mtime or 0),
        regular=stat.S_ISREG(mode),
        directory=stat.S_ISDIR(mode),
        inode=None,
    )
