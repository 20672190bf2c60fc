"""A TCP relay on loopback that counts what passes: the bytes that a client really sends and receives."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

PIECE_BYTES = 256 * 1024
END_SECONDS = 5.0


@dataclass(slots=True)
class CountingRelay:
    """Passes connections on to one port of its own address. `passed` counts TCP payload, both directions together."""

    address: str
    target_port: int
    passed: int = 0
    _server: asyncio.Server | None = field(default=None, repr=False)
    _connections: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def start(self) -> int:
        """Listen on a free port and return it."""
        self._server = await asyncio.start_server(self._accept, self.address, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Accept nothing more and let the connections, which their clients have closed, come to their ends."""
        if self._server is not None:
            self._server.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=END_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._relay(reader, writer), name=f"relay to port {self.target_port}")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(self.address, self.target_port)
        await asyncio.gather(self._pass_on(reader, target_writer), self._pass_on(target_reader, writer))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await source.read(PIECE_BYTES):
                self.passed += len(piece)
                sink.write(piece)
                await sink.drain()
        sink.close()
