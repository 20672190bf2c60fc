"""What a hostile, odd or dying SFTP server can do to a visit: nothing but fail it, in time and by name."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest

from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.model import SshAccess, TransportKind
from dthostmon.transport import Session, connect
from dthostmon.transport.sftp_channel import MAX_READ_BYTES, SAFE_READ_BYTES
from dthostmon.transport.sftp_messages import LIMITS, Kind, Status, string
from tests.fixtures.sshd import free_port, make_key, make_local_host, public_key

REGULAR = struct.pack(">IQI", 1 | 4, 100, 0o100644)  # size and permissions
HANDLE = string(b"handle")
Answering = Callable[[int, bytes], bytes]


def first_number(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")


def message(kind: int, *fields: bytes) -> bytes:
    body = bytes([kind]) + b"".join(fields)
    return struct.pack(">I", len(body)) + body


def answer(kind: int, number: int, *fields: bytes) -> bytes:
    return message(kind, struct.pack(">I", number), *fields)


def status(number: int, code: int, said: bytes = b"said") -> bytes:
    return answer(Kind.STATUS, number, struct.pack(">I", code), string(said), string(b"en"))


HELLO = message(Kind.VERSION, struct.pack(">I", 3))


class Subsystem(asyncssh.SSHServerSession[bytes]):
    """The host's end of one channel; `serve` is what runs there."""

    def __init__(self, serve: "Serve") -> None:
        self._serve = serve
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self.channel: asyncssh.SSHServerChannel[bytes]

    async def read(self) -> bytes:
        """The next bytes as they came, b'' at the end."""
        return await self._came.get()

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        self._task = asyncio.create_task(self._serve(self))

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002  # asyncssh's signature
        self._came.put_nowait(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncssh's signature
        self._came.put_nowait(b"")


Serve = Callable[[Subsystem], Awaitable[None]]


class Server(asyncssh.SSHServer):
    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    def session_requested(self) -> Subsystem:
        return Subsystem(self._serve)


@dataclass
class OddServer:
    """An SFTP server that answers each kind of request as the test says; `asked` is what came, `chunks` how it came."""

    answers: dict[int, Answering] = field(default_factory=dict)
    hello: bytes = HELLO
    asked: list[tuple[int, bytes]] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)

    async def serve(self, subsystem: Subsystem) -> None:
        buffered = b""
        while chunk := await subsystem.read():
            buffered += chunk
            self.chunks.append(0)
            while len(buffered) >= 4 and len(buffered) >= 4 + (size := first_number(buffered)):
                subsystem.channel.write(self._answered(buffered[4 : 4 + size]))
                buffered = buffered[4 + size :]

    def _answered(self, request: bytes) -> bytes:
        kind, fields = request[0], request[5:]
        self.asked.append((kind, fields))
        self.chunks[-1] += 1
        if kind == Kind.INIT:
            return self.hello
        number = first_number(request[1:])
        return self.answers[kind](number, fields) if kind in self.answers else b""


@asynccontextmanager
async def visiting(folder: Path, server: Serve, seconds: float = 5.0) -> AsyncIterator[Session]:
    """A session with a host whose sftp subsystem is `server`."""
    host_key, key = make_key(folder / "host_key"), make_key(folder / "id")
    (folder / "authorized").write_text(public_key(key))
    port, connections = free_port(), list[asyncssh.SSHServerConnection]()
    listener = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[str(host_key)],
        authorized_client_keys=str(folder / "authorized"),
        server_factory=lambda: Server(server),
        acceptor=connections.append,
        encoding=None,
    )
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public_key(host_key)}\n")
    access = SshAccess("127.0.0.1", port, "monitor", str(key), "", str(folder / "known_hosts"), seconds, ())
    try:
        session = await connect(replace(make_local_host("odd"), transport=TransportKind.SSH, ssh=access))
        yield session
        await session.close()
    finally:
        listener.close()
        await listener.wait_closed()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()


def stats(number: int, _: bytes) -> bytes:
    return answer(Kind.ATTRIBUTES, number, REGULAR)


def opens(number: int, _: bytes) -> bytes:
    return answer(Kind.HANDLE, number, HANDLE)


def closes(number: int, _: bytes) -> bytes:
    return status(number, Status.OK)


def reads_zeros(number: int, fields: bytes) -> bytes:
    """As many bytes as were asked for."""
    return answer(Kind.DATA, number, string(bytes(first_number(fields[-4:]))))


async def fails(folder: Path, server: OddServer, seconds: float = 5.0) -> VisitError:
    async with visiting(folder, server.serve, seconds) as session:
        with pytest.raises(VisitError) as caught:
            await session.files.read("/log", 0, 100)
        with pytest.raises(VisitError):
            await session.files.stat("/log")  # and it stays failed, at once
    return caught.value


async def test_requests_of_one_moment_leave_together(tmp_path: Path) -> None:
    server = OddServer({Kind.STAT: stats})
    async with visiting(tmp_path, server.serve) as session:
        await session.files.stat("/first")
        server.chunks.clear()
        await asyncio.gather(*(session.files.stat(f"/{number}") for number in range(5)))
        assert server.chunks == [5]


async def test_answers_may_come_in_any_order(tmp_path: Path) -> None:
    late: list[bytes] = []

    def turned_round(number: int, fields: bytes) -> bytes:
        late.insert(0, answer(Kind.ATTRIBUTES, number, struct.pack(">IQI", 1 | 4, len(fields), 0o100644)))
        return b"".join(late) if len(late) == 3 else b""

    async with visiting(tmp_path, OddServer({Kind.STAT: turned_round}).serve) as session:
        found = await asyncio.gather(*(session.files.stat("/" + "x" * size) for size in (1, 2, 3)))
        assert [stat.size for stat in found if stat] == [6, 7, 8]


async def test_a_server_that_tells_no_limits_is_asked_for_little(tmp_path: Path) -> None:
    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.CLOSE: closes, Kind.READ: reads_zeros})
    async with visiting(tmp_path, server.serve) as session:
        assert await session.files.read("/log", 0, 100_000) == bytes(100_000)
    sizes = [first_number(fields[-4:]) for kind, fields in server.asked if kind == Kind.READ]
    assert max(sizes) == SAFE_READ_BYTES


@pytest.mark.parametrize("told", [0, 1000, 2**63])
async def test_the_limits_that_a_server_tells_are_kept_within_ours(tmp_path: Path, told: int) -> None:
    hello = message(Kind.VERSION, struct.pack(">I", 3), string(LIMITS), string(b"1"))
    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.CLOSE: closes, Kind.READ: reads_zeros}, hello)
    server.answers[Kind.EXTENDED] = lambda number, _: answer(
        Kind.EXTENDED_REPLY, number, struct.pack(">4Q", *[told] * 4)
    )
    async with visiting(tmp_path, server.serve) as session:
        assert await session.files.read("/log", 0, 300_000) == bytes(300_000)
    sizes = [first_number(fields[-4:]) for kind, fields in server.asked if kind == Kind.READ]
    assert max(sizes) == max(SAFE_READ_BYTES, min(told, MAX_READ_BYTES))


async def test_a_server_may_answer_with_less_than_it_was_asked_for(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10

    def seven(number: int, fields: bytes) -> bytes:
        offset = int.from_bytes(fields[-12:-4], "big")
        piece = content[offset : offset + min(7, first_number(fields[-4:]))]
        return answer(Kind.DATA, number, string(piece)) if piece else status(number, Status.EOF)

    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.CLOSE: closes, Kind.READ: seven})
    async with visiting(tmp_path, server.serve) as session:
        assert await session.files.read("/log", 5, 10_000) == content[5:]


@pytest.mark.parametrize("code", [3, 4, 8, 20, 24])
async def test_a_refusal_is_about_its_file_alone_and_its_text_is_cleaned(tmp_path: Path, code: int) -> None:
    server = OddServer({Kind.STAT: lambda number, _: status(number, code, b"No \x1b[31m\xff")})
    async with visiting(tmp_path, server.serve) as session:
        with pytest.raises(FileUnreadableError) as caught:
            await session.files.stat("/log")
        assert caught.value.reason == "no ?[31m\ufffd"
        server.answers[Kind.STAT] = stats
        assert await session.files.stat("/log")


@pytest.mark.parametrize("code", [5, 6, 7, 99])
async def test_any_other_refusal_fails_the_visit(tmp_path: Path, code: int) -> None:
    server = OddServer({Kind.STAT: lambda number, _: status(number, code)})
    async with visiting(tmp_path, server.serve) as session:
        with pytest.raises(VisitError, match="said"):
            await session.files.stat("/log")


async def test_a_handle_is_given_back_after_a_read_and_after_a_listing(tmp_path: Path) -> None:
    server = OddServer(
        {Kind.STAT: stats, Kind.OPEN: opens, Kind.OPENDIR: opens, Kind.READ: reads_zeros, Kind.CLOSE: closes}
    )
    server.answers[Kind.READDIR] = lambda number, _: status(number, Status.EOF)
    async with visiting(tmp_path, server.serve) as session:
        await session.files.read("/log", 0, 10)
        assert await session.files.list("/folder") == []
        await session.files.stat("/log")  # an answer behind the two closes
    assert [fields for kind, fields in server.asked if kind == Kind.CLOSE] == [HANDLE, HANDLE]


async def test_a_handle_that_comes_after_its_reader_left_is_given_back(tmp_path: Path) -> None:
    opened: list[int] = []

    def opens_later(number: int, _: bytes) -> bytes:
        opened.append(number)
        return b""

    def stats_and_opens(number: int, fields: bytes) -> bytes:
        return b"".join(opens(later, b"") for later in opened) + stats(number, fields)

    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens_later, Kind.CLOSE: closes})
    async with visiting(tmp_path, server.serve) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await session.files.read("/log", 0, 10)
        server.answers[Kind.STAT] = stats_and_opens
        await session.files.stat("/log")
        server.answers[Kind.STAT] = stats
        await session.files.stat("/log")
    assert [fields for kind, fields in server.asked if kind == Kind.CLOSE] == [HANDLE]


async def test_names_that_no_directory_can_hold_are_left_out(tmp_path: Path) -> None:
    names = [b".", b"..", b"", b"../../etc/passwd", b"a/b", b"log"]
    pages = [b"".join(string(name) + string(b"-rw-r--r-- " + name) + REGULAR for name in names)]

    def lists(number: int, _: bytes) -> bytes:
        return (
            answer(Kind.NAME, number, struct.pack(">I", len(names)), pages.pop())
            if pages
            else status(number, Status.EOF)
        )

    server = OddServer({Kind.OPENDIR: opens, Kind.READDIR: lists, Kind.CLOSE: closes})
    async with visiting(tmp_path, server.serve) as session:
        assert [entry.name for entry in await session.files.list("/folder")] == ["log"]


async def test_a_directory_without_an_end_is_refused(tmp_path: Path) -> None:
    page = (string(b".") + string(b"") + struct.pack(">I", 0)) * 10_000

    def lists(number: int, _: bytes) -> bytes:
        return answer(Kind.NAME, number, struct.pack(">I", 10_000), page)

    server = OddServer({Kind.OPENDIR: opens, Kind.READDIR: lists, Kind.CLOSE: closes})
    async with visiting(tmp_path, server.serve) as session:
        with pytest.raises(FileUnreadableError, match="more than 100000 names"):
            await session.files.list("/folder")


EXTENDED_FLAG = struct.pack(">II", 0x8000_0000, 0xFFFF_FFFF)
BAD_STATS: dict[str, Answering] = {
    "a length of 4 GB": lambda *_: b"\xff" * 9,
    "text instead of a message": lambda *_: b"Last login: yesterday\n",
    "an empty message": lambda *_: bytes(4),
    "an answer without a number": lambda *_: message(Kind.ATTRIBUTES),
    "an answer that nobody asked for": lambda number, _: answer(Kind.ATTRIBUTES, number + 1, REGULAR),
    "an answer that ends too early": lambda number, _: answer(Kind.ATTRIBUTES, number, REGULAR[:-1]),
    "extended attributes without an end": lambda number, _: answer(Kind.ATTRIBUTES, number, EXTENDED_FLAG),
    "an answer of another kind": opens,
    "success without a result": closes,
}


@pytest.mark.parametrize("what", BAD_STATS)
async def test_what_is_no_answer_fails_the_visit(tmp_path: Path, what: str) -> None:
    error = await fails(tmp_path, OddServer({Kind.STAT: BAD_STATS[what]}))
    assert error.kind is ErrorKind.PROTOCOL
    assert "its sftp subsystem sent" in error.message


@pytest.mark.parametrize("hello", [message(Kind.VERSION, struct.pack(">I", 2)), message(Kind.DATA), b"Welcome!\n"])
async def test_a_server_that_speaks_no_sftp_is_asked_for_the_collector_program(tmp_path: Path, hello: bytes) -> None:
    assert "the collector program" in (await fails(tmp_path, OddServer(hello=hello))).message


async def test_more_bytes_than_were_asked_for_fail_the_visit(tmp_path: Path) -> None:
    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.CLOSE: closes})
    server.answers[Kind.READ] = lambda number, _: answer(Kind.DATA, number, string(bytes(101)))
    assert "more bytes than were asked for" in (await fails(tmp_path, server)).message


@pytest.mark.parametrize("silent", [Kind.INIT, Kind.STAT, Kind.OPEN, Kind.READ])
async def test_a_silent_server_is_given_up(tmp_path: Path, silent: Kind) -> None:
    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.READ: reads_zeros, Kind.CLOSE: closes})
    server.answers.pop(silent, None)
    if silent is Kind.INIT:
        server.hello = b""
    error = await fails(tmp_path, server, seconds=0.3)
    assert error.kind is ErrorKind.TIMEOUT
    assert "took longer than 0.3 s" in error.message


async def test_a_slow_server_that_goes_on_answering_is_waited_for(tmp_path: Path) -> None:
    async def slow(subsystem: Subsystem) -> None:
        subsystem.channel.write(HELLO)
        await subsystem.read()
        request = await subsystem.read()
        for byte in stats(first_number(request[5:]), b""):
            subsystem.channel.write(bytes([byte]))
            await asyncio.sleep(0.04)
        await subsystem.read()

    async with visiting(tmp_path, slow, seconds=0.5) as session:  # 25 bytes take twice as long
        assert await session.files.stat("/log")


async def test_the_end_of_the_subsystem_fails_what_waits(tmp_path: Path) -> None:
    async def leaves(subsystem: Subsystem) -> None:
        subsystem.channel.write(HELLO)
        await subsystem.read()
        await subsystem.read()
        subsystem.channel.exit(0)

    async with visiting(tmp_path, leaves) as session:
        with pytest.raises(VisitError, match="the connection was lost while looking at /log") as caught:
            await session.files.stat("/log")
        assert caught.value.kind is ErrorKind.PROTOCOL
        with pytest.raises(VisitError):
            await session.files.stat("/log")


async def test_what_a_server_writes_to_its_stderr_is_no_answer(tmp_path: Path) -> None:
    async def noisy(subsystem: Subsystem) -> None:
        subsystem.channel.write_stderr(b"a warning\n")
        await OddServer({Kind.STAT: stats}).serve(subsystem)

    async with visiting(tmp_path, noisy) as session:
        assert await session.files.stat("/log")


async def test_a_subsystem_that_ends_its_output_and_stays_fails_what_waits(tmp_path: Path) -> None:
    async def falls_silent(subsystem: Subsystem) -> None:
        subsystem.channel.write(HELLO)
        await subsystem.read()
        await subsystem.read()
        subsystem.channel.write_eof()

    async with visiting(tmp_path, falls_silent) as session:
        with pytest.raises(VisitError, match="the sftp subsystem ended"):
            await session.files.stat("/log")


async def test_a_session_may_end_in_the_moment_of_a_read(tmp_path: Path) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    server = OddServer({Kind.STAT: stats, Kind.OPEN: opens, Kind.READ: reads_zeros, Kind.CLOSE: closes})
    async with visiting(tmp_path, server.serve) as session:
        await session.files.read("/log", 0, 10)
        await session.close()
    assert told == []


async def test_the_time_of_a_request_begins_when_it_is_made(tmp_path: Path) -> None:
    async def is_slow_later(subsystem: Subsystem) -> None:
        subsystem.channel.write(HELLO)
        await subsystem.read()
        for pause in (0, 0.35):
            request = await subsystem.read()
            await asyncio.sleep(pause)
            subsystem.channel.write(stats(first_number(request[5:]), b""))
        await subsystem.read()

    async with visiting(tmp_path, is_slow_later, seconds=0.5) as session:
        assert await session.files.stat("/log")
        await asyncio.sleep(0.3)  # the second request is under way when the time of the first one is over
        assert await session.files.stat("/log")


async def test_a_server_that_cannot_tell_the_space_is_not_asked_for_it(tmp_path: Path) -> None:
    server = OddServer({Kind.STAT: stats})
    async with visiting(tmp_path, server.serve) as session:
        await session.files.stat("/")
        assert await session.files.usage("/") is None
    assert Kind.EXTENDED not in {kind for kind, _ in server.asked}


@pytest.mark.parametrize("count", [0, 2])
async def test_a_link_with_another_number_of_targets_than_one_fails_the_visit(tmp_path: Path, count: int) -> None:
    names = struct.pack(">I", count) + (string(b"/target") + string(b"") + struct.pack(">I", 0)) * count
    server = OddServer({Kind.READLINK: lambda number, _: answer(Kind.NAME, number, names)})
    async with visiting(tmp_path, server.serve) as session:
        with pytest.raises(VisitError, match="targets of one link"):
            await session.files.link("/link")
