"""A host over SSH: one connection, files over SFTP, commands through one exec at a time."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host, SshAccess, TransportKind
from dthostmon.transport import framing
from dthostmon.transport.capture import Capture
from dthostmon.transport.failures import RETRY_FIX, reason, stage
from dthostmon.transport.jump import Arrival, arrive
from dthostmon.transport.remote_files import RemoteFiles
from dthostmon.transport.session import CommandOutput, Limits

CLOSE_SECONDS = 1.0
RUNS_AT_ONCE = 4

_Channel: TypeAlias = "asyncssh.SSHClientChannel[bytes]"


async def open_session(host: Host, access: SshAccess, limits: Limits, make_boundary: Callable[[], str]) -> "SshSession":
    """Connect and log in, once, through the hosts that the access names. Raises VisitError."""
    has_shell = host.transport is TransportKind.SSH
    arrival = await arrive(host.name, access, reads_only=not has_shell)
    connection, where = arrival.connection, arrival.where
    shell = SshShell(connection, where, access.connect_timeout, limits, make_boundary)
    files = RemoteFiles(connection, where, access.connect_timeout, make_boundary, has_shell=has_shell)
    return SshSession(arrival, files, shell if has_shell else None)


class SshSession:
    """One SSH connection and what runs over it."""

    def __init__(self, arrival: Arrival, files: RemoteFiles, shell: "SshShell | None") -> None:
        self._connection = arrival.connection
        self.client_address = arrival.address
        self.key_fingerprints = arrival.fingerprints
        self.files = files
        self.shell = shell

    @property
    def host_key(self) -> asyncssh.SSHKey | None:
        """The key that the host proved to hold."""
        return self._connection.get_server_host_key()

    async def close(self) -> None:
        """See `session.Session`."""
        self._connection.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._connection.wait_closed()
        finally:
            self._connection.abort()

    def abort(self) -> None:
        """See `session.Session`."""
        self._connection.abort()

    def rest(self) -> None:
        """See `session.Session`."""
        self.files.rest()


class SshShell:
    """Runs each script in an exec of its own; the output is pushed into a Capture, so none waits unread in a window."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        where: str,
        seconds: float,
        limits: Limits,
        make_boundary: Callable[[], str],
    ) -> None:
        self._connection = connection
        self._where = where
        self._seconds = seconds
        self._limits = limits
        self._make_boundary = make_boundary
        self._slots = asyncio.Semaphore(RUNS_AT_ONCE)
        self._execs: set[asyncio.Task[None]] = set()

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:
        """See `session.Shell`."""
        limits = limits or self._limits
        script = framing.make_script(commands, self._make_boundary(), limits)
        capture = Capture(self._where, limits.run_bytes, self._seconds + limits.command_seconds)
        channel = await self._start(capture, script.command)
        try:
            with suppress(BrokenPipeError):  # it ended before it was told anything: what it said is its answer
                channel.write(script.text)
            output = await capture.output()
        finally:
            channel.abort()  # closes the script's standard input, which ends what still runs
        return framing.parse(output, script, self._where)

    async def _start(self, capture: Capture, command: str) -> _Channel:
        opened: asyncio.Future[_Channel] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._exec(capture, command, opened), name=f"exec on {self._where}")
        self._execs.add(task)
        task.add_done_callback(self._execs.discard)
        try:
            async with stage(self._where, "starting a shell", self._seconds):
                return await opened
        except BaseException:
            if not opened.cancelled() and opened.exception() is None:  # it opened at the moment of the cancellation
                opened.result().abort()
            raise

    async def _exec(self, capture: Capture, command: str, opened: asyncio.Future[_Channel]) -> None:
        """Open a channel and see it to its end, even when its run is cancelled: only so the host gets its slot back.

        The host closes its side when the process has ended; starting anew before that would meet its MaxSessions.
        """
        async with self._slots:
            if opened.cancelled():
                return
            try:
                channel, _ = await self._connection.create_session(
                    partial(_Exec, capture, self._where), command, encoding=None
                )
            except (asyncssh.Error, OSError, AttributeError) as exc:
                if not opened.cancelled():  # an AttributeError is how asyncssh 2.24 meets an abort of its connection
                    opened.set_exception(asyncssh.ConnectionLost("") if isinstance(exc, AttributeError) else exc)
                return
            if opened.cancelled():
                channel.abort()
            else:
                opened.set_result(channel)
            await channel.wait_closed()


class _Exec(asyncssh.SSHClientSession[bytes]):
    def __init__(self, capture: Capture, where: str) -> None:
        self._capture = capture
        self._where = where
        self._exited = False

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype is None:
            self._capture.add(data)
        else:
            self._capture.pass_over(len(data))

    def exit_status_received(self, status: int) -> None:  # noqa: ARG002  # asyncssh's signature
        self._exited = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end: without an exit status it is no end but a loss."""
        if self._exited:
            self._capture.finish()
            return
        said = f": {reason(exc)}" if exc else ""
        message = f"{self._where}: the shell ended without an exit status{said}."
        self._capture.fail(VisitError(ErrorKind.PROTOCOL, message, RETRY_FIX))
