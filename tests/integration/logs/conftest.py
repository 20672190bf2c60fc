"""Real files, rotated as programs rotate them, read through a session."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dthostmon import logs
from dthostmon.logs import Caps
from dthostmon.model import Cursor, Host, HostState, LogReading, LogsReading, Thresholds, TransportKind
from dthostmon.transport import Files, Session, connect
from dthostmon.transport.session import DirectoryEntry, FileStat

LOOK_BACK = 64 * 1024


@dataclass(frozen=True)
class WithoutInodes:
    """A session's files as SFTP version 3 shows them: no inodes, and mtimes of whole seconds."""

    files: Files

    async def stat(self, path: str) -> FileStat | None:
        found = await self.files.stat(path)
        return _bare(found) if found else None

    async def list(self, directory: str) -> list[DirectoryEntry]:
        return [replace(entry, stat=_bare(entry.stat)) for entry in await self.files.list(directory)]

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await self.files.read(path, offset, length)


def _bare(stat: FileStat) -> FileStat:
    return replace(stat, inode=None, mtime=float(int(stat.mtime)))


@dataclass
class Reader:
    """Visits logs again and again, keeping the cursors as the store would."""

    files: Files
    patterns: tuple[str, ...]
    caps: Caps = field(default_factory=Caps)
    look_back: int = LOOK_BACK
    state: HostState = field(default_factory=lambda: HostState({}, frozenset()))
    everything: bytes = b""

    async def visit(self) -> LogsReading:
        reading = await logs.read_files(self.files, self.patterns, self.state, self.look_back, self.caps)
        cursors = {log.path: _stored(log.cursor) for log in reading.logs if log.cursor}
        self.state = HostState({**self.state.cursors, **cursors}, self.state.patterns | reading.patterns)
        self.everything += b"".join(log.data for log in reading.logs)
        for log in reading.logs:
            assert log.bytes_appeared == len(log.data) + log.bytes_skipped
        return reading

    async def only(self) -> LogReading:
        [log] = (await self.visit()).logs
        return log


def _stored(cursor: Cursor) -> Cursor:
    return replace(cursor, version=cursor.version + 1)


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    host = Host("here", TransportKind.LOCAL, None, None, (), (), (), Thresholds(), 60, 30, LOOK_BACK)
    opened = await connect(host)
    yield opened
    await opened.close()


@pytest.fixture(params=["with inodes", "without inodes"])
def files(request: pytest.FixtureRequest, session: Session) -> Files:
    return session.files if request.param == "with inodes" else WithoutInodes(session.files)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "app.log"
    path.write_bytes(b"")
    return path


@pytest.fixture
async def reader(files: Files, log: Path) -> Reader:
    """A reader that has visited the log, which is empty, once."""
    made = Reader(files, (str(log),))
    await made.visit()
    return made
