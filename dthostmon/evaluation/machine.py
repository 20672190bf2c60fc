"""A host of an evaluation: a folder whose files grow, read by the local transport as if it were a whole machine."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dthostmon.model import Host, Levels, Thresholds, TransportKind
from dthostmon.transport import DirectoryEntry, Files, FileStat, FileSystemUsage, Session, Shell, connect

NO_LIMITS = Levels()  # how busy this machine is says nothing of the cases
THRESHOLDS = Thresholds(cpu=NO_LIMITS, memory=NO_LIMITS, disk=NO_LIMITS)
INTERVAL_SECONDS = 3600.0
TIMEOUT_SECONDS = 60.0
LOOK_BACK_BYTES = 2**30  # all of a log, also on the first visit


@dataclass(frozen=True, slots=True)
class Machine:
    """One replayed host. `root` is the folder that stands for its file system."""

    name: str
    root: Path
    logs: tuple[str, ...]

    def start(self) -> None:
        """Make its logs, empty."""
        for log in self.logs:
            file = self._file(log)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def write(self, log: str, lines: Sequence[str], at: datetime) -> None:
        """Let a log grow by some lines, the last of them at a moment."""
        file = self._file(log)
        with file.open("ab") as grown:
            grown.writelines(encoded(line) + b"\n" for line in lines)
        os.utime(file, (at.timestamp(), at.timestamp()))

    def host(self) -> Host:
        """Return it as the configuration would have it, with a role of its own."""
        return Host(
            name=self.name,
            transport=TransportKind.LOCAL,
            ssh=None,
            site=None,
            tags=(self.name,),
            logs=tuple(map(path_of, self.logs)),
            probes=(),
            thresholds=THRESHOLDS,
            interval=INTERVAL_SECONDS,
            timeout=TIMEOUT_SECONDS,
            look_back=LOOK_BACK_BYTES,
        )

    @asynccontextmanager
    async def visit(self, host: Host) -> AsyncIterator[Session]:
        """Open a session that sees the machine's folder only."""
        session = await connect(host)
        try:
            yield RootedSession(RootedFiles(session.files, str(self.root)))
        finally:
            await session.close()

    def _file(self, log: str) -> Path:
        return self.root / path_of(log).removeprefix("/")


def path_of(log: str) -> str:
    """Return the file that a log is replayed from: a journal and a container have none of their own."""
    return log if log.startswith("/") else f"/var/log/{log.replace(':', '-')}.log"


def encoded(line: str) -> bytes:
    """Return the bytes of a line; what no UTF-8 can hold is written out."""
    return line.encode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class RootedFiles:
    """Files below a folder, by the paths that they have from there."""

    files: Files
    root: str

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        return await self.files.stat(self.root + path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        return await self.files.list(self.root + directory)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        return await self.files.read(self.root + path, offset, length)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        return await self.files.usage(self.root + path)

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        return await self.files.link(self.root + path)


@dataclass(frozen=True, slots=True)
class RootedSession:
    """A session to such a folder; it runs no commands."""

    files: Files
    shell: Shell | None = None
    client_address: str | None = None
    key_fingerprints: tuple[str, ...] = field(default=())

    async def close(self) -> None:
        """Do nothing: nothing stays open between calls."""

    def abort(self) -> None:
        """Do nothing, as `close`."""

    def rest(self) -> None:
        """Do nothing: nothing is remembered between calls."""
