"""Files as the source of facts, on hosts without a shell: they tell a probe's parser what its commands would print."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.transport import DirectoryEntry, Files, FileStat, FileSystemUsage

READS_AT_ONCE = 8  # each may hold a file
LOOKS_AT_ONCE = 32  # what is asked for at one moment leaves as one packet
FILE_BYTES = 128 * 1024  # one piece of SFTP; most files in /proc and /etc are shorter


@dataclass(frozen=True, slots=True)
class Told:
    """What stands for a command's output. `unknown` says what is not in it and why; None where all is."""

    output: bytes
    unknown: str | None = None


class FactFiles:
    """The files of one visit: each is read once, some at the same time. All calls raise FileUnreadableError."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._slots = asyncio.Semaphore(READS_AT_ONCE)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._reading: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._read: dict[tuple[str, int], bytes] = {}

    async def beginning(self, path: str, limit: int = FILE_BYTES) -> bytes:
        """Return up to `limit` bytes of a file."""
        async with self._reading[path, limit]:
            if (path, limit) not in self._read:
                self._read[path, limit] = await self._beginning(path, limit)
            return self._read[path, limit]

    async def beginning_later(self, path: str, seconds: float) -> bytes:
        """Return the beginning of a file as it is some time after `beginning` read it."""
        await self.beginning(path)
        await asyncio.sleep(seconds)
        return await self._beginning(path, FILE_BYTES)

    async def content(self, path: str, limit: int = FILE_BYTES) -> bytes:
        """Return a whole file."""
        found = await self.beginning(path, limit)
        if len(found) == limit:
            raise FileUnreadableError(path, f"it is longer than the {limit} bytes that are read")
        return found

    async def piece(self, path: str, offset: int, length: int) -> bytes:
        """Return some bytes of a file, and remember none: for what is long, or read by one probe alone."""
        async with self._slots:
            return await self._files.read(path, offset, length)

    async def stat(self, path: str) -> FileStat | None:
        """See `Files`."""
        async with self._looks:
            return await self._files.stat(path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `Files`."""
        async with self._looks:
            return await self._files.list(directory)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `Files`."""
        async with self._looks:
            return await self._files.usage(path)

    async def link(self, path: str) -> str | None:
        """See `Files`."""
        async with self._looks:
            return await self._files.link(path)

    async def _beginning(self, path: str, limit: int) -> bytes:
        async with self._slots:
            return await self._files.read(path, 0, limit)


Source = Callable[[FactFiles], Awaitable[Told]]


def content_of(*paths: str) -> Source:
    """Make the source that tells what the first of some files holds that can be read."""

    async def tell(files: FactFiles) -> Told:
        for path in paths[:-1]:
            try:
                return Told(await files.content(path))
            except FileUnreadableError:
                continue
        return Told(await files.content(paths[-1]))

    return tell
