"""Every way in which a host cannot be reached: the kind of the error, what it names, and the command that mends it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host, TransportKind
from dthostmon.transport import connect
from tests.fixtures.sshd import SshServer, make_host, make_key, make_local_host, public_key, trust

Sshd = Callable[..., SshServer]
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def failure(host: Host) -> VisitError:
    with pytest.raises(VisitError) as caught:
        await connect(host)
    assert host.name in str(caught.value) or caught.value.kind is ErrorKind.AUTH
    assert caught.value.fix in str(caught.value)
    return caught.value


def fingerprint(key: Path) -> str:
    return asyncssh.read_public_key(f"{key}.pub").get_fingerprint()


async def test_a_host_is_reached(sshd: Sshd) -> None:
    session = await connect(make_host(sshd()))
    assert session.shell is not None
    assert (await session.shell.run({"one": "echo $((6 * 7))"}))["one"].stdout == b"42\n"
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()


async def test_a_host_without_a_shell_offers_files_only(sshd: Sshd) -> None:
    server = sshd(key_options='restrict,command="internal-sftp -R"')
    (server.root / "log").write_bytes(b"line\n")
    session = await connect(replace(make_host(server), transport=TransportKind.SFTP))
    assert session.shell is None
    assert await session.files.read(str(server.root / "log"), 0, 100) == b"line\n"
    await session.close()


async def test_a_key_that_forbids_the_shell_says_so(sshd: Sshd) -> None:
    session = await connect(make_host(sshd(key_options='restrict,command="internal-sftp -R"')))
    assert session.shell is not None
    with pytest.raises(VisitError) as caught:
        await session.shell.run({"one": "true"})
    assert caught.value.kind is ErrorKind.PERMISSION
    assert "transport: sftp" in caught.value.fix
    await session.close()


async def test_a_dead_name_server_keeps_nobody_else_waiting(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names_are_back = threading.Event()
    resolve = socket.getaddrinfo

    def resolve_late(host: str, *arguments: int, **options: int) -> object:
        if host.endswith(".invalid"):
            if not options.get("flags"):
                names_are_back.wait()
            raise socket.gaierror
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    server = sshd()
    hosts = [make_host(server, hostname=f"{number}.invalid", connect_timeout=0.3) for number in range(40)]
    try:
        failures = [asyncio.create_task(failure(host)) for host in hosts]
        await asyncio.sleep(0)
        await (await connect(make_host(server))).close()
        assert await (await connect(make_local_host())).files.stat(str(tmp_path)) is not None
        for error in await asyncio.gather(*failures):
            assert error.kind is ErrorKind.TIMEOUT
            assert "the name servers did not answer within 0.3 s" in str(error)
    finally:
        names_are_back.set()


async def test_a_name_without_address(sshd: Sshd) -> None:
    error = await failure(make_host(sshd(), hostname="no-such-host.invalid"))
    assert error.kind is ErrorKind.DNS
    assert "getent hosts no-such-host.invalid" in error.fix


async def test_a_name_that_no_name_server_would_take(sshd: Sshd) -> None:
    assert (await failure(make_host(sshd(), hostname="x" * 64 + ".example"))).kind is ErrorKind.DNS


async def test_a_server_that_is_stopped(sshd: Sshd) -> None:
    server = sshd()
    server.stop()
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.REFUSED
    place = f"web1 ({server.user}@127.0.0.1:{server.port})"
    assert error.message == f"{place}: the host refused the connection."
    server.start()
    await (await connect(make_host(server))).close()


async def test_an_address_that_no_route_leads_to(sshd: Sshd) -> None:
    error = await failure(make_host(sshd(), hostname="255.255.255.255"))
    assert error.kind is ErrorKind.REFUSED
    assert error.message.endswith("): no connection to the host: network is unreachable.")


async def test_a_server_whose_queue_is_full(sshd: Sshd) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        error = await failure(make_host(sshd(), port=port, connect_timeout=0.3))
        for filler in fillers:
            filler.close()
    assert error.kind is ErrorKind.TIMEOUT
    assert "did not answer" in str(error)


@asynccontextmanager
async def peer(answer: Answer) -> AsyncIterator[int]:
    """A server that answers with anything but SSH; yields its port."""
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await answer(reader, writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the connection and say nothing."""


async def only_a_version(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-Silent_1.0\r\n")


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def exceeded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Not allowed at this time\r\n")
    writer.close()


async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n" * 2000)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-Garbage\r\n" + b"\xff" * 100)


async def old_protocol(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-1.5-Old\r\n")


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (silent, ErrorKind.TIMEOUT, "its SSH banner"),
        (only_a_version, ErrorKind.TIMEOUT, "the key exchange"),
        (hang_up, ErrorKind.OVERLOADED, "hung up before its SSH banner"),
        (hang_up, ErrorKind.OVERLOADED, "or it is not SSH that listens on port"),
        (exceeded, ErrorKind.OVERLOADED, "MaxStartups"),
        (speak_http, ErrorKind.PROTOCOL, "no SSH connection"),
        (garbage, ErrorKind.PROTOCOL, "no SSH connection"),
        (old_protocol, ErrorKind.PROTOCOL, "no SSH connection"),
    ],
)
async def test_what_answers_is_no_working_sshd(sshd: Sshd, answer: Answer, kind: ErrorKind, message: str) -> None:
    async with peer(answer) as port:
        error = await failure(make_host(sshd(), port=port, connect_timeout=0.5))
    assert error.kind is kind
    assert message in str(error)


class Staller(asyncssh.SSHServer):
    """A server that lets everybody in; `never` says at which step it stops answering."""

    def __init__(self, never: str) -> None:
        self._never = never

    async def begin_auth(self, username: str) -> bool:  # noqa: ARG002  # asyncssh's signature
        if self._never == "auth":
            await asyncio.Event().wait()
        return False

    async def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        if self._never == "session":
            await asyncio.Event().wait()
        return Mute()


class Mute(asyncssh.SSHServerSession[bytes]):
    """Takes every request and answers nothing to what it asks for."""

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002  # asyncssh's signature
        return True

    def subsystem_requested(self, subsystem: str) -> bool:  # noqa: ARG002  # asyncssh's signature
        return True


@asynccontextmanager
async def staller(server: SshServer, never: str) -> AsyncIterator[Host]:
    """An SSH server that stops answering at a step; yields it as a host."""
    acceptor = await asyncssh.listen(
        server.address,
        0,
        server_factory=lambda: Staller(never),
        server_host_keys=[str(server.folder / "host_key")],
        encoding=None,
        config=None,
    )
    port = acceptor.get_port()
    server.known_hosts.write_text(f"[{server.address}]:{port} {public_key(server.folder / 'host_key')}\n")
    yield make_host(server, port=port, connect_timeout=0.5)
    acceptor.close()
    await acceptor.wait_closed()


async def test_a_server_that_hangs_in_the_login(sshd: Sshd) -> None:
    async with staller(sshd(), "auth") as host:
        error = await failure(host)
    assert error.kind is ErrorKind.TIMEOUT
    assert "for the login" in str(error)


@pytest.mark.parametrize("never", ["session", "answer"])
async def test_a_server_that_hangs_after_the_login(sshd: Sshd, never: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staller(sshd(), never) as host:
        session = await connect(host)
        with pytest.raises(VisitError, match="took longer than") as caught:
            await session.files.stat("/etc/passwd")
        assert caught.value.kind is ErrorKind.TIMEOUT
        assert session.shell is not None
        session.shell._limits = replace(session.shell._limits, command_seconds=0)  # type: ignore[attr-defined]
        with pytest.raises(VisitError, match=r"took longer than|printed nothing") as caught:
            await session.shell.run({"one": "true"})
        assert caught.value.kind is ErrorKind.TIMEOUT
        await session.close()


async def test_an_unknown_host_key_is_shown_and_never_accepted(sshd: Sshd) -> None:
    server = sshd()
    server.known_hosts.write_text("")
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.HOST_KEY_UNKNOWN
    assert fingerprint(server.folder / "host_key") in str(error)
    assert f"ssh-keyscan -p {server.port} {server.address} >> {server.known_hosts}" in error.fix
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in error.fix
    assert server.known_hosts.read_text() == ""


async def test_without_a_known_hosts_file_every_host_is_unknown(sshd: Sshd) -> None:
    server = sshd()
    server.known_hosts.unlink()
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.HOST_KEY_UNKNOWN
    assert f"{server.known_hosts} does not exist" in str(error)
    assert fingerprint(server.folder / "host_key") in str(error)


async def test_a_changed_host_key_is_shown_beside_the_expected_one(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    other = make_key(tmp_path / "other")
    trust(server, other)
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.HOST_KEY_CHANGED
    assert f"expected {fingerprint(other)}" in str(error)
    assert f"offered {fingerprint(server.folder / 'host_key')}" in str(error)
    assert f"ssh-keygen -R '[{server.address}]:{server.port}' -f {server.known_hosts}" in error.fix


async def test_a_host_key_of_another_kind_than_the_known_one_is_a_changed_key(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    other = make_key(tmp_path / "other", kind="ecdsa")
    trust(server, other)
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.HOST_KEY_CHANGED
    assert f"expected {fingerprint(other)}" in str(error)
    assert f"offered {fingerprint(server.folder / 'host_key')}" in str(error)


async def test_a_revoked_host_key_is_a_changed_key(sshd: Sshd) -> None:
    server = sshd()
    entry = server.known_hosts.read_text()
    server.known_hosts.write_text(f"{entry}@revoked {entry}")
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.HOST_KEY_CHANGED
    assert "revoked" in str(error)


async def test_a_host_key_signed_by_a_trusted_authority_is_accepted(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.read_private_key(server.folder / "host_key")
    certificate = authority.generate_host_certificate(key, "web1", principals=[server.address])
    certificate.write_certificate(server.folder / "host_key-cert.pub")
    configuration = server.folder / "sshd_config"
    configuration.write_text(f"HostCertificate {server.folder}/host_key-cert.pub\n{configuration.read_text()}")
    public = authority.export_public_key().decode().strip()
    server.known_hosts.write_text(f"@cert-authority [{server.address}]:{server.port} {public}\n")
    server.stop()
    server.start()
    await (await connect(make_host(server))).close()


async def test_a_key_that_the_host_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    stranger = make_key(tmp_path / "stranger")
    error = await failure(make_host(server, key=str(stranger)))
    assert error.kind is ErrorKind.AUTH
    assert fingerprint(stranger) in str(error)
    assert f"ssh-copy-id -i {stranger}.pub -p {server.port} {server.user}@{server.address}" in error.fix
    assert not error.transient


async def test_a_user_that_the_host_does_not_know(sshd: Sshd) -> None:
    error = await failure(make_host(sshd(), user="nobody-here"))
    assert error.kind is ErrorKind.AUTH
    assert "nobody-here" in str(error)


async def test_a_server_that_takes_passwords_only(sshd: Sshd) -> None:
    server = sshd(options=["PubkeyAuthentication no", "PasswordAuthentication yes"])
    assert (await failure(make_host(server))).kind is ErrorKind.AUTH


async def test_a_key_that_cannot_be_used_is_an_auth_failure(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    assert (await failure(make_host(server, key=str(tmp_path / "absent")))).kind is ErrorKind.AUTH
    server.key.chmod(0o640)
    error = await failure(make_host(server))
    assert error.kind is ErrorKind.AUTH
    assert f"chmod 600 {server.key}" in error.fix


async def test_an_encrypted_key_opens_with_its_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    key = make_key(tmp_path / "locked", "open sesame")
    (server.folder / "authorized_keys").write_text(public_key(key))
    assert (await failure(make_host(server, key=str(key)))).kind is ErrorKind.AUTH
    await (await connect(make_host(server, key=str(key), passphrase="open sesame"))).close()  # noqa: S106  # of this test


async def test_an_rsa_key_and_host_key_work(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    key = make_key(tmp_path / "rsa", kind="rsa")
    (server.folder / "authorized_keys").write_text(public_key(key))
    await (await connect(make_host(server, key=str(key)))).close()


def begun_login(server: SshServer) -> socket.socket:
    """Occupy the one login that a server allows, which the fixture's look at its port may still hold."""
    for _ in range(100):
        connection = socket.create_connection((server.address, server.port))
        if connection.recv(100).startswith(b"SSH-2.0-"):
            return connection
        connection.close()
        time.sleep(0.05)
    pytest.fail("the server lets nobody begin a login")


async def test_a_server_with_too_many_logins_is_tried_again(sshd: Sshd) -> None:
    server = sshd(options=["MaxStartups 1:100:1", "LoginGraceTime 1"])
    with begun_login(server):  # sshd takes no second one
        assert (await failure(make_host(server))).kind is ErrorKind.OVERLOADED
        session = await connect(make_host(server, retries=(0.1, 0.2, 0.4, 0.8, 1.6)))
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()


async def test_the_pauses_between_tries_are_those_of_the_configuration_and_spread(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = sshd()
    server.stop()
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("dthostmon.transport.connection.asyncio.sleep", note)
    draws = iter([0.0, 0.5, 1.0])
    with pytest.raises(VisitError):
        await connect(make_host(server, retries=(1.0, 2.0, 4.0)), draw=lambda: next(draws))
    assert pauses == pytest.approx([0.8, 2.0, 4.8])


async def test_what_cannot_pass_is_not_tried_again(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    stranger = make_key(tmp_path / "stranger")
    host = make_host(server, key=str(stranger), retries=(60.0,))
    assert (await failure(host)).kind is ErrorKind.AUTH


async def test_an_ssh_host_without_ssh_settings_is_a_mistake_of_the_caller(sshd: Sshd) -> None:
    with pytest.raises(ValueError, match="no ssh settings"):
        await connect(replace(make_host(sshd()), ssh=None))


async def test_many_hosts_are_reached_at_once(sshd: Sshd) -> None:
    server = sshd()
    sessions = await asyncio.gather(*(connect(make_host(server, f"web{number}")) for number in range(12)))
    stats = await asyncio.gather(*(session.files.stat("/etc/passwd") for session in sessions))
    assert None not in stats
    await asyncio.gather(*(session.close() for session in sessions))


async def test_a_cancelled_connect_leaves_no_connection(sshd: Sshd) -> None:
    server = sshd()
    for steps in range(0, 60, 4):
        opening = asyncio.create_task(connect(make_host(server)))
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    await (await connect(make_host(server))).close()
