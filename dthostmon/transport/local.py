"""This machine as a host: files through the operating system, commands through a child shell. Knows nothing of SSH."""

import asyncio
import errno
import os
import signal
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

from dthostmon.errors import FileUnreadableError
from dthostmon.transport import framing, paths
from dthostmon.transport.capture import Capture
from dthostmon.transport.session import (
    LONGEST_FILE_BYTES,
    MAX_DIRECTORY_ENTRIES,
    CommandOutput,
    DirectoryEntry,
    FileStat,
    FileSystemUsage,
    Limits,
)
from dthostmon.transport.threads import DaemonThreads

WHERE = "this machine"
STALL_SECONDS = 20.0
TERMINATE_SECONDS = 2.0
READS_AT_ONCE = 8
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_STDIN = 0
_reads = DaemonThreads("local file", READS_AT_ONCE)


class LocalSession:
    """Visits the machine that dthostmon runs on."""

    client_address: str | None = None
    key_fingerprints: tuple[str, ...] = ()

    def __init__(self, limits: Limits, make_boundary: Callable[[], str]) -> None:
        self.files = LocalFiles()
        self.shell = LocalShell(limits, make_boundary)

    async def close(self) -> None:
        """Do nothing: nothing stays open between calls."""

    def abort(self) -> None:
        """Do nothing, as `close`."""

    def rest(self) -> None:
        """Do nothing: nothing is remembered between calls."""


class LocalFiles:
    """Reads files in threads of its own, since a file may lie on a slow or hanging mount."""

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        return await _reads.run(partial(_stat, path))

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        return await _reads.run(partial(_list, directory))

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        return await _reads.run(partial(_read, path, offset, length))

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        return await _reads.run(partial(_usage, path))

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        return await _reads.run(partial(_link, path))


def _stat(path: str) -> FileStat | None:
    with _translated(path):
        try:
            return _file_stat(os.stat(paths.to_bytes(path)))  # noqa: PTH116  # a Path holds no bytes
        except OSError as exc:
            if exc.errno in _ABSENT:
                return None
            raise


def _list(directory: str) -> list[DirectoryEntry]:
    with _translated(directory):
        try:
            return list(_entries(directory))
        except OSError as exc:
            if exc.errno in _ABSENT:
                return []
            raise


def _entries(directory: str) -> Iterator[DirectoryEntry]:
    with os.scandir(paths.to_bytes(directory)) as entries:
        for number, entry in enumerate(entries):
            if number == MAX_DIRECTORY_ENTRIES:
                raise FileUnreadableError(directory, f"it holds more than {MAX_DIRECTORY_ENTRIES} names")
            with suppress(FileNotFoundError):  # deleted since its name was read
                found = entry.stat(follow_symlinks=False)
                yield DirectoryEntry(paths.to_text(entry.name), _file_stat(found), stat.S_ISLNK(found.st_mode))


def _read(path: str, offset: int, length: int) -> bytes:
    raw = paths.to_bytes(path)
    with _translated(path):
        _require_regular(path, os.stat(raw))  # noqa: PTH116  # a Path holds no bytes
        # O_NONBLOCK and the second look: a FIFO may have taken the name since the first, and must not hang the open.
        file = os.open(raw, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            _require_regular(path, os.fstat(file))
            return b"".join(_pieces(file, offset, length))
        finally:
            os.close(file)


def _require_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileUnreadableError(path, "not a regular file")


def _pieces(file: int, offset: int, length: int) -> Iterator[bytes]:
    while length and (piece := os.pread(file, length, offset)):
        yield piece
        offset += len(piece)
        length -= len(piece)


def _file_stat(found: os.stat_result) -> FileStat:
    return FileStat(
        size=min(found.st_size, LONGEST_FILE_BYTES),  # a sparse file may claim 8 EiB
        mtime=found.st_mtime,
        regular=stat.S_ISREG(found.st_mode),
        directory=stat.S_ISDIR(found.st_mode),
        inode=found.st_ino,
        mode=found.st_mode,
        uid=found.st_uid,
        gid=found.st_gid,
    )


def _usage(path: str) -> FileSystemUsage:
    with _translated(path):
        found = os.statvfs(paths.to_bytes(path))
    return FileSystemUsage(found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)


def _link(path: str) -> str | None:
    with _translated(path):
        try:
            return paths.to_text(os.readlink(paths.to_bytes(path)))  # noqa: PTH115  # a Path holds no bytes
        except OSError as exc:
            if exc.errno in {*_ABSENT, errno.EINVAL}:  # EINVAL: there is something, and it is no link
                return None
            raise


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise FileUnreadableError(path, os.strerror(exc.errno or 0).lower()) from exc
    except ValueError as exc:
        raise FileUnreadableError(path, str(exc)) from exc  # a NUL in the path


class LocalShell:
    """Runs each script in a process group of its own, which does not outlive the call."""

    def __init__(self, limits: Limits, make_boundary: Callable[[], str]) -> None:
        self._limits = limits
        self._make_boundary = make_boundary

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:
        """See `session.Shell`."""
        limits = limits or self._limits
        script = framing.make_script(commands, self._make_boundary(), limits)
        capture = Capture(WHERE, limits.run_bytes, STALL_SECONDS + limits.command_seconds)
        # A start is never cancelled half way: asyncio would leave the child running and wait for it.
        starting = asyncio.create_task(_start(capture, script.reader), name="start a shell")
        try:
            transport, _ = await asyncio.shield(starting)
            stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(_STDIN))
            stdin.write(script.text)
            output = await capture.output()
        finally:
            await _end(*await starting)
        return framing.parse(output, script, WHERE)


async def _start(capture: Capture, reader: str) -> tuple[asyncio.SubprocessTransport, "_Child"]:
    return await asyncio.get_running_loop().subprocess_exec(
        lambda: _Child(capture),
        *("/bin/sh", "-c", reader),
        stderr=asyncio.subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )


class _Child(asyncio.SubprocessProtocol):
    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self.exited = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002  # asyncio's signature
        self._capture.add(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if fd != _STDIN:
            self._capture.finish()

    def process_exited(self) -> None:
        self.exited.set()


async def _end(transport: asyncio.SubprocessTransport, child: _Child) -> None:
    """Leave neither a process of the group nor a pipe behind: SIGTERM lets the script take its command along."""
    try:
        if not child.exited.is_set():
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(TERMINATE_SECONDS):
                    await child.exited.wait()
    finally:
        transport.close()  # kills the shell if it is still there
