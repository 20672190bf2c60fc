"""Files over SFTP: no shell and no fork on the host, and as few round trips as the answer needs."""

import asyncio
import stat
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import cast

import asyncssh

from dthostmon.errors import FileUnreadableError
from dthostmon.transport import paths
from dthostmon.transport.failures import reason, stage
from dthostmon.transport.session import (
    LONGEST_FILE_BYTES,
    MAX_DIRECTORY_ENTRIES,
    DirectoryEntry,
    FileStat,
    FileSystemUsage,
)

READS_IN_FLIGHT = 8  # of up to 255 KiB each: the 2 MiB that the connection's window holds
CLOSE_SECONDS = 1.0
HONEST_ENTRY_BYTES = 512  # a name with its line of `ls`; one that is longer counts as several
REMEMBERED_FILES = 10_000
PIECE_BYTES = range(32 * 1024, 255 * 1024 + 1)  # what a server must be able to answer at once, and what OpenSSH does

# What a server says of one file; everything else that asyncssh raises is about the connection.
_ABOUT_A_FILE = (
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPFailure,
    asyncssh.SFTPOpUnsupported,
    asyncssh.SFTPInvalidFilename,
    asyncssh.SFTPNotADirectory,
    asyncssh.SFTPFileIsADirectory,
    asyncssh.SFTPLinkLoop,
)
_ABSENT = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory, asyncssh.SFTPLinkLoop)


class SftpFiles:
    """Reads files over one SFTP channel. `seconds` is the deadline of each request."""

    def __init__(self, client: asyncssh.SFTPClient, where: str, seconds: float) -> None:
        self._client = client
        self._where = where
        self._seconds = seconds
        self._regular: set[str] = set()
        self._listings: set[asyncio.Task[list[DirectoryEntry]]] = set()

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        async with self._asking(path, "looking at") as (client, raw):
            try:
                found = _file_stat(await client.stat(raw))
            except _ABSENT:
                self._regular.discard(path)
                return None
        self._remember(path, found.regular)
        return found

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        async with self._asking(directory, "listing") as (client, raw):
            listing = asyncio.create_task(_listing(client, raw, directory), name=f"list {directory}")
            self._listings.add(listing)
            listing.add_done_callback(self._listings.discard)
            try:
                return await asyncio.shield(listing)
            finally:
                listing.cancel()  # asyncssh asks to close the folder then; nobody waits for the answer to that

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        if path not in self._regular:
            await self._require_regular(path)
        async with self._asking(path, "opening") as (client, raw):
            # block_size=0: one request per read and no task of asyncssh's own. Its parallel reader fills the hole with
            # zeros when a file grows between two of its requests.
            file = await client.open(raw, asyncssh.FXF_READ, encoding=None, block_size=0)
        try:
            return b"".join([piece async for piece in self._pieces(file, _piece_bytes(client), path, offset, length)])
        finally:
            with suppress(asyncssh.Error, OSError):  # a TimeoutError is an OSError
                async with asyncio.timeout(CLOSE_SECONDS):
                    await file.close()

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        async with self._asking(path, "asking for the space of") as (client, raw):
            try:
                found = await client.statvfs(raw)
            except asyncssh.SFTPOpUnsupported:
                return None
        return FileSystemUsage(found.frsize, found.blocks, found.bfree, found.bavail, found.files, found.ffree)

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        async with self._asking(path, "following") as (client, raw):
            try:
                target = await client.readlink(raw)
            except (*_ABSENT, asyncssh.SFTPFailure):  # version 3 has no word for "not a link" but failure
                return None
        return paths.to_text(target)

    async def _pieces(
        self, file: asyncssh.SFTPClientFile, size: int, path: str, offset: int, length: int
    ) -> AsyncIterator[bytes]:
        """Read ahead by a few requests; yield in order, and end at the first piece that the end of the file cuts."""
        end = offset + length
        starts = deque(range(offset, end, size))
        flying: deque[asyncio.Task[bytes]] = deque()
        try:
            while starts or flying:
                while starts and len(flying) < READS_IN_FLIGHT:
                    start = starts.popleft()
                    reading = _read_piece(file, start, min(size, end - start))
                    flying.append(asyncio.create_task(reading, name=f"read {path} at {start}"))
                async with self._asking(path, "reading"):
                    piece = await flying.popleft()
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

    @asynccontextmanager
    async def _asking(self, path: str, doing: str) -> AsyncIterator[tuple[asyncssh.SFTPClient, bytes]]:
        """Give one request its deadline, and tell a file that cannot be read from a connection that died."""
        raw = paths.to_request(path)
        async with stage(self._where, f"{doing} {path}", self._seconds):
            try:
                yield self._client, raw
            except _ABOUT_A_FILE as exc:
                raise FileUnreadableError(path, reason(exc).lower()) from exc


async def _listing(client: asyncssh.SFTPClient, raw: bytes, directory: str) -> list[DirectoryEntry]:
    entries: list[DirectoryEntry] = []
    taken = 0
    names = cast("AsyncGenerator[asyncssh.SFTPName]", client.scandir(raw))
    async with aclosing(names):
        with suppress(*_ABSENT):
            async for name in names:
                taken += 1 + (len(name.filename) + len(name.longname or b"")) // HONEST_ENTRY_BYTES
                if taken > MAX_DIRECTORY_ENTRIES:
                    raise FileUnreadableError(directory, f"it holds more than {MAX_DIRECTORY_ENTRIES} names")
                entries.extend(_entry(name))
    return entries


async def _read_piece(file: asyncssh.SFTPClientFile, offset: int, length: int) -> bytes:
    """Read until `length` bytes are there or the file ends: a server may answer with less than it was asked for."""
    pieces: list[bytes] = []
    while length:
        piece: bytes = await file.read(length, offset)
        if not piece:
            break
        if len(piece) > length:
            raise asyncssh.SFTPBadMessage("the host sent more of a file than it was asked for")
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return b"".join(pieces)


def _piece_bytes(client: asyncssh.SFTPClient) -> int:
    """Return how much to ask for at once: what the server says of its limits is believed within reason."""
    return max(PIECE_BYTES[0], min(client.limits.max_read_len, PIECE_BYTES[-1]))


def _entry(name: asyncssh.SFTPName) -> Iterator[DirectoryEntry]:
    """Make an entry of a name, unless no directory can hold it: a hostile server could lead the caller elsewhere."""
    raw = name.filename
    if (
        isinstance(raw, bytes)
        and raw not in {b"", b".", b".."}
        and b"/" not in raw
        and len(raw) <= paths.MAX_NAME_BYTES
    ):
        link = stat.S_ISLNK(name.attrs.permissions or 0)
        yield DirectoryEntry(paths.to_text(raw), _file_stat(name.attrs), link)


def _file_stat(attributes: asyncssh.SFTPAttrs) -> FileStat:
    mode = attributes.permissions or 0
    return FileStat(
        size=min(attributes.size or 0, LONGEST_FILE_BYTES),
        mtime=float(attributes.mtime or 0),
        regular=stat.S_ISREG(mode),
        directory=stat.S_ISDIR(mode),
        inode=None,
    )
