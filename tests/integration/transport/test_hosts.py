"""Hosts as they are: noisy logins, odd shells, missing subsystems, servers that die, users without rights."""

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.transport import CommandOutput, Session, connect, framing
from dthostmon.transport.ssh import SshShell
from tests import parts
from tests.fixtures.sshd import SshServer, descendants, make_host

Sshd = Callable[..., SshServer]

SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "bash-posix": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
}
POSIX_SHELLS = ["dash", "bash", "bash-posix", "busybox"]
LOGIN_SHELLS = SHELLS | {name: [name] for name in ("zsh", "ksh93", "mksh", "fish", "tcsh") if shutil.which(name)}


async def echo(session: Session, text: str = "alive") -> None:
    assert session.shell is not None
    assert (await session.shell.run({"one": f"echo {text}"}))["one"] == CommandOutput(f"{text}\n".encode(), 0)


async def test_a_login_that_talks_cannot_enter_the_output(sshd: Sshd) -> None:
    server = sshd()
    noise = "yes 'Welcome to web1! status 0 0 bytes' | head -c 3000000; printf 'no newline at the end'\n"
    (server.home / ".bashrc").write_text(noise)
    session = await connect(make_host(server, user=user_of(SHELLS["bash"])))
    await echo(session)
    await session.close()


async def test_a_login_that_prints_without_end_is_given_up(sshd: Sshd) -> None:
    server = sshd()
    (server.home / ".bashrc").write_text("yes\n")
    session = await connect(make_host(server, user=user_of(SHELLS["bash"])))
    assert session.shell is not None
    with pytest.raises(VisitError, match="more than 16 MiB") as caught:
        await session.shell.run({"one": "true"})
    assert caught.value.kind is ErrorKind.PROTOCOL
    (server.home / ".bashrc").unlink()
    await echo(session)
    await session.close()


async def test_a_banner_and_a_message_of_the_day_are_ignored(sshd: Sshd, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_bytes(b"Unauthorised access \xff\xfe prohibited\n" * 100)
    session = await connect(make_host(sshd(options=[f"Banner {banner}", "PrintMotd yes"])))
    await echo(session)
    await session.close()


def user_of(shell: list[str]) -> str:
    """The name of a user with this login shell, the current one if it has it."""
    user = pwd.getpwuid(os.geteuid())
    if Path(user.pw_shell).name != shell[0]:
        parts.missing(f"a user with {shell[0]} as login shell")
    return user.pw_name


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
async def test_a_shell_of_any_kind_starts_the_script(sshd: Sshd, shell: str) -> None:
    command = " ".join([parts.program(LOGIN_SHELLS[shell][0]), *LOGIN_SHELLS[shell][1:]])
    server = sshd(key_options=f'command="exec {command} -c \\"$SSH_ORIGINAL_COMMAND\\""')
    session = await connect(make_host(server))
    await echo(session)
    await session.close()


@pytest.fixture(scope="module")
def busybox_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every tool is busybox's."""
    busybox = parts.program("busybox")
    folder = tmp_path_factory.mktemp("busybox")
    for applet in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        (folder / applet).symlink_to(busybox)
    return folder


def run_script(shell: str, script: framing.Script, tools: Path | None = None) -> bytes:
    """Run a script as a host would, its standard input open until it ends."""
    program = [parts.program(SHELLS[shell][0]), *SHELLS[shell][1:]]
    environment = {"PATH": str(tools or "/usr/bin:/bin"), "boundary": "exported"}
    stdin, client = os.pipe()
    try:
        os.write(client, script.text)
        return subprocess.run(
            [*program, "-c", script.reader],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            timeout=30,
            check=True,
        ).stdout
    finally:
        os.close(stdin)
        os.close(client)


@pytest.mark.parametrize("tools", ["gnu", "busybox"])
@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_the_script_means_the_same_to_every_shell_and_every_set_of_tools(
    shell: str, tools: str, busybox_tools: Path
) -> None:
    commands = {
        "bytes": "printf '\\000\\377\\n\\n'; exit 5",
        "hang": "echo before; sleep 3076 | cat",
        "flood": "yes",
        "export": "env | grep -c boundary",
        "last": "printf end",
    }
    script = framing.make_script(commands, "b0" * 16, framing.Limits(command_seconds=1, command_blocks=1))
    output = run_script(shell, script, busybox_tools if tools == "busybox" else None)
    answer = framing.parse(output, script, "here")
    assert answer["bytes"] == CommandOutput(b"\0\xff\n\n", 5)
    assert answer["hang"] == CommandOutput(b"before\n", 124)
    assert (answer["flood"].cut, len(answer["flood"].stdout)) == (True, 65536)
    assert answer["export"].stdout == b"0\n"
    assert answer["last"] == CommandOutput(b"end", 0)


@given(body=st.binary(max_size=2000), status=st.integers(0, 123))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_that_a_command_prints_come_back(body: bytes, status: int) -> None:
    octal = "".join(f"\\{byte:03o}" for byte in body)
    script = framing.make_script({"one": f"printf '{octal}'; exit {status}"}, "ab" * 16, framing.Limits())
    assert framing.parse(run_script("dash", script), script, "here") == {"one": CommandOutput(body, status)}


@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_a_script_that_arrives_cut_runs_nothing(shell: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    script = framing.make_script({"one": f"touch {made}", "two": "true"}, "b0" * 16, framing.Limits())
    program = [parts.program(SHELLS[shell][0]), *SHELLS[shell][1:]]
    for length in range(0, len(script.text) - 3, 40):
        command = [*program, "-c", script.reader]
        subprocess.run(command, input=script.text[:length], check=False, capture_output=True, timeout=30)
    assert not made.exists()


async def test_a_host_whose_users_have_no_shell_says_so(sshd: Sshd) -> None:
    session = await connect(make_host(sshd(key_options='command="echo This account is not available; exit 1"')))
    assert session.shell is not None
    with pytest.raises(VisitError, match="This account is not available") as caught:
        await session.shell.run({"one": "true"})
    assert caught.value.kind is ErrorKind.PERMISSION
    await session.close()


async def test_a_shell_that_ended_before_its_script_came_says_so_too(sshd: Sshd) -> None:
    session = await connect(make_host(sshd(key_options='restrict,command="internal-sftp"')))
    assert isinstance(session.shell, SshShell)
    start = session.shell._start

    async def start_slowly(*arguments: Any) -> Any:
        channel = await start(*arguments)
        await asyncio.wait_for(channel.wait_closed(), 10)
        return channel

    session.shell._start = start_slowly  # type: ignore[method-assign]  # a moment that a loaded machine gives by itself
    with pytest.raises(VisitError, match="ran no shell"):
        await session.shell.run({"any": "true"})
    await session.close()


@pytest.mark.parametrize("sftp", [None, "/no/such/sftp-server", "/bin/echo This is no sftp server"])
async def test_a_server_without_sftp_is_read_through_its_shell(sshd: Sshd, sftp: str | None) -> None:
    session = await connect(make_host(sshd(sftp=sftp)))
    assert (await session.files.read("/etc/passwd", 0, 5)) == b"root:"
    await echo(session)
    await session.close()


async def test_a_server_without_sftp_and_without_a_shell_says_so(sshd: Sshd) -> None:
    server = sshd(sftp=None, key_options='command="echo This account is not available; exit 1"')
    session = await connect(make_host(server))
    with pytest.raises(VisitError, match=r"offers no SFTP .* This account is not available") as caught:
        await session.files.stat("/etc/passwd")
    assert caught.value.kind is ErrorKind.PERMISSION
    assert "Subsystem sftp" in caught.value.fix
    await session.close()


async def test_an_sftp_server_of_its_own_process_works_too(sshd: Sshd) -> None:
    program = Path("/usr/lib/openssh/sftp-server")
    if not program.exists():
        parts.missing("openssh-sftp-server")
    session = await connect(make_host(sshd(sftp=str(program))))
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()


async def test_a_server_that_dies_while_it_is_read_breaks_the_visit(sshd: Sshd) -> None:
    server = sshd()
    log = server.root / "log"
    log.write_bytes(os.urandom(1024) * 64 * 1024)
    session = await connect(make_host(server))
    reading = asyncio.create_task(session.files.read(str(log), 0, 64 * 1024 * 1024))
    while not await session.files.read(str(log), 0, 10):
        pass
    server.stop()
    with pytest.raises(VisitError) as caught:
        await reading
    assert caught.value.kind is ErrorKind.PROTOCOL
    with pytest.raises(VisitError):
        await session.files.stat(str(log))
    await session.close()


async def test_a_server_that_dies_while_a_command_runs_breaks_the_visit(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    session = await connect(make_host(server))
    assert session.shell is not None
    running = asyncio.create_task(session.shell.run({"one": f"echo > {tmp_path / 'started'}; sleep 3077"}))
    await until((tmp_path / "started").exists)
    server.stop()
    with pytest.raises(VisitError, match="without an exit status") as caught:
        await running
    assert caught.value.kind is ErrorKind.PROTOCOL
    await session.close()
    await until(lambda: not running_anywhere("sleep\0003077"))


async def test_a_closed_session_leaves_no_process_of_a_run_behind(sshd: Sshd, tmp_path: Path) -> None:
    server = sshd()
    session = await connect(make_host(server))
    assert session.shell is not None
    running = asyncio.create_task(session.shell.run({"one": f"echo > {tmp_path / 'started'}; sleep 3078 | cat"}))
    await until((tmp_path / "started").exists)
    await session.close()
    with pytest.raises(VisitError):
        await running
    await until(lambda: not running_anywhere("sleep\0003078"))
    await until(lambda: not descendants(server.pid))


async def test_a_session_can_be_closed_twice_and_after_its_server_is_gone(sshd: Sshd) -> None:
    server = sshd()
    session = await connect(make_host(server))
    server.stop()
    await session.close()
    await session.close()


async def test_more_runs_than_a_server_has_sessions_take_turns(sshd: Sshd) -> None:
    session = await connect(make_host(sshd(options=["MaxSessions 9"])))
    assert await session.files.stat("/etc/passwd") is not None
    await asyncio.gather(*(echo(session, str(number)) for number in range(40)))
    await session.close()


async def test_a_server_that_opens_no_more_sessions_is_overloaded(sshd: Sshd) -> None:
    session = await connect(make_host(sshd(options=["MaxSessions 1"])))
    assert await session.files.stat("/etc/passwd") is not None
    assert session.shell is not None
    with pytest.raises(VisitError, match="MaxSessions") as caught:
        await session.shell.run({"one": "true"})
    assert caught.value.kind is ErrorKind.OVERLOADED
    await session.close()


async def test_a_fifo_that_takes_the_name_of_a_log_costs_a_deadline_and_no_more(sshd: Sshd) -> None:
    server = sshd()
    log = server.root / "log"
    log.touch()
    session = await connect(make_host(server, connect_timeout=0.5))
    assert await session.files.stat(str(log)) is not None
    log.unlink()
    os.mkfifo(log)
    with pytest.raises(VisitError, match=r"opening .* took longer than") as caught:
        await session.files.read(str(log), 0, 10)
    assert caught.value.kind is ErrorKind.TIMEOUT
    await session.close()
    os.close(os.open(log, os.O_WRONLY | os.O_NONBLOCK))  # the server waits for a writer as long as there is none


@pytest.fixture
def stranger() -> Iterator[str]:
    """The name of a user without rights, who is deleted afterwards."""
    parts.root()
    name = f"dthostmon-{os.getpid()}"
    subprocess.run(
        [parts.program("useradd"), "--no-create-home", "--password", "*", "--shell", "/bin/sh", name], check=True
    )
    yield name
    subprocess.run([parts.program("userdel"), name], check=True)


async def test_what_a_user_may_not_read_is_unreadable_and_the_rest_goes_on(stranger: str, sshd: Sshd) -> None:
    server = sshd(user=stranger)
    public = Path("/etc/passwd")
    secret = server.root / "secret"
    secret.mkdir(mode=0o700)
    (secret / "log").write_text("line\n")
    for folder in (server.folder, *server.folder.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    (server.folder / "authorized_keys").chmod(0o644)
    session = await connect(make_host(server))
    for path in (secret / "log", Path("/etc/shadow")):
        with pytest.raises(FileUnreadableError, match="permission denied"):
            await session.files.read(str(path), 0, 10)
    with pytest.raises(FileUnreadableError, match="permission denied"):
        await session.files.stat(str(secret / "log"))
    with pytest.raises(FileUnreadableError, match="permission denied"):
        await session.files.list(str(secret))
    assert await session.files.read(str(public), 0, 5) == public.read_bytes()[:5]
    await echo(session)
    await session.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, a bounded time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within 10 s")


def running_anywhere(command: str) -> bool:
    """Whether a process with this command line runs on the machine."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command in file.read_bytes().decode(errors="replace"):
                return True
        except OSError:
            continue  # it ended meanwhile
    return False
