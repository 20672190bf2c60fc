"""Hosts behind bastions: one tunnel for each bastion, every host key verified, and each failure names its host."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host
from dthostmon.transport import Session, connect, jump, tunnels
from tests.fixtures.sshd import SshServer, descendants, make_access, make_host, make_key, trust

Sshd = Callable[..., SshServer]
LOGGED = ["LogLevel INFO"]


@pytest.fixture(autouse=True)
def _no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnels, "LINGER_SECONDS", 0.05)


def behind(target: SshServer, *bastions: SshServer, name: str | None = None, **changes: object) -> Host:
    """Describe a server as a host that is reached through others, the outermost first."""
    return make_host(target, name, jump=tuple(make_access(bastion) for bastion in bastions), **changes)


def logins(server: SshServer) -> int:
    return server.log().count("Accepted publickey")


def fingerprint(key: Path) -> str:
    return asyncssh.read_public_key(f"{key}.pub").get_fingerprint()


async def failure(host: Host) -> VisitError:
    with pytest.raises(VisitError) as caught:
        await connect(host)
    assert str(caught.value).startswith(f"{host.name} (")
    return caught.value


async def echo(session: Session) -> None:
    assert session.shell is not None
    assert (await session.shell.run({"one": "echo alive"}))["one"].stdout == b"alive\n"


async def gone(server: SshServer) -> None:
    """Wait until nobody is logged in to a server."""
    for _ in range(200):
        if not descendants(server.pid):
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{server.name} still has connections")


async def no_tunnel() -> None:
    """Wait until there is no tunnel, and no task of one."""
    for _ in range(200):
        tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if not jump._tunnels_of_this_loop()._tunnels and not tasks:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"still there: {tasks}")


def place(server: SshServer) -> str:
    return f"{server.address}:{server.port}"


async def test_a_host_is_reached_through_a_bastion(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    session = await connect(behind(target, bastion))
    await echo(session)
    (target.root / "log").write_bytes(b"line\n" * 100_000)
    assert await session.files.read(str(target.root / "log"), 5, 400_000) == b"line\n" * 80_000
    assert (session.client_address, logins(bastion)) == (None, 1)
    await session.close()
    await gone(target)
    await gone(bastion)


async def test_a_host_is_reached_through_two_bastions_which_hosts_behind_them_share(sshd: Sshd) -> None:
    outer = sshd("outer", address="127.0.0.2", options=LOGGED)
    inner = sshd("inner", address="127.0.0.3", options=LOGGED)
    web1, web2 = sshd("web1"), sshd("web2")
    sessions = await asyncio.gather(
        connect(behind(web1, outer, inner)), connect(behind(web2, outer, inner)), connect(behind(inner, outer))
    )
    for session in sessions:
        await echo(session)
        await session.close()
    assert (logins(outer), logins(inner)) == (1, 2)  # of the two, one is the host's own visit
    for server in (web1, web2, inner, outer):
        await gone(server)


async def test_the_host_key_of_a_host_behind_a_bastion_can_be_asked_for(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2"), sshd()
    access = make_access(target, jump=(make_access(bastion),))
    async with jump.connected(access, "web1") as line:
        assert isinstance(line, asyncssh.SSHTCPSession)
        key = await asyncssh.get_server_host_key(tunnel=line, config=None)
    assert key is not None
    assert key.get_fingerprint() == fingerprint(target.folder / "host_key")
    await gone(bastion)
    bastion.stop()
    with pytest.raises(VisitError, match=f"^web1: through {place(bastion)}: the host refused the connection"):
        async with jump.connected(access, "web1"):
            pass


async def test_a_host_without_a_jump_tells_the_address_it_sees_us_from(sshd: Sshd) -> None:
    server = sshd(address="127.0.0.7")
    session = await connect(make_host(server))
    assert session.shell is not None
    seen = (await session.shell.run({"one": "echo ${SSH_CONNECTION%% *}"}))["one"].stdout.decode().strip()
    assert session.client_address == seen
    assert session.key_fingerprints == (fingerprint(server.key),)
    await session.close()


async def test_twenty_hosts_at_once_make_one_login_on_the_bastion(sshd: Sshd) -> None:
    bastion = sshd("bastion", address="127.0.0.2", options=["MaxStartups 1:100:1", *LOGGED])
    await gone(bastion)  # the fixture's look at its port is the one login that it allows
    targets = [sshd(f"web{number}") for number in range(4)]
    hosts = [behind(targets[number % 4], bastion, name=f"host{number}") for number in range(20)]
    sessions = await asyncio.gather(*map(connect, hosts))
    await asyncio.gather(*map(echo, sessions))
    assert logins(bastion) == 1
    await asyncio.gather(*(session.close() for session in sessions))
    await gone(bastion)


async def test_a_tunnel_outlives_its_last_user_for_the_next_one(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    monkeypatch.setattr(tunnels, "LINGER_SECONDS", 60.0)
    await (await connect(behind(target, bastion))).close()
    await gone(target)
    session = await connect(behind(target, bastion, connect_timeout=9.0))  # of another patience, and still the same
    monkeypatch.setattr(tunnels, "LINGER_SECONDS", 0.05)
    await session.close()
    await gone(bastion)
    await no_tunnel()
    assert logins(bastion) == 1


@pytest.mark.parametrize("wrong", ["outer", "inner"])
async def test_a_changed_key_of_a_bastion_is_critical_and_never_accepted(
    sshd: Sshd, tmp_path: Path, wrong: str
) -> None:
    chain = {name: sshd(name, address=f"127.0.0.{number}") for number, name in enumerate(("outer", "inner"), 2)}
    target, bad = sshd(options=LOGGED), chain[wrong]
    other = make_key(tmp_path / "other")
    trust(bad, other)
    error = await failure(behind(target, *chain.values()))
    assert error.kind is ErrorKind.HOST_KEY_CHANGED
    assert f"through {place(bad)}: THE HOST KEY CHANGED" in error.message
    assert f"expected {fingerprint(other)}" in error.message
    assert f"offered {fingerprint(bad.folder / 'host_key')}" in error.message
    assert f"ssh-keygen -R '[{bad.address}]:{bad.port}' -f {bad.known_hosts}" in error.fix
    assert (" -J " in error.fix) == (wrong == "inner")
    assert logins(target) == 0


async def test_an_unknown_key_of_a_bastion_is_shown_with_the_command_that_adds_it(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2"), sshd()
    bastion.known_hosts.write_text("")
    error = await failure(behind(target, bastion))
    assert error.kind is ErrorKind.HOST_KEY_UNKNOWN
    assert f"through {place(bastion)}: the host key {fingerprint(bastion.folder / 'host_key')}" in error.message
    assert f"ssh-keyscan -p {bastion.port} {bastion.address} >> {bastion.known_hosts}" in error.fix


async def test_a_changed_key_behind_a_bastion_is_mended_through_it(sshd: Sshd, tmp_path: Path) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2"), sshd()
    trust(target, make_key(tmp_path / "other"))
    error = await failure(behind(target, bastion))
    assert error.kind is ErrorKind.HOST_KEY_CHANGED
    assert error.message.startswith(f"web1 ({target.user}@{place(target)}, through {place(bastion)}): THE HOST KEY")
    assert f"ssh-keygen -R '[{target.address}]:{target.port}' -f {target.known_hosts}" in error.fix
    login = f"ssh -i {target.key} -J {bastion.user}@{bastion.address}:{bastion.port}"
    options = f"-o UserKnownHostsFile={target.known_hosts} -p {target.port}"
    assert f"{login} {options} {target.user}@{target.address} exit" in error.fix


async def test_a_bastion_that_is_down(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2"), sshd()
    bastion.stop()
    error = await failure(behind(target, bastion))
    assert error.kind is ErrorKind.REFUSED
    assert error.message.endswith(f"through {place(bastion)}: the host refused the connection.")
    assert error.transient
    bastion.start()
    await (await connect(behind(target, bastion))).close()


async def test_a_bastion_behind_another_that_is_down(sshd: Sshd) -> None:
    outer, inner, target = sshd("outer", address="127.0.0.2"), sshd("inner", address="127.0.0.3"), sshd()
    inner.stop()
    error = await failure(behind(target, outer, inner))
    assert error.kind is ErrorKind.REFUSED
    assert f"through {place(inner)}: {place(outer)} could not connect to the host" in error.message


async def test_a_bastion_that_answers_nothing(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bastion = make_access(sshd("bastion"), port=silent.getsockname()[1], connect_timeout=0.3)
        error = await failure(make_host(sshd(), jump=(bastion,)))
    assert error.kind is ErrorKind.TIMEOUT
    assert f"through 127.0.0.1:{bastion.port}: waited 0.3 s for its SSH banner" in error.message


@pytest.mark.parametrize(
    "refusing", [{"options": ["AllowTcpForwarding no"]}, {"key_options": "restrict"}, {"options": ["PermitOpen none"]}]
)
async def test_a_bastion_that_refuses_to_forward(sshd: Sshd, refusing: dict[str, object]) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", **refusing), sshd()
    error = await failure(behind(target, bastion))
    assert error.kind is ErrorKind.PERMISSION
    assert not error.transient
    assert f"{place(bastion)} does not forward connections there" in error.message
    assert "AllowTcpForwarding yes" in error.fix
    assert f"{target.address}:{target.port}" in error.fix


async def test_a_bastion_that_refuses_our_key(sshd: Sshd, tmp_path: Path) -> None:
    bastion, stranger = sshd("bastion", address="127.0.0.2"), make_key(tmp_path / "stranger")
    error = await failure(make_host(sshd(), jump=(make_access(bastion, key=str(stranger)),)))
    assert error.kind is ErrorKind.AUTH
    assert f"through {place(bastion)}: the host refused the key {stranger}" in error.message
    assert f"ssh-copy-id -i {stranger}.pub -p {bastion.port} {bastion.user}@{bastion.address}" in error.fix


async def test_a_refused_key_is_not_tried_again_for_each_host_behind(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=["LogLevel VERBOSE"]), sshd()
    access = make_access(bastion, key=str(make_key(tmp_path / "stranger")))
    for number in range(3):
        error = await failure(make_host(target, f"host{number}", jump=(access,)))
        assert error.kind is ErrorKind.AUTH
    assert bastion.log().count("Failed publickey") == 1
    monkeypatch.setattr(tunnels, "REFUSAL_SECONDS", 0.0)
    await failure(make_host(target, jump=(replace(access, user="nobody-here"),)))
    await asyncio.sleep(0.1)
    await failure(make_host(target, jump=(replace(access, user="nobody-here"),)))
    assert bastion.log().count("Invalid user nobody-here from") == 2


async def test_a_bastion_whose_key_cannot_be_used(sshd: Sshd, tmp_path: Path) -> None:
    bastion = make_access(sshd("bastion"), key=str(tmp_path / "absent"))
    error = await failure(make_host(sshd(), jump=(bastion,)))
    assert error.kind is ErrorKind.AUTH
    assert error.message.endswith(f"through 127.0.0.1:{bastion.port}: The key {tmp_path}/absent does not exist.")


async def test_a_host_behind_a_bastion_that_is_down_takes_nothing_from_the_others(sshd: Sshd) -> None:
    bastion, target, down = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd(), sshd("down")
    down.stop()
    session = await connect(behind(target, bastion))
    error = await failure(behind(down, bastion))
    assert error.kind is ErrorKind.REFUSED
    assert f"{place(bastion)} could not connect to the host: Connection refused." in error.message
    unnamed = await failure(behind(target, bastion, name="unnamed", hostname="no-such-host.invalid"))
    assert unnamed.kind is ErrorKind.DNS
    assert "the bastion resolves the name" in unnamed.fix.lower()
    await echo(session)
    await session.close()
    assert logins(bastion) == 1


async def test_a_host_behind_a_bastion_that_swallows_packets_takes_nothing_from_the_others(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    session = await connect(behind(target, bastion))
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        error = await failure(behind(target, bastion, name="deaf", port=port, connect_timeout=0.3))
        for filler in fillers:
            filler.close()
    assert error.kind is ErrorKind.TIMEOUT
    assert f"{place(bastion)} got no answer from the host within 0.3 s" in error.message
    await echo(session)
    await session.close()
    await gone(bastion)  # what it may still answer holds nothing open
    assert logins(bastion) == 1


async def test_a_tunnel_that_died_is_replaced(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    session = await connect(behind(target, bastion))
    bastion.stop()
    with pytest.raises(VisitError, match="lost"):
        await session.files.stat("/etc/passwd")
    await session.close()
    bastion.start()
    session = await connect(behind(target, bastion))
    await echo(session)
    await session.close()
    assert logins(bastion) == 2


async def test_a_cancelled_connect_leaves_no_tunnel(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2"), sshd()
    for steps in range(0, 160, 8):
        opening = asyncio.create_task(connect(behind(target, bastion)))
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled():
            await opening.result().close()
    await gone(target)
    await gone(bastion)
    await no_tunnel()


async def test_a_login_on_a_bastion_that_nobody_waits_for_is_given_up(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bastion = make_access(sshd("bastion"), port=silent.getsockname()[1])
        opening = asyncio.create_task(connect(make_host(sshd(), jump=(bastion,))))
        accepted, _ = await asyncio.to_thread(silent.accept)
        opening.cancel()
        await asyncio.wait([opening])
        accepted.settimeout(5)
        while await asyncio.to_thread(accepted.recv, 1000):
            pass  # until it is closed
        accepted.close()
    await no_tunnel()


async def test_one_of_many_that_gives_up_leaves_the_login_to_the_others(sshd: Sshd) -> None:
    bastion, target = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    opening = [asyncio.create_task(connect(behind(target, bastion, name=f"host{number}"))) for number in range(3)]
    await asyncio.sleep(0.005)
    opening[0].cancel()
    for session in await asyncio.gather(*opening[1:]):
        await echo(session)
        await session.close()
    assert logins(bastion) == 1
