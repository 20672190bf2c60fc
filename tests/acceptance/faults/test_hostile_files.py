"""Files of a host that is an attacker's: whatever it sends, only its own run is touched, and its cost is bounded."""

import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon.model import Host, RunStatus
from tests.acceptance.faults.conftest import Attacked, Watch, attack
from tests.fixtures import hostile
from tests.fixtures.hostile import Answer, HostileFiles

MakeWatch = Callable[[Host], Watch]


async def test_the_attacker_is_an_honest_host_as_long_as_it_does_not_attack(attacker: Attacked) -> None:
    run = await attacker.run(patient=True)
    assert (run.status, run.error) == (RunStatus.OK, None)
    assert await attacker.watch.stored() == HostileFiles().data
    await attacker.reforms()


NAMES = [
    b"new\nline.log", b"'quote\".log", b"a/../../../etc/shadow.log", b"..", b".", b"", b"/etc/passwd.log",
    b"\xff\xfe.log", b"\x1b[2J\x1b]0;owned\x07.log", b"nul\0.log", b"$(reboot).log", b"`reboot`.log", b"\\x2e\\x2e.log",
    b"\xe2\x80\xaegol.log", b"x" * 5000 + b".log", b"app.log", b"app.log", b"*.log", b"[a].log", b"app.log.1",
    b"app.log-20260101", b"app.log.99999999999999999999", b"app.log." + b"9" * 200, b"%s%n.log", b"<script>.log",
]  # fmt: skip


async def test_names_that_lead_elsewhere_or_deceive_are_names_in_their_folder(attacker: Attacked) -> None:
    class Names(HostileFiles):
        asked: set[bytes] = set()  # noqa: RUF012  # of this one test

        def entries(self) -> Sequence[tuple[bytes, bytes]]:
            return [(name, self.looks()) for name in NAMES]

        def stat(self, path: bytes) -> Answer:  # noqa: ARG002  # all of them are there
            return hostile.ATTRS, self.looks()

        def handle(self, path: bytes) -> Answer:
            self.asked.add(path)
            return super().handle(path)

    attacker.host.files = Names()
    run = await attacker.run(patient=True)
    assert run.status is RunStatus.OK
    assert len(run.logs) > 5
    for path in Names.asked:
        assert path == b"/var/log" or (path.startswith(b"/var/log/") and b"/" not in path.removeprefix(b"/var/log/"))
    await attacker.reforms()


SIZES = [(0, 0), (1, 2**32 - 1), (2**32, 1), (2**53, 2**31), (2**63 - 1, 0), (2**63, 7), (2**64 - 1, 2**32 - 1)]


@pytest.mark.parametrize(("size", "mtime"), SIZES)
async def test_a_size_that_lies_costs_nobody_else_anything(attacker: Attacked, size: int, mtime: int) -> None:
    class Liar(HostileFiles):
        def looks(self) -> bytes:
            return hostile.attributes(size, mtime=mtime)

    await attacker.run()
    attacker.host.files = Liar()
    for _ in range(2):
        await attacker.run()
    await attacker.reforms()


async def test_a_size_that_is_another_one_at_each_look_costs_nobody_else_anything(attacker: Attacked) -> None:
    class Shrinking(HostileFiles):
        sizes = itertools.cycle([10_000, 5_000, 2**64 - 1, 100, 0, 2**40, 700, 1])

        def looks(self) -> bytes:
            return hostile.attributes(next(self.sizes))

    attacker.host.files = Shrinking()
    for _ in range(6):
        await attacker.run()
    await attacker.reforms()


def endless(_offset: int, length: int) -> Answer:
    return hostile.DATA, hostile.text((b"x" * 99 + b"\n") * (length // 100) + b"x" * (length % 100))


def endless_without_newline(_offset: int, length: int) -> Answer:
    return hostile.DATA, hostile.text(bytes(length))


def more_than_asked(_offset: int, length: int) -> Answer:
    return hostile.DATA, hostile.text(b"y" * (length + 1000))


def far_more_than_asked(_offset: int, _length: int) -> Answer:
    return hostile.DATA, hostile.text(b"z\n" * 2_000_000)


def one_byte(_offset: int, _length: int) -> Answer:
    return hostile.DATA, hostile.text(b"o")


def nothing(_offset: int, _length: int) -> Answer:
    return hostile.DATA, hostile.text(b"")


def a_code(code: int) -> Callable[[int, int], Answer]:
    return lambda _offset, _length: hostile.status(code, b"\x1b[31m\xff" * 1000)


def no_status(_offset: int, _length: int) -> Answer:
    return hostile.status(hostile.OK)


READS = {
    "endless": endless,
    "endless without a newline": endless_without_newline,
    "more than asked": more_than_asked,
    "far more than asked": far_more_than_asked,
    "one byte": one_byte,
    "nothing": nothing,
    "success": no_status,
} | {f"code {code}": a_code(code) for code in (2, 3, 4, 5, 7, 9999)}


@pytest.mark.parametrize("read", READS)
async def test_reads_that_answer_something_else_are_bounded(attacker: Attacked, read: str) -> None:
    class Reader(HostileFiles):
        def looks(self) -> bytes:
            return hostile.attributes(10 * 2**30)

        def read(self, offset: int, length: int) -> Answer:
            return READS[read](offset, length)

    attacker.host.files = Reader()
    await attacker.run()
    await attacker.reforms()


def many_names(number: int) -> Answer:
    return hostile.names((b"%d-%d.log" % (number, one), hostile.attributes()) for one in range(100))


def long_names(number: int) -> Answer:
    return hostile.names((b"%d" % number + b"n" * 200_000 + b".log", hostile.attributes()) for _ in range(10))


def dots(_number: int) -> Answer:
    return hostile.names([(b".", hostile.attributes())] * 100)


def no_names(_number: int) -> Answer:
    return hostile.names([])


def folders(number: int) -> Answer:
    looks = hostile.attributes(mode=hostile.DIRECTORY)
    return hostile.names((b"%d-%d" % (number, one), looks) for one in range(1000))


LISTINGS = [(listing, "/var/log/*.log") for listing in (many_names, long_names, dots, no_names)]


@pytest.mark.parametrize(("listing", "pattern"), [*LISTINGS, (folders, "/*/*/*/*.log")])
async def test_a_folder_without_end_is_given_up(
    watch: MakeWatch, tmp_path: Path, listing: Callable[[int], Answer], pattern: str
) -> None:
    class Endless(HostileFiles):
        numbers = itertools.count()

        def list(self, path: bytes) -> Answer:  # noqa: ARG002  # the same everywhere
            return listing(next(self.numbers))

    async with attack(watch, tmp_path, [pattern]) as attacker:
        attacker.host.files = Endless()
        await attacker.run()


async def test_a_tree_of_folders_without_end_is_given_up(
    watch: MakeWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dthostmon.transport.globs.MAX_MATCHES", 5_000)

    class Tree(HostileFiles):
        def entries(self) -> Sequence[tuple[bytes, bytes]]:
            looks = hostile.attributes(mode=hostile.DIRECTORY)
            return [(b"%d.log" % number, looks) for number in range(2_000)]

    async with attack(watch, tmp_path, ["/*/*/*/*.log"]) as attacker:
        attacker.watch.host = replace(attacker.watch.host, timeout=30.0)
        attacker.host.files = Tree()
        run = await attacker.run(patient=True)
    assert run.status is RunStatus.OK
    assert any("leads to more than 5000 names" in finding.title for finding in run.findings)


def wrong_number(kind: int, number: int, rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", kind, number + 1000) + rest


def wrong_kind(_kind: int, number: int, rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", 77, number) + rest


def another_answer(_kind: int, number: int, _rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", hostile.EXTENDED_REPLY, number) + b"?"


def cut_off(kind: int, number: int, rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", kind, number) + rest[: len(rest) // 2]


def too_long(kind: int, number: int, rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", kind, number) + rest + b"more"


def empty(_kind: int, _number: int, _rest: bytes) -> Iterator[bytes]:
    yield b""


def four_gigabytes(_kind: int, _number: int, _rest: bytes) -> Iterator[bytes]:
    yield bytearray(b"\xff" * 100)  # type: ignore[misc]  # a bytearray goes out as it is, without a length before it


def many_times(kind: int, number: int, rest: bytes) -> Iterator[bytes]:
    for _ in range(1000):
        yield struct.pack(">BI", kind, number) + rest


def unasked(_kind: int, _number: int, _rest: bytes) -> Iterator[bytes]:
    for number in itertools.count(5000):
        yield struct.pack(">BI", hostile.DATA, number) + hostile.text(bytes(30_000))


def billions_of_names(_kind: int, number: int, _rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BII", hostile.NAME, number, 2**32 - 1)


def billions_of_extensions(_kind: int, number: int, _rest: bytes) -> Iterator[bytes]:
    yield struct.pack(">BIIQIIII", hostile.ATTRS, number, 0x8000000D, 10, hostile.REGULAR, 0, 0, 2**32 - 1)


def silence(_kind: int, _number: int, _rest: bytes) -> Iterator[bytes]:
    yield from ()


PACKETS = [
    *(wrong_number, wrong_kind, another_answer, cut_off, too_long, empty, four_gigabytes, many_times, unasked),
    *(billions_of_names, billions_of_extensions, silence),
]


@pytest.mark.parametrize("honest", [0, 4])
@pytest.mark.parametrize("packets", PACKETS)
async def test_packets_that_break_the_protocol_fail_their_host_alone(
    attacker: Attacked, packets: Callable[[int, int, bytes], Iterator[bytes]], honest: int
) -> None:
    class Breaking(HostileFiles):
        left = honest

        def packets(self, kind: int, number: int, body: bytes) -> Iterator[bytes]:
            self.left -= 1
            if self.left >= 0:
                return super().packets(kind, number, body)
            return packets(*self._answered(kind, number, body))

        def _answered(self, kind: int, number: int, body: bytes) -> tuple[int, int, bytes]:
            answer, rest = self.answer(kind, body)
            return answer, number, rest

    attacker.host.files = Breaking()
    await attacker.run()
    await attacker.reforms()


LIMITS = [(2**64 - 1, 2**64 - 1), (1, 1), (0, 0), (2**31, 2**32)]


@pytest.mark.parametrize(("packet", "read"), LIMITS)
async def test_limits_that_make_no_sense_are_bounded(attacker: Attacked, packet: int, read: int) -> None:
    class Limited(HostileFiles):
        def version(self) -> bytes:
            return super().version() + hostile.text(b"limits@openssh.com") + hostile.text(b"1")

        def extended(self, name: bytes) -> Answer:  # noqa: ARG002  # any extension
            return hostile.EXTENDED_REPLY, struct.pack(">QQQQ", packet, read, read, 0)

        def looks(self) -> bytes:
            return hostile.attributes(10 * 2**30)

        def read(self, offset: int, length: int) -> Answer:
            return endless(offset, min(length, 200_000))

    attacker.host.files = Limited()
    await attacker.run()
    await attacker.reforms()


VERSIONS = [
    struct.pack(">BI", hostile.VERSION, 0),
    struct.pack(">BI", hostile.VERSION, 6),
    struct.pack(">BI", hostile.VERSION, 2**32 - 1),
    struct.pack(">BI", hostile.STATUS, 3),
    struct.pack(">BI", hostile.VERSION, 3) + hostile.text(b"x" * 3_000_000) + hostile.text(b""),
    struct.pack(">BI", hostile.VERSION, 3) + b"\xff" * 7,
    b"",
]


@pytest.mark.parametrize("first", VERSIONS)
async def test_a_greeting_that_makes_no_sense_is_bounded(attacker: Attacked, first: bytes) -> None:
    class Greeting(HostileFiles):
        def version(self) -> bytes:
            return first

    attacker.host.files = Greeting()
    await attacker.run()
    await attacker.reforms()


async def test_an_enormous_handle_is_bounded(attacker: Attacked) -> None:
    class Enormous(HostileFiles):
        def handle(self, path: bytes) -> Answer:
            return hostile.HANDLE, hostile.text(path + bytes(3_000_000))

    attacker.host.files = Enormous()
    await attacker.run()
    await attacker.reforms()
