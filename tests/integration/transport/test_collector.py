"""The collector program in every shell, with every set of tools, and what is left of it when nobody asks any more."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import asyncssh
import pytest

from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.model import Host, TransportKind
from dthostmon.transport import Session, collector, connect, paths
from dthostmon.transport.collector import CollectorFiles
from dthostmon.transport.exchange import Exchange
from dthostmon.transport.session import COLLECTOR_KEY_OPTIONS, COLLECTOR_PATH
from tests import parts
from tests.fixtures.sshd import SshServer, descendants, free_port, make_host

Start = Callable[..., SshServer]

BOUNDARY = "b0" * 16
SHELLS = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "zsh": ["zsh", "--emulate", "sh"],
}
LOGIN_SHELLS = SHELLS | {name: [name] for name in ("bash", "zsh", "fish", "tcsh") if shutil.which(name)}
PAIRS = ["dash, gnu", "dash, old", "bash, gnu", "bash, busybox", "busybox, busybox", "busybox, old", "zsh, gnu"]
HOSTILE_NAMES = [
    b"new\nline",
    b"two\n\n",
    b"quote'\"`",
    b"$(id)",
    b"\xff\xfe",
    b"back\\slash",
    b"-rf",
    b" ",
    b"*",
    b"a\tb",
]
TEXT = collector.sent_program(BOUNDARY)
HOSTILE_REQUESTS = [
    "write /tmp/x",
    "",
    "read /etc/passwd",
    "read /etc/passwd $(touch${IFS}FILE) 5",
    "read /etc/passwd 0 a[$(touch${IFS}FILE)]",
    "read /etc/passwd 010 5",
    "read /etc/passwd -5 5",
    "read /etc/passwd 99999999999999999999 5",
    "$(touch${IFS}FILE) /etc/passwd",
    "`touch${IFS}FILE`",
    "eval touch FILE",
    "stat;touch FILE",
]
HOSTILE_PATHS = [
    "$(touch${IFS}FILE)",
    "`touch${IFS}FILE`",
    "-exec",
    "/etc/passwd;touch${IFS}FILE",
    "*",
    "%s%n",
    "\\\\c",
]
FORCED = f'restrict,command="{collector.PROGRAM}"'


class Program(asyncio.SubprocessProtocol):
    """The program as a child, spoken to as over a channel."""

    def __init__(self) -> None:
        self.exchange = Exchange(BOUNDARY, "the program", stall_seconds=20)
        self.exited = asyncio.Event()
        self.transport: asyncio.SubprocessTransport | None = None

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002  # asyncio's signature
        self.exchange.add(data)

    def process_exited(self) -> None:
        self.exited.set()

    async def start(
        self, command: Sequence[str], environment: dict[str, str], greeting: bytes = collector.hello(BOUNDARY)
    ) -> CollectorFiles:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.subprocess_exec(
            lambda: self, *command, stderr=asyncio.subprocess.DEVNULL, env=environment, start_new_session=True
        )
        stdin = cast("asyncio.WriteTransport", self.transport.get_pipe_transport(0))
        await self.exchange.begin(greeting, stdin.write, stdin.abort)
        return CollectorFiles(self.exchange, "the program")

    async def end(self) -> None:
        """Close its input, as a client does that goes, and wait for its end."""
        if self.transport:
            cast("asyncio.WriteTransport", self.transport.get_pipe_transport(0)).close()
            async with asyncio.timeout(20):
                await self.exited.wait()
            self.transport.close()


@pytest.fixture(scope="module")
def busybox_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every tool is busybox's."""
    busybox = parts.program("busybox")
    folder = tmp_path_factory.mktemp("busybox")
    for applet in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        (folder / applet).symlink_to(busybox)
    return folder


@pytest.fixture
def old_tools(busybox_tools: Path, tmp_path: Path) -> Path:
    """A folder of busybox's tools whose dd knows no more than POSIX asks for."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "dd").write_text(
        f'#!/bin/sh\ncase $* in *iflag*) echo "dd: unknown operand" >&2; exit 1 ;; esac\nexec {busybox_tools}/dd "$@"\n'
    )
    (folder / "dd").chmod(0o755)
    return folder


@pytest.fixture(params=PAIRS)
async def files(request: pytest.FixtureRequest) -> AsyncIterator[CollectorFiles]:
    """The program run by one shell with one set of tools."""
    shell, tools = request.param.split(", ")
    command = [parts.program(SHELLS[shell][0]), *SHELLS[shell][1:], str(collector.PROGRAM)]
    folders = {"gnu": [], "busybox": ["busybox_tools"], "old": ["old_tools", "busybox_tools"]}[tools]
    path = ":".join([*(str(request.getfixturevalue(folder)) for folder in folders), "/usr/bin:/bin"])
    environment = {"PATH": path, "number": "exported"}
    program = Program()
    yield await program.start(command, environment)
    await program.end()


async def test_every_shell_tells_the_same_of_hostile_names(files: CollectorFiles, tmp_path: Path) -> None:
    folder = tmp_path / "folder with 'quotes'\nand a newline"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / os.fsdecode(name)).write_bytes(b"content of " + name)
    (folder / ".hidden").touch()
    (folder / "link\nto").symlink_to("nowhere\n\xff\n")
    where = paths.to_text(os.fsencode(folder))
    listed = {paths.to_bytes(entry.name): entry for entry in await files.list(where)}
    assert listed.keys() == {*HOSTILE_NAMES, b".hidden", b"link\nto"}
    assert listed[b"link\nto"].link
    assert await files.link(f"{where}/link\\x0ato") == paths.to_text(os.fsencode("nowhere\n\xff\n"))
    for name in HOSTILE_NAMES:
        path = f"{where}/{paths.to_text(name)}"
        found = await files.stat(path)
        assert found is not None
        assert (found.size, found.regular) == (11 + len(name), True)
        assert found.inode == (folder / os.fsdecode(name)).stat().st_ino
        assert await files.read(path, 0, 100) == b"content of " + name


async def test_a_name_that_speaks_as_a_tool_does_deceives_nobody(files: CollectorFiles, tmp_path: Path) -> None:
    for name in (b"5 bytes", b"9 bytes: No such file or directory", b"x\n\n7 bytes copied"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"abc")
        path = f"{tmp_path}/{paths.to_text(name)}"
        assert await files.read(path, 0, 100) == b"abc"
        assert await files.read(path, 100, 100) == b""
        assert await files.stat(f"{path}/below") is None


async def test_every_shell_reads_from_every_offset(files: CollectorFiles, tmp_path: Path) -> None:
    content = os.urandom(3 * 1024 * 1024)
    (tmp_path / "log").write_bytes(content)
    for offset, length in [
        (0, 10),
        (1, 4095),
        (4095, 2),
        (4096, 4096),
        (70_001, 2_500_003),
        (3_145_727, 9),
        (2**40, 5),
    ]:
        assert await files.read(f"{tmp_path}/log", offset, length) == content[offset : offset + length]


async def test_what_lies_before_an_offset_is_not_read(files: CollectorFiles, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**42)  # 4 TiB: a tool that reads up to the offset does not come back
        file.seek(2**42)
        file.write(b"the end")
    assert await files.read(f"{tmp_path}/sparse", 2**42 - 3, 100) == b"\0\0\0the end"


async def test_files_of_the_kernel_are_read_whole(files: CollectorFiles) -> None:
    assert (await files.read("/proc/cpuinfo", 0, 100_000)).startswith(b"processor")
    symbols = await files.read("/proc/kallsyms", 0, 200_000)  # comes in pieces that are shorter than asked for
    assert len(symbols) == 200_000


async def test_no_fifo_and_no_device_is_opened(files: CollectorFiles, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for path in (tmp_path / "fifo", tmp_path / "link", tmp_path / "socket", tmp_path, Path("/dev/zero")):
        with pytest.raises(FileUnreadableError, match="not a regular file"):
            await files.read(str(path), 0, 10)


async def test_space_is_told(files: CollectorFiles, tmp_path: Path) -> None:
    usage, expected = await files.usage(str(tmp_path)), os.statvfs(tmp_path)
    assert usage is not None
    assert (usage.block_size, usage.blocks, usage.inodes) == (expected.f_frsize, expected.f_blocks, expected.f_files)
    with pytest.raises(FileUnreadableError, match="no such file"):
        await files.usage("/absent")


async def test_no_request_runs_or_writes_anything(files: CollectorFiles, tmp_path: Path) -> None:
    target = tmp_path / "made"
    for line in HOSTILE_REQUESTS:
        answer = await files._exchange.ask(line.replace("FILE", str(target)), 1000)
        assert (answer.ok, answer.words, answer.body) == (False, "unknown request", b""), line
    for verb in ("stat", "list", "read", "usage", "link"):
        for path in HOSTILE_PATHS:
            answer = await files._exchange.ask(f"{verb} {path.replace('FILE', str(target))} 0 5", 1000)
            assert (answer.ok, answer.body) == (False, b""), path
    assert not target.exists()


async def test_the_kernel_lets_the_program_write_to_no_file(files: CollectorFiles) -> None:
    limits = (await files.read("/proc/self/limits", 0, 10_000)).decode()
    assert re.search(r"^Max file size +0 ", limits, re.MULTILINE)
    assert re.search(r"^Max address space +2147483648 ", limits, re.MULTILINE)


def test_no_verb_writes_and_nothing_received_is_evaluated() -> None:
    text = collector.program().decode()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert "eval" not in code.split()
    assert " of=" not in code
    targets = {word for line in code.splitlines() for word in line.split() if ">" in word and not word.startswith("'%")}
    assert {word.rstrip(";)") for word in targets} <= {
        "2>/dev/null",
        ">/dev/null",
        "2>&1",
        "3>&1",
        "4>&1",
        ">&3",
        ">&4",
        "2>&3",
        "3>&-",
        "4>&-",
    } | {"3>&1)"}


async def test_a_name_that_no_file_can_have_is_no_file(files: CollectorFiles) -> None:
    for path in ("", "/etc/\\x00/passwd", "/" + "n" * 300):
        with pytest.raises(FileUnreadableError):
            await files.stat(path)


async def test_many_questions_at_once_get_their_own_answers(files: CollectorFiles, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / str(number)).write_bytes(b"%d" % number)
    answers = await asyncio.gather(*(files.read(f"{tmp_path}/{number}", 0, 10) for number in range(30)))
    assert answers == [b"%d" % number for number in range(30)]


@pytest.mark.parametrize("greeting", [b"hello short\n", b"hello " + b"Z" * 32 + b"\n", b"\0\0\0\5\1\0\0\0\3"])
def test_who_greets_otherwise_gets_no_answer(greeting: bytes) -> None:
    done = subprocess.run([collector.PROGRAM], input=greeting + b"\nstat /\n", capture_output=True, check=False)
    assert done.stdout == b"dthostmon-collect 1\n"


@pytest.mark.parametrize("older", ["the client", "the program"])
async def test_an_older_version_at_one_end_tells_all_but_the_owner(tmp_path: Path, older: str) -> None:
    installed, greeting = tmp_path / "installed", collector.hello(BOUNDARY)
    text = collector.program().decode()
    if older == "the client":
        greeting = f"hello {BOUNDARY}\n".encode()
    else:
        text = text.replace("read -r verb boundary more rest", "read -r verb boundary rest")
        text = text.replace('if [ "$more" = owners ]', "if false")
        assert text.encode() != collector.program()
    installed.write_text(text)
    installed.chmod(0o755)
    program = Program()
    files = await program.start([str(installed)], {"PATH": "/usr/bin:/bin", "more": "owners"}, greeting)
    found, expected = await files.stat(str(installed)), installed.stat()
    await program.end()
    assert found is not None
    assert (found.size, found.mode, found.inode) == (expected.st_size, expected.st_mode, expected.st_ino)
    assert (found.uid, found.gid) == (None, None)


async def test_a_name_that_goes_while_its_folder_is_listed_takes_no_other_along(tmp_path: Path) -> None:
    tools, folder = tmp_path / "tools", tmp_path / "folder"
    tools.mkdir()
    folder.mkdir()
    for name, size in {"gone": 0, "one": 1, "two": 2}.items():
        (folder / name).write_bytes(bytes(size))
    stat = parts.program("stat")
    (tools / "stat").write_text(
        f'#!/bin/sh\ncase "$*" in *./gone*) {stat} "$@" | tail -n +2; exit 1 ;; esac\nexec {stat} "$@"\n'
    )
    (tools / "stat").chmod(0o755)
    program = Program()
    files = await program.start([str(collector.PROGRAM)], {"PATH": f"{tools}:/usr/bin:/bin"})
    assert {entry.name: entry.stat.size for entry in await files.list(str(folder))} == {"one": 1, "two": 2}
    await program.end()


async def test_a_listing_that_the_program_cuts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LIST_BYTES", 1000)
    for number in range(40):
        (tmp_path / f"{number:030}").touch()
    program = Program()
    files = await program.start([str(changed(tmp_path, "head -c 16777216", "head -c 1000"))], {"PATH": "/usr/bin:/bin"})
    with pytest.raises(FileUnreadableError, match="more than 100000 names"):
        await files.list(str(tmp_path))
    assert await files.read("/proc/version", 0, 5) == b"Linux"
    await program.end()


def test_program_and_client_agree_on_their_limits() -> None:
    text = collector.program().decode()
    assert f"| head -c {collector.LIST_BYTES} " in text
    assert f"timeout -k 1 {collector.COMMAND_SECONDS}'" in text


def changed(folder: Path, old: str, new: str) -> Path:
    """Write the program with one other limit."""
    text = collector.program().decode()
    assert text.count(old) == 1
    program = folder / "changed-program"
    program.write_text(text.replace(old, new))
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_program_is_read_from_the_input_that_its_requests_come_by(shell: str, busybox_tools: Path) -> None:
    command = [parts.program(SHELLS[shell][0]), *SHELLS[shell][1:], "-c", collector.shell_command(TEXT)]
    program = Program()
    files = await program.start(command, {"PATH": f"{busybox_tools}:/usr/bin:/bin"}, greeting=TEXT)
    assert await files.read("/proc/version", 0, 5) == b"Linux"
    await program.end()


async def test_a_tool_that_hangs_is_ended_and_the_next_request_is_answered(tmp_path: Path) -> None:
    (tmp_path / "dd").write_text('#!/bin/sh\ncase $* in *passwd*) exec sleep 3081 ;; esac\nexec /bin/dd "$@"\n')
    (tmp_path / "dd").chmod(0o755)
    quick = changed(tmp_path, "timeout -k 1 10", "timeout -k 1 1")
    program = Program()
    files = await program.start([str(quick)], {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(FileUnreadableError, match="in time"):
        await files.read("/etc/passwd", 0, 5)
    assert await files.read("/proc/version", 0, 5) == b"Linux"
    await program.end()


def forced_host(server: SshServer) -> Host:
    return replace(make_host(server), transport=TransportKind.SFTP)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, a bounded time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within 10 s")


@pytest.fixture(params=["collector key", "login shell"])
def server(request: pytest.FixtureRequest, sshd: Start) -> SshServer:
    """A server without SFTP, whose key has the program as its forced command or gives a login shell."""
    return sshd(sftp=None, key_options=FORCED if request.param == "collector key" else "")


async def opened(server: SshServer) -> Session:
    options = (server.folder / "authorized_keys").read_text()
    return await connect(forced_host(server) if "command=" in options else make_host(server))


async def test_fifty_cancelled_reads_leave_no_process_behind(server: SshServer) -> None:
    log = server.root / "log"
    log.write_bytes(bytes(8 * 1024 * 1024))
    session = await opened(server)
    assert await session.files.read(str(log), 0, 3) == bytes(3)
    idle = len(descendants(server.pid))
    for number in range(50):
        reading = asyncio.create_task(session.files.read(str(log), 0, 8 * 1024 * 1024))
        await asyncio.sleep(0.002 * (number % 3))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert await session.files.read(str(log), 5, 3) == bytes(3)
    await until(lambda: len(descendants(server.pid)) <= idle)
    await session.close()
    await until(lambda: not descendants(server.pid))


def children(pid: int) -> list[int]:
    """Return the process ids directly below a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_cancelled_first_questions_open_one_channel(server: SshServer) -> None:
    session = await opened(server)
    for _ in range(20):
        asking = asyncio.create_task(session.files.stat("/etc/passwd"))
        await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.wait([asking])
    assert await session.files.stat("/etc/passwd") is not None
    # what the program itself starts for the questions that were cancelled comes and goes
    for _ in range(100):
        programs = programs_of(server)
        if len(programs) == 1:
            break
        await asyncio.sleep(0.05)
    await session.close()
    assert len(programs) == 1


async def test_files_that_open_while_nobody_waits_open_once(server: SshServer) -> None:
    session = await opened(server)
    asking = asyncio.create_task(session.files.stat("/etc/passwd"))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    opened_first = programs_of(server)
    assert await session.files.stat("/etc/passwd") is not None
    assert programs_of(server) == opened_first
    await session.close()


def programs_of(server: SshServer) -> set[int]:
    """Return what the server's sessions run."""
    processes = {pid: cmdline_of(pid) for pid in descendants(server.pid)}
    sshds = [pid for pid, cmdline in processes.items() if cmdline.startswith(b"sshd")]
    return {child for pid in sshds for child in children(pid)} - set(sshds)


def cmdline_of(pid: int) -> bytes:
    """Return the command line of a process, nothing where it has ended meanwhile."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


async def test_a_session_that_is_closed_while_its_files_open_leaves_no_task(server: SshServer) -> None:
    for steps in range(1, 9):
        session = await opened(server)
        asking = asyncio.create_task(session.files.stat("/etc/passwd"))
        await asyncio.sleep(0.004 * steps)
        asking.cancel()
        await session.close()
        await asyncio.wait([asking])
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    await until(lambda: not descendants(server.pid))


async def test_a_session_that_is_closed_mid_read_leaves_no_process(server: SshServer) -> None:
    log = server.root / "log"
    with log.open("wb") as file:
        file.truncate(2**33)
    session = await opened(server)
    assert await session.files.stat(str(log)) is not None
    reading = [asyncio.create_task(session.files.read(str(log), 0, 2**33)) for _ in range(4)]
    await until(lambda: any(b"dd\0if=" in command for command in commands_below(server.pid)))
    await session.close()
    for outcome in await asyncio.gather(*reading, return_exceptions=True):
        assert isinstance(outcome, VisitError)
    await until(lambda: not descendants(server.pid))


def commands_below(pid: int) -> Iterator[bytes]:
    for process in descendants(pid):
        try:
            yield Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue


async def test_a_client_that_dies_leaves_no_process(server: SshServer) -> None:
    log = server.root / "log"
    with log.open("wb") as file:
        file.truncate(2**33)
    client = subprocess.Popen(
        [parts.program("ssh"), *ssh_options(server), "--", server.address, collector.shell_command(TEXT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert client.stdin is not None
    is_forced = "command=" in (server.folder / "authorized_keys").read_text()
    client.stdin.write(collector.hello(BOUNDARY) if is_forced else TEXT)
    client.stdin.write(b"read %s 0 8000000000\n" % str(log).encode())
    client.stdin.flush()
    await until(lambda: any(b"dd\0if=" in command for command in commands_below(server.pid)))
    client.kill()
    client.wait()
    client.stdin.close()
    await until(lambda: not descendants(server.pid))


def ssh_options(server: SshServer) -> list[str]:
    settings = {
        "Port": server.port,
        "User": server.user,
        "IdentityFile": server.key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": server.known_hosts,
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
    }
    return ["-F", "none", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


@contextmanager
def noisy(server: SshServer, text: str) -> Iterator[None]:
    (server.home / ".bashrc").write_text(text)
    yield
    (server.home / ".bashrc").unlink()


async def test_a_login_that_talks_does_not_disturb_the_program(server: SshServer) -> None:
    with noisy(server, "yes 'Welcome! 0 ok dthostmon-collect 1' | head -c 3000000; printf 'no newline'\n"):
        session = await opened(server)
        assert (await session.files.read("/etc/passwd", 0, 5)) == b"root:"
        await session.close()


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
async def test_a_login_shell_of_any_kind_becomes_the_program(sshd: Start, shell: str) -> None:
    command = " ".join([parts.program(LOGIN_SHELLS[shell][0]), *LOGIN_SHELLS[shell][1:]])
    server = sshd(sftp=None, key_options=f'command="exec {command} -c \\"$SSH_ORIGINAL_COMMAND\\""')
    session = await connect(make_host(server))
    assert (await session.files.read("/etc/passwd", 0, 5)) == b"root:"
    assert [entry.name for entry in await session.files.list("/proc/self/task/..")]
    await session.close()


async def test_the_program_and_its_boundary_never_show_in_the_process_list(sshd: Start) -> None:
    server = sshd(sftp=None)
    session = await connect(make_host(server), make_boundary=lambda: "5ec7e7" * 5 + "00")
    assert await session.files.read("/proc/version", 0, 5) == b"Linux"
    environment = await session.files.read("/proc/self/environ", 0, 100_000)
    shown = [*commands_below(server.pid), environment]
    assert any(b"head -c" in line for line in shown)
    assert not any(b"5ec7e7" in line for line in shown)
    await session.close()


async def test_nothing_is_written_on_the_host(sshd: Start) -> None:
    server = sshd(sftp=None)
    session = await connect(make_host(server))
    before = sorted(server.folder.rglob("*"))
    await session.files.read("/etc/passwd", 0, 5)
    assert sorted(server.folder.rglob("*")) == before
    await session.close()


async def test_what_is_no_collector_says_what_it_is(sshd: Start) -> None:
    session = await connect(forced_host(sshd(key_options='restrict,command="echo backups only."')))
    with pytest.raises(VisitError, match=r"said: backups only\.(?!\.)") as caught:
        await session.files.stat("/etc/passwd")
    assert caught.value.kind is ErrorKind.PERMISSION
    await session.close()


async def test_a_shell_is_never_asked_where_the_configuration_says_there_is_none(sshd: Start) -> None:
    server = sshd(sftp=None)
    session = await connect(forced_host(server))
    if Path(COLLECTOR_PATH).exists():
        pytest.skip("the collector program is installed here")
    with pytest.raises(VisitError, match="ran no collector program"):
        await session.files.stat("/etc/passwd")
    await session.close()


def test_the_key_options_name_the_program() -> None:
    assert f'restrict,command="{COLLECTOR_PATH}"' == COLLECTOR_KEY_OPTIONS
    assert collector.PROGRAM.name == "collector.sh"
    assert os.access(collector.PROGRAM, os.X_OK)
    shipped = Path(__file__).parents[3] / "deploy" / "dthostmon-collect"
    assert shipped.is_symlink()
    assert shipped.resolve() == collector.PROGRAM.resolve()


async def plain(server: SshServer) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        server.address,
        server.port,
        username=server.user,
        client_keys=[str(server.key)],
        known_hosts=str(server.known_hosts),
        config=None,
        agent_path=None,
    )


async def test_a_collector_key_gives_nothing_but_the_program(sshd: Start, tmp_path: Path) -> None:
    server = sshd(key_options=FORCED)
    async with await plain(server) as connection:
        made = tmp_path / "made"
        done = await connection.run(f"touch {made}; id", input=f"id\ntouch {made}\n", encoding="utf-8")
        assert str(done.stdout).strip() in {"", "dthostmon-collect 1"}
        with pytest.raises(asyncssh.SFTPError):
            await connection.start_sftp_client()
        assert not made.exists()


def test_ssh_and_sftp_get_nothing_else_from_a_collector_key(sshd: Start, tmp_path: Path) -> None:
    server = sshd(key_options=FORCED)
    made = tmp_path / "made"
    for command in (["id"], [f"touch {made}"], ["sh"], []):
        done = subprocess.run(
            [parts.program("ssh"), *ssh_options(server), server.address, *command],
            input=b"id\n",
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert done.stdout == b"dthostmon-collect 1\n"
        assert done.returncode != 0
    batch = tmp_path / "batch"
    batch.write_text(f"put {batch} {made}\n")
    done = subprocess.run(
        [parts.program("sftp"), *ssh_options(server), "-b", str(batch), server.address],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert not made.exists()
    refused = subprocess.run(
        [parts.program("ssh"), *ssh_options(server), "-W", f"127.0.0.1:{free_port()}", server.address],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert b"administratively prohibited" in refused.stderr
