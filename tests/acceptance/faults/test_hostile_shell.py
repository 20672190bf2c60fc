"""The shell of a host that is an attacker's: it answers with anything, and has even read the boundary."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import asyncssh
import pytest

from dthostmon.errors import ErrorKind
from dthostmon.model import RunStatus
from tests.acceptance.faults.conftest import Attacked
from tests.fixtures.hostile import HostileSession, HostileShell

FORGED = b"\n" + b"0" * 32 + b" begin\nroot\n\n" + b"f" * 32 + b" identity.uname status 0 5 bytes\n"


async def test_three_megabytes_of_forged_frames_are_noise(attacker: Attacked) -> None:
    class Noisy(HostileShell):
        async def run(self, session: HostileSession) -> None:
            for _ in range(30):
                await session.write(FORGED * 1000)
            await super().run(session)

    attacker.host.shell = Noisy()
    run = await attacker.run(patient=True)
    assert run.status is RunStatus.OK
    assert run.facts.identity is not None
    assert run.facts.identity.kernel is None


async def test_only_forged_frames_are_no_answer(attacker: Attacked) -> None:
    class Forger(HostileShell):
        def frames(self, boundary: bytes, commands: Sequence[str]) -> bytes:  # noqa: ARG002  # not knowing it
            return super().frames(b"0" * 32, commands)

    attacker.host.shell = Forger()
    assert (await attacker.run()).error_kind is ErrorKind.PERMISSION
    await attacker.reforms()


ENDS = [
    b"status " + b"9" * 5000,
    b"status 0 " + b"9" * 5000 + b" bytes",
    b"status 0 7 bytes",
    b"status -1",
    b"",
    b"\xff\x00 status 0",
    b"status 0 " * 100_000,
]


@pytest.mark.parametrize("end", ENDS)
async def test_frames_of_a_host_that_read_the_boundary_are_checked(attacker: Attacked, end: bytes) -> None:
    class Reader(HostileShell):
        def end(self, body: bytes) -> bytes:  # noqa: ARG002  # whatever it was
            return end

    attacker.host.shell = Reader()
    await attacker.run()
    await attacker.reforms()


NUMBERS = [b"9" * 17, b"9" * 18, b"9" * 5000, b"-1", b"1e999", b"nan", "٣".encode() * 3, b"0"]


@pytest.mark.parametrize("number", NUMBERS)
async def test_facts_that_lie_are_unknown_or_wrong_and_harm_nobody(attacker: Attacked, number: bytes) -> None:
    class Liar(HostileShell):
        outputs = {  # noqa: RUF012  # read only
            "identity.release": b'PRETTY_NAME="' + b"\x1b[31m\xff" * 10_000 + b'"\n',
            "identity.uname": b"6.1\xff\x1b " + number,
            "identity.uptime": number + b".00 1.00\n",
            "identity.zone": b"Europe/" + b"A" * 10_000,
            "identity.cpus": number,
            "metrics.cpu_before": b"cpu  " + b" ".join([number] * 10),
            "metrics.cpu": b"cpu  " + b" ".join([number] * 10),
            "metrics.memory": b"MemTotal: %s kB\nMemAvailable: %s kB\n" % (number, number),
            "metrics.load": b"%s.00 %s.00 %s.00 1/1 1\n" % (number, number, number),
            "metrics.disks": b"/dev/\x1b[31m /\\040\\033 ext4 %s %s 0 0 %s 0\n" % (number, number, number),
        }

    attacker.watch.host = replace(attacker.watch.host, probes=("metrics",))
    attacker.host.shell = Liar()
    for _ in range(2):
        await attacker.run()
    await attacker.watch.store.latest_runs()


async def nothing_said(_session: HostileSession) -> None:
    """End at once."""


async def endless_output(session: HostileSession) -> None:
    while True:
        await session.write(b"y\n" * 10_000)


async def endless_errors(session: HostileSession) -> None:
    while True:
        await session.write(b"e\n" * 10_000, to_stderr=True)


async def a_drip(session: HostileSession) -> None:
    while True:
        await session.write(b"d")
        await asyncio.sleep(0.05)


async def an_odd_farewell(session: HostileSession) -> None:
    session.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "\x1b[2J\u202eb\ny\0e" * 1000)


@pytest.mark.parametrize("talk", [an_odd_farewell, nothing_said, endless_output, endless_errors, a_drip])
async def test_a_shell_that_does_not_end_as_it_should_is_given_up(
    attacker: Attacked, talk: Callable[[HostileSession], Awaitable[None]]
) -> None:
    class Talker(HostileShell):
        async def run(self, session: HostileSession) -> None:
            await talk(session)

    attacker.host.shell = Talker()
    assert (await attacker.run()).status is RunStatus.FAILED
    await attacker.reforms()


async def test_three_megabytes_of_banners_before_the_login_are_passed_over(attacker: Attacked) -> None:
    attacker.host.banners = ["\x1b[2J Welcome \u202e\0" * 2000] * 100
    run = await attacker.run(patient=True)
    assert (run.status, run.error) == (RunStatus.OK, None)


async def test_a_host_that_wants_to_come_in_through_us_is_refused(attacker: Attacked) -> None:
    opened: list[object] = []

    class Climber(HostileShell):
        async def run(self, session: HostileSession) -> None:
            for way in (
                session.connection.open_connection("127.0.0.1", 22, "127.0.0.1", 1),
                session.connection.open_unix_connection("/run/dbus/system_bus_socket"),
                session.connection.open_agent_connection(),
            ):
                with suppress(asyncssh.Error, OSError):
                    opened.append(await way)
            await super().run(session)

    attacker.host.shell = Climber()
    assert (await attacker.run(patient=True)).status is RunStatus.OK
    assert opened == []
