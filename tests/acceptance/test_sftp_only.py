"""Hosts whose key gives no shell: what a user sees of them, and what the key's holder cannot do there."""

import asyncio
import shlex
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh
import pytest

from dthostmon.transport import collector
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer

Start = Callable[..., SshServer]

KEYS = {"sftp": READ_ONLY_KEY_OPTIONS, "collector": f'restrict,command="{collector.PROGRAM}"'}
FAILED_LOGINS = "".join(
    f"Nov 23 06:00:{number:02d} web1 sshd[42]: Failed password for root from 203.0.113.7 port {number} ssh2\n"
    for number in range(20)
)


@pytest.mark.parametrize("kind", KEYS)
def test_logs_globs_and_facts_arrive(sshd: Start, program: Program, kind: str) -> None:
    server = sshd(key_options=KEYS[kind])
    (server.root / "nginx").mkdir()
    for name in ("auth.log", "nginx/access.log", "nginx/error.log"):
        (server.root / name).write_text("")
    program.add_host(server, server.root / "auth.log", f"{server.root}/nginx/*.log", more=", transport: sftp")
    program.configure()
    program.document("monitor")
    (server.root / "auth.log").write_text(FAILED_LOGINS)
    [run] = program.document("monitor")["runs"]
    assert (run["status"], run["error"]) == ("ok", None)
    assert {row["path"].removeprefix(f"{server.root}/") for row in run["logs"]} == {
        *("auth.log", "nginx/access.log", "nginx/error.log"),
    }
    [row] = [row for row in run["logs"] if row["path"].endswith("auth.log")]
    assert row["bytes_appeared"] == row["bytes_analysed"] == len(FAILED_LOGINS)
    [finding] = [one for one in run["findings"] if one["rule"] == "sshd.failed-password"]
    assert finding["count"] == 20
    metrics = run["metrics"]
    assert None not in {metrics["cpu_percent"], metrics["memory_percent"], metrics["load1"]}
    assert run["facts"]["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()


@pytest.mark.parametrize("kind", KEYS)
def test_setup_and_check_accept_such_a_host(sshd: Start, program: Program, kind: str) -> None:
    server = sshd(key_options=KEYS[kind])
    (server.root / "auth.log").write_text("")
    program.add_host(server, server.root / "auth.log", more=", transport: sftp")
    program.configure()
    program.run("config", "check")
    [host] = program.document("setup")
    statuses = {layer["layer"]: layer["status"] for layer in host["layers"]}
    assert (statuses["auth"], statuses["shell"], host["is_good"]) == ("ok", "not wanted", True)


@pytest.fixture
def server(sshd: Start) -> SshServer:
    """A server whose key may read files over SFTP and nothing else."""
    return sshd(key_options=READ_ONLY_KEY_OPTIONS)


@pytest.fixture
async def connection(server: SshServer) -> asyncssh.SSHClientConnection:
    """A plain client that wants more than it may have."""
    return await asyncssh.connect(
        server.address,
        server.port,
        username=server.user,
        client_keys=[str(server.key)],
        known_hosts=str(server.known_hosts),
        config=None,
        agent_path=None,
    )


async def test_the_key_writes_nothing_over_sftp(server: SshServer, connection: asyncssh.SSHClientConnection) -> None:
    log = server.root / "log"
    log.write_bytes(b"lines")
    async with connection, connection.start_sftp_client() as sftp:
        assert await (await sftp.open(log, "rb")).read() == b"lines"
        attempts = {
            "create": lambda: sftp.open(server.root / "new", "wb"),
            "append": lambda: sftp.open(log, "ab"),
            "update": lambda: sftp.open(log, "r+b"),
            "remove": lambda: sftp.remove(log),
            "rename": lambda: sftp.rename(log, server.root / "old"),
            "mkdir": lambda: sftp.mkdir(server.root / "folder"),
            "rmdir": lambda: sftp.rmdir(server.home),
            "setstat": lambda: sftp.chmod(log, 0o777),
            "utime": lambda: sftp.utime(log, (0, 0)),
            "truncate": lambda: sftp.truncate(log, 0),
            "symlink": lambda: sftp.symlink(log, server.root / "link"),
        }
        for attempt in attempts.values():
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await attempt()
        for attempt in (sftp.posix_rename, sftp.link):  # the server does not even offer them
            with pytest.raises((asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied)):
                await attempt(log, server.root / "other")
    assert [path.name for path in server.root.iterdir()] == ["log"]
    assert (log.read_bytes(), log.stat().st_mode & 0o777, server.home.is_dir()) == (b"lines", 0o644, True)


async def test_the_key_runs_nothing_and_forwards_nothing(
    server: SshServer, connection: asyncssh.SSHClientConnection, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        async with connection:
            done = await connection.run(f"touch {tmp_path}/made; id", input=b"", encoding=None)
            assert b"uid=" not in (done.stdout or b"")  # the SFTP server ran instead, and read its end
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", listening.getsockname()[1])
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
            with pytest.raises(asyncssh.ChannelOpenError):  # a terminal
                await connection.create_process(term_type="xterm")
            assert not await asks_for_agent(connection)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert not (tmp_path / "made").exists()


async def test_a_key_without_options_may_forward_an_agent(sshd: Start) -> None:
    """Shows that the question which is refused above is one that a server can grant."""
    server = sshd()
    async with asyncssh.connect(
        server.address,
        server.port,
        username=server.user,
        client_keys=[str(server.key)],
        known_hosts=str(server.known_hosts),
        config=None,
        agent_path=None,
    ) as connection:
        assert await asks_for_agent(connection)


async def asks_for_agent(connection: asyncssh.SSHClientConnection) -> bool:
    """Ask for the forwarding of an agent; asyncssh does without wanting to know whether it is granted."""
    answers: list[asyncio.Future[bool]] = []

    class Asking(asyncssh.SSHClientChannel[bytes]):
        def _send_request(self, request: bytes, *arguments: bytes, want_reply: bool = False) -> None:
            if request == b"auth-agent-req@openssh.com":
                answers.append(asyncio.get_running_loop().create_future())
                self._request_waiters.append(answers[0])
                want_reply = True
            super()._send_request(request, *arguments, want_reply=want_reply)

    connection._agent_forward_path = "/no/agent"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asyncssh.connection.SSHClientChannel", Asking)
        channel, _ = await connection.create_session(asyncssh.SSHClientSession, encoding=None)
    channel.abort()
    return await answers[0]


def run(
    name: str, server: SshServer, *arguments: str, options: Sequence[str] = (), stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run ssh or sftp as a user with this key would."""
    settings = {
        "Port": server.port,
        "User": server.user,
        "IdentityFile": server.key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": server.known_hosts,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ExitOnForwardFailure": "yes",
    }
    words = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    command = [parts.program(name), "-F", "none", *words, *options, server.address, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=20, check=False)


def test_ssh_runs_nothing_with_such_a_key(server: SshServer, tmp_path: Path) -> None:
    for arguments in (["id"], [f"touch {tmp_path}/made"], []):
        done = run("ssh", server, *arguments, stdin=f"id; touch {tmp_path}/made\n".encode())
        assert b"uid=" not in done.stdout
    assert b"PTY allocation request failed" in run("ssh", server, "id", options=["-tt"]).stderr
    assert not (tmp_path / "made").exists()


def test_ssh_forwards_nothing_with_such_a_key(server: SshServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        target = f"127.0.0.1:{listening.getsockname()[1]}"
        assert b"administratively prohibited" in run("ssh", server, options=["-W", target]).stderr
        back = run("ssh", server, options=["-N", "-R", f"0:{target}"])
        assert back.returncode == 255
        assert b"remote port forwarding failed" in back.stderr


def test_sftp_reads_and_changes_nothing_with_such_a_key(server: SshServer, tmp_path: Path) -> None:
    log, got = server.root / "log", tmp_path / "got"
    log.write_bytes(b"lines")
    assert run("sftp", server, options=["-b", "-"], stdin=f"get {log} {got}\n".encode()).returncode == 0
    assert got.read_bytes() == b"lines"
    batches = [f"put {got} {log}", f"put {got} {server.root}/new", f"rm {log}", f"mkdir {server.root}/folder"]
    for batch in [*batches, f"chmod 777 {log}", f"rename {log} {log}2", f"ln -s {log} {log}3"]:
        done = run("sftp", server, options=["-b", "-"], stdin=f"{batch}\n".encode())
        assert done.returncode != 0, batch
        assert b"denied" in done.stderr, batch
    assert [path.name for path in server.root.iterdir()] == ["log"]
    assert log.read_bytes() == b"lines"


def test_a_collector_key_answers_only_what_it_is_made_for(sshd: Start, tmp_path: Path) -> None:
    server = sshd(key_options=KEYS["collector"])
    boundary = "0123456789abcdef" * 2
    for command in ("id", f"touch {tmp_path}/made", "sh -s", shlex.quote(str(collector.PROGRAM))):
        done = run("ssh", server, command, stdin=f"hello {boundary}\nread /proc/version 0 5\nid\n".encode())
        greeting, *answers = done.stdout.split(f"\n{boundary} ".encode())
        assert greeting == b"dthostmon-collect 1\n"
        assert [answer.split()[:2] for answer in answers] == [[b"0", b"ok"], [b"1", b"ok"], [b"2", b"error"]]
        assert answers[0].endswith(b"\nLinux")
    assert run("sftp", server, options=["-b", "-"], stdin=b"ls /\n").returncode != 0
    assert not (tmp_path / "made").exists()
