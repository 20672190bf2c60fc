"""Faults 1 to 9: hosts that hang, hang up, are somebody else, refuse, are crowded or slow."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncssh
import pytest

from dthostmon.errors import ErrorKind
from dthostmon.model import Host, RunStatus, Severity
from dthostmon.transport import connect
from dthostmon.transport.framing import Limits
from tests.acceptance.faults.conftest import BYSTANDER, TROUBLED, Log, Watch, through, until
from tests.fixtures.chaos import NONE, ChaosRelay, Faults
from tests.fixtures.sshd import SshServer, make_host, make_key, trust

Start = Callable[..., SshServer]
Chaos = Callable[..., ChaosRelay]
MakeWatch = Callable[[Host], Watch]

HANG_UPS = (ErrorKind.OVERLOADED, ErrorKind.PROTOCOL)  # before and after the login


async def heals(watch: Watch, relay: ChaosRelay, log: Log) -> None:
    """The fault is over: the next visit reads all that there is, each line once."""
    relay.faults = NONE
    log.append()
    await watch.ok()
    assert await watch.stored() == log.written


def banner_bytes(server: SshServer) -> int:
    with socket.create_connection((server.address, server.port)) as connection:
        return len(connection.recv(1000, socket.MSG_PEEK).partition(b"\n")[0]) + 1


async def test_fault_01_a_host_without_a_banner_is_unreachable_after_its_tries(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, Faults(silence=0))
    watched = watch(through(relay, server, logs=[log.path], connect_timeout=0.3, retries=(0.01, 0.01)))
    log.append()
    run = await watched.failed(ErrorKind.TIMEOUT)
    assert "its SSH banner" in str(run.error)
    assert (relay.connections, relay.most) == (3, 1)
    await heals(watched, relay, log)


async def test_fault_02_a_host_that_hangs_after_the_version_exchange_is_given_up(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, Faults(silence=banner_bytes(server)))
    watched = watch(through(relay, server, logs=[log.path], connect_timeout=1.0))
    log.append()
    run = await watched.failed(ErrorKind.TIMEOUT)
    assert "the key exchange" in str(run.error)
    await heals(watched, relay, log)


async def test_fault_03_a_host_that_hangs_at_any_later_byte_is_given_up(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server)
    watched = watch(replace(through(relay, server, logs=[log.path], connect_timeout=0.3), timeout=8.0))
    watched.connect = partial(connect, limits=Limits(command_seconds=1))
    await watched.ok()
    visit = relay.passed
    log.append()
    for step in range(3, 16, 2):  # from the key exchange to the end of the facts
        relay.faults = Faults(silence=visit * step // 16)
        run = await watched.failed(ErrorKind.TIMEOUT)
        assert "the visit took longer" not in str(run.error)  # each stage has a deadline of its own
    await heals(watched, relay, log)


async def test_fault_04_an_sshd_that_dies_in_the_middle_of_a_read_commits_nothing(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, Faults(rate=4_000_000))
    watched = watch(through(relay, server, logs=[log.path]))
    await watched.ok()
    log.append(150_000)  # 3.9 MB: more than is on the way at any moment
    before = relay.passed

    async def die() -> None:
        await until(lambda: relay.passed > before + 300_000)
        server.stop()

    _, run = await asyncio.gather(die(), watched.failed(ErrorKind.PROTOCOL))
    assert "lost while reading" in str(run.error)
    await watched.failed(ErrorKind.REFUSED, *HANG_UPS)
    server.start()
    await heals(watched, relay, log)


@pytest.mark.parametrize("way", ["cut", "reset", "garbage"])
async def test_fault_04_a_connection_that_breaks_at_any_byte_commits_nothing(
    sshd: Start, chaos: Chaos, watch: MakeWatch, way: str
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server)
    watched = watch(through(relay, server, logs=[log.path], connect_timeout=0.5))
    watched.connect = partial(connect, limits=Limits(command_seconds=1))
    await watched.ok()
    log.append(2_000)
    before = relay.passed
    await watched.ok()
    visit = relay.passed - before
    log.append(2_000)
    for step in range(1, 12, 4 if way == "garbage" else 2):
        relay.faults = Faults(**{way: visit * step // 12})
        # noise in place of a packet may announce one of any length, for which the rest is then awaited
        await watched.failed(*HANG_UPS, ErrorKind.TIMEOUT)
    await heals(watched, relay, log)


async def test_fault_05_a_flood_before_the_banner_is_no_ssh_host(sshd: Start, chaos: Chaos, watch: MakeWatch) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, Faults(flood=50_000_000))
    watched = watch(through(relay, server, logs=[log.path]))
    log.append()
    await watched.failed(ErrorKind.PROTOCOL)
    assert relay.passed < 10_000_000
    relay.faults = Faults(flood=3_000)
    await watched.ok()
    await heals(watched, relay, log)


def verbose(sshd: Start, **options: object) -> SshServer:
    return sshd(options=["LogLevel VERBOSE"], **options)


def logins(server: SshServer) -> int:
    """How often somebody tried to log in."""
    return server.log().count("Failed publickey") + server.log().count("Accepted publickey")


async def test_fault_06_a_changed_host_key_is_critical_and_never_logged_in_to(
    sshd: Start, watch: MakeWatch, tmp_path: Path
) -> None:
    server = verbose(sshd)
    log = Log(server.root / "app.log")
    watched = watch(make_host(server, logs=[str(log.path)], retries=(0.01, 0.01)))
    log.append()
    other = make_key(tmp_path / "other")
    trust(server, other)
    known = server.known_hosts.read_text()
    run = await watched.failed(ErrorKind.HOST_KEY_CHANGED)
    assert (run.severity, run.findings[0].severity) == (Severity.CRITICAL, Severity.CRITICAL)
    for key in (other, server.folder / "host_key"):
        assert asyncssh.read_public_key(f"{key}.pub").get_fingerprint() in str(run.error)
    assert (server.known_hosts.read_text(), logins(server)) == (known, 0)
    trust(server)
    await watched.ok()
    assert await watched.stored() == log.written


async def test_fault_06_an_unknown_host_key_is_shown_and_not_trusted(sshd: Start, watch: MakeWatch) -> None:
    server = verbose(sshd)
    watched = watch(make_host(server, logs=[str(Log(server.root / "app.log").path)], retries=(0.01, 0.01)))
    server.known_hosts.write_text("")
    for _ in range(2):
        run = await watched.failed(ErrorKind.HOST_KEY_UNKNOWN)
        assert "SHA256:" in str(run.error)
    assert (server.known_hosts.read_text(), logins(server)) == ("", 0)


async def test_fault_07_a_refused_key_is_tried_once_in_a_cycle(sshd: Start, watch: MakeWatch, tmp_path: Path) -> None:
    server = verbose(sshd)
    log = Log(server.root / "app.log")
    host = make_host(server, logs=[str(log.path)], retries=(0.01, 0.01, 0.01))
    access = host.ssh
    assert access is not None
    watched = watch(replace(host, ssh=replace(access, key=str(make_key(tmp_path / "stranger")))))
    log.append()
    for cycle in (1, 2):
        await watched.failed(ErrorKind.AUTH)
        assert logins(server) <= cycle  # later cycles may wait longer, they never try more often
    watched.host = replace(watched.host, ssh=access)
    await watched.ok()
    assert await watched.stored() == log.written


async def test_fault_08_twelve_hosts_at_one_crowded_address_are_all_read_in_the_end(
    sshd: Start, watch: MakeWatch
) -> None:
    server = sshd(options=["MaxStartups 2:100:2", "LogLevel DEBUG1"])
    log = Log(server.root / "app.log")
    log.append()
    retries = (0.1, 0.2, 0.4, 0.8, 1.6)
    watched = watch(make_host(server, logs=[str(log.path)], retries=retries))
    more = [replace(watched.host, name=f"web{number}") for number in range(11)]
    cycle = await watched.cycle(*more)
    assert [run.error for run in cycle.runs] == [None] * 13
    for host in more:
        assert await watched.stored(host.name) == log.written
    assert "drop connection" in server.log()


@pytest.mark.parametrize("faults", [Faults(reset=0), Faults(cut=0), Faults(reset=500), Faults(cut=500)])
async def test_fault_08_a_reset_and_a_hang_up_before_the_login_are_tried_again(
    sshd: Start, chaos: Chaos, watch: MakeWatch, faults: Faults
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, faults, healthy_after=2)
    watched = watch(through(relay, server, logs=[log.path], retries=(0.01, 0.01, 0.01)))
    log.append()
    await watched.ok()
    assert (relay.connections, relay.most) == (3, 1)
    assert await watched.stored() == log.written


async def test_fault_08_a_visit_needs_one_connection_and_few_sessions(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd(options=["MaxSessions 4"])
    logs = [Log(server.root / f"{number}.log") for number in range(30)]
    relay = chaos(server)
    watched = watch(through(relay, server, logs=[log.path for log in logs]))
    for _ in range(2):
        for log in logs:
            log.append()
        await watched.ok()
    assert relay.most == 1
    assert sorted((await watched.stored()).splitlines()) == sorted(b"".join(log.written for log in logs).splitlines())


async def test_fault_08_a_host_that_opens_too_few_sessions_is_overloaded_and_loses_nothing(
    sshd: Start, watch: MakeWatch
) -> None:
    server = sshd(options=["MaxSessions 1"])
    log = Log(server.root / "app.log")
    watched = watch(make_host(server, logs=[str(log.path)]))
    log.append()
    run = await watched.failed(ErrorKind.OVERLOADED)
    assert "MaxSessions" in str(run.error)
    configuration = server.folder / "sshd_config"
    configuration.write_text(configuration.read_text().replace("MaxSessions 1", "MaxSessions 4"))
    server.stop()
    server.start()
    await watched.ok()
    assert await watched.stored() == log.written


async def test_fault_09_a_host_that_is_slower_than_its_budget_fails_alone_and_loses_nothing(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server)
    watched = watch(replace(through(relay, server, logs=[log.path]), timeout=1.0))
    await watched.ok()
    log.append(20_000)
    relay.faults = Faults(rate=50_000)
    run = await watched.failed(ErrorKind.TIMEOUT)
    assert "longer than 1 s" in str(run.error)
    await heals(watched, relay, log)


async def test_fault_09_the_next_cycle_skips_a_host_that_is_still_being_visited(
    sshd: Start, chaos: Chaos, watch: MakeWatch
) -> None:
    server = sshd()
    log, relay = Log(server.root / "app.log"), chaos(server, Faults(latency=0.1))
    watched = watch(through(relay, server, logs=[log.path]))
    log.append()
    slow = asyncio.create_task(watched.cycle())
    await until(lambda: relay.connections == 1 and BYSTANDER not in watched.checks.busy)
    log.append()
    overrun = await watched.cycle()
    assert (overrun.ok, overrun.failed, overrun.skipped) == (1, 0, 1)
    assert (await slow).ok == 2
    assert relay.most == 1
    page = await watched.store.runs(TROUBLED)
    assert [run.status for run in page.items].count(RunStatus.SKIPPED) == 1
    await heals(watched, relay, log)
    assert relay.most == 1
