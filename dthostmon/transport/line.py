"""A line: one connection from a bastion to a host behind it, carried by a channel, used like a connected socket."""

from collections.abc import Callable
from typing import TypeAlias, cast

import asyncssh

_Channel: TypeAlias = "asyncssh.SSHTCPChannel[bytes]"


class Line(asyncssh.SSHTCPSession[bytes]):
    """Passes on what arrives; until the login begins nothing is read. `up` and `down` tell when it is in use."""

    def __init__(self, up: Callable[[], None], down: Callable[[], None]) -> None:
        self._up = up
        self._down = down
        self._channel: _Channel | None = None
        self._login: asyncssh.SSHClientConnection | None = None
        self._abandoned = False
        self._ended = False

    def connection_made(self, chan: _Channel) -> None:
        """Take the channel. Where nobody waits for it any more it is given back at once."""
        self._channel = chan
        self._up()
        if self._abandoned:
            chan.abort()
        else:
            chan.pause_reading()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if self._login:
            self._login.data_received(data, datatype)

    def eof_received(self) -> bool:
        if self._login:
            self._login.eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._down()
        if self._login:
            self._login.connection_lost(exc)

    async def create_connection(
        self,
        session_factory: Callable[[], asyncssh.SSHTCPSession[bytes]],
        remote_host: str,  # noqa: ARG002  # asyncssh's signature: the line leads there already
        remote_port: int,  # noqa: ARG002  # the same
    ) -> tuple[_Channel, asyncssh.SSHTCPSession[bytes]]:
        """Begin a login on the line: what asyncssh calls where it is given a tunnel."""
        if self._channel is None or self._ended:
            raise asyncssh.ConnectionLost("the line was closed")
        session = session_factory()
        self._login = cast("asyncssh.SSHClientConnection", session)
        session.connection_made(self._channel)
        session.session_started()
        self._channel.resume_reading()
        return self._channel, session

    def close(self) -> None:
        """Hang up, also where the bastion has still to say that the line is there."""
        self._abandoned = True
        if self._channel and not self._ended:
            self._channel.abort()

    async def wait_closed(self) -> None:
        """Return at once: the channel ends on its own."""
