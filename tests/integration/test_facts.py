"""The probes run for real: under the system's shell and under busybox with nothing but its own tools."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from dthostmon import facts
from dthostmon.errors import FileUnreadableError, VisitError
from dthostmon.facts.gauges import TEMPERATURE_WORDS, parse_temperature, temperatures
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.metrics import metrics_since
from dthostmon.facts.probe import Probe
from dthostmon.facts.sources import FactFiles
from dthostmon.facts.together import together
from dthostmon.model import Facts, Host, Metrics, Thresholds, TransportKind
from dthostmon.transport import DirectoryEntry, Files, FileSystemUsage, collector, connect
from dthostmon.transport.local import LocalFiles
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.sshd import SshServer, make_host

Fact = TypeVar("Fact")
WITHOUT_SHELL = {"sftp": READ_ONLY_KEY_OPTIONS, "collector": f'restrict,command="{collector.PROGRAM}"'}


async def test_this_machine_tells_its_facts() -> None:
    host = Host("here", TransportKind.LOCAL, None, None, (), (), ("metrics",), Thresholds(), 60, 30, 0)
    session = await connect(host)
    try:
        known = await facts.gather(session, facts.Wanted(host.probes))
    finally:
        await session.close()
    assert known.identity is not None
    assert known.identity.kernel == os.uname().release
    assert known.identity.cpus == os.cpu_count()
    assert known.metrics is not None
    assert known.metrics.memory_percent is not None
    assert known.metrics.cpu_percent is not None
    usage = os.statvfs("/")
    root = [disk for disk in known.metrics.disks if disk.mount == "/"]
    assert not root or root[0].size == usage.f_frsize * usage.f_blocks


METRICS = metrics_since(None)


@pytest.fixture
def busybox_tools(tmp_path: Path) -> dict[str, str]:
    """A PATH that holds busybox's tools and no other."""
    busybox = parts.program("busybox")
    subprocess.run([busybox, "--install", "-s", str(tmp_path)], check=True)
    return {"PATH": str(tmp_path), "LC_ALL": "C"}


def run(command: str, environment: dict[str, str]) -> bytes:
    shell = str(Path(environment["PATH"]) / "sh")
    return subprocess.run(
        [shell, "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    ).stdout


def told_by(probe: Probe[Fact], environment: dict[str, str]) -> Fact:
    """Return what a probe makes of what its shell text prints."""
    outputs = {name: run(command, environment) for name, command in probe.commands.items()}
    shared = together([probe])  # comes last on a host too: the processor's second reading is in it
    told = shared.told(run(shared.command, environment))
    return probe.parse(outputs | {name.partition(".")[2]: output for name, output in told.items()})


def test_the_metrics_probe_works_with_busybox(busybox_tools: dict[str, str]) -> None:
    metrics = told_by(METRICS, busybox_tools)
    assert metrics.cpu_percent is not None
    assert metrics.memory_percent is not None
    assert metrics.load1 is not None
    assert metrics.counters is not None
    assert None not in {metrics.cpu_idle, metrics.blocked, metrics.open_files, metrics.memory_available}
    assert None not in {disk.read_only for disk in metrics.disks}
    gnu = METRICS.parse(
        {"disks": subprocess.run(["sh", "-c", METRICS.commands["disks"]], stdout=subprocess.PIPE, check=True).stdout}
    )
    assert [disk.mount for disk in metrics.disks] == [disk.mount for disk in gnu.disks]


@pytest.fixture
def sensors(tmp_path: Path) -> Path:
    """A /sys with three sensors, one of which cannot be read."""
    for name, text in {"hwmon/hwmon0/temp1_input": "41000", "thermal/thermal_zone0/temp": "61500"}.items():
        sensor = tmp_path / "sys/class" / name
        sensor.parent.mkdir(parents=True)
        sensor.write_text(f"{text}\n")
    (tmp_path / "sys/class/hwmon/hwmon0/temp2_input").mkdir()
    return tmp_path / "sys"


def test_temperatures_are_read_under_each_shell(busybox_tools: dict[str, str], sensors: Path) -> None:
    words = TEMPERATURE_WORDS.replace("/sys/", f"{sensors}/")
    for environment in (busybox_tools, dict(os.environ, PATH="/bin")):
        shared = together([replace(METRICS, contents={}, words={"temperature": words})])
        told = shared.told(run(shared.command, environment))
        assert parse_temperature(told["metrics.temperature"]) == 61.5
        nothing = together([replace(METRICS, contents={}, words={"temperature": words.replace("/class/", "/none/")})])
        assert nothing.told(run(nothing.command, environment)) == {}


async def test_temperatures_are_read_without_a_shell(sensors: Path) -> None:
    class Moved(LocalFiles):
        async def read(self, path: str, offset: int, length: int) -> bytes:
            return await super().read(path.replace("/sys", str(sensors), 1), offset, length)

        async def list(self, directory: str) -> Sequence[DirectoryEntry]:
            return await super().list(directory.replace("/sys", str(sensors), 1))

    told = await temperatures(FactFiles(Moved()))
    assert parse_temperature(told.output) == 61.5


@pytest.mark.parametrize("shell", [("dash",), ("bash", "--posix"), ("busybox", "sh")], ids=lambda shell: shell[0])
def test_all_disks_are_told_whatever_their_mounts_are_called(shell: tuple[str, ...], tmp_path: Path) -> None:
    names = {
        "plain": "plain",
        "a b": r"a\040b",
        "new\nline": r"new\012line",
        "back\\slash": r"back\134slash",
        "[*]": "[*]",
    }
    lines = ["proc /proc proc rw 0 0", "tmpfs /run tmpfs rw 0 0", f"overlay {tmp_path} overlay rw 0 0"]
    for name, written in names.items():
        (tmp_path / name).mkdir()
        lines.append(rf"/dev/x\040y {tmp_path}/{written} ext4 rw,a=b 0 0")
    lines[4:4] = [f"/dev/gone {tmp_path}/gone xfs rw 0 0"]
    (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
    command = METRICS.commands["disks"].replace("/proc/self/mounts", str(tmp_path / "mounts"))
    run = [parts.program(shell[0]), *shell[1:], "-c", command]
    told = subprocess.run(run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    usage = os.statvfs(tmp_path)
    assert [line.split(" ")[:5] for line in told.splitlines()] == [
        [r"/dev/x\040y", f"{tmp_path}/{written}", "ext4", str(usage.f_frsize), str(usage.f_blocks)]
        for written in names.values()
    ]


def test_the_identity_probe_works_with_busybox(busybox_tools: dict[str, str]) -> None:
    identity = told_by(IDENTITY, busybox_tools)
    assert identity.kernel == os.uname().release
    assert identity.cpus == os.cpu_count()
    assert identity.uptime is not None


async def gather_from(host: Host) -> Facts:
    session = await connect(host)
    try:
        return await facts.gather(session, facts.Wanted(("metrics",)))
    finally:
        await session.close()


@pytest.mark.parametrize("kind", WITHOUT_SHELL)
async def test_without_a_shell_the_files_tell_what_commands_tell(sshd: Callable[..., SshServer], kind: str) -> None:
    server = sshd(key_options=WITHOUT_SHELL[kind])
    known = await gather_from(replace(make_host(server), transport=TransportKind.SFTP))
    (server.folder / "authorized_keys").write_text(Path(f"{server.key}.pub").read_text())
    told = await gather_from(make_host(server))
    assert known.identity is not None
    assert told.identity is not None
    assert known.unknown.keys() <= {"identity.architecture"}  # a kernel older than 6.1 has no file for it
    for field in ("os", "kernel", "timezone", "cpus"):
        assert getattr(known.identity, field) == getattr(told.identity, field) is not None
    assert known.identity.architecture in {None, os.uname().machine}
    assert known.identity.uptime is not None
    assert known.metrics is not None
    assert told.metrics is not None
    assert None not in {known.metrics.cpu_percent, known.metrics.memory_percent, known.metrics.load1}
    assert None not in {known.metrics.counters, known.metrics.blocked, known.metrics.open_files}
    assert [disk.read_only for disk in known.metrics.disks] == [disk.read_only for disk in told.metrics.disks]
    disks = [(disk.mount, disk.device, disk.filesystem, disk.size) for disk in known.metrics.disks]
    assert disks == [(disk.mount, disk.device, disk.filesystem, disk.size) for disk in told.metrics.disks]


async def test_a_jail_without_proc_names_all_that_it_cannot_tell(sshd: Callable[..., SshServer]) -> None:
    parts.root()
    jail = Path("/run/dthostmon-test-jail")  # sshd wants root to own each folder above it
    jail.mkdir(mode=0o755)
    try:
        (jail / "etc").mkdir()
        (jail / "etc/os-release").write_text('PRETTY_NAME="Jail 1"\n')
        server = sshd(key_options=READ_ONLY_KEY_OPTIONS, options=[f"ChrootDirectory {jail}"])
        known = await gather_from(replace(make_host(server), transport=TransportKind.SFTP))
    finally:
        (jail / "etc/os-release").unlink(missing_ok=True)
        (jail / "etc").rmdir()
        jail.rmdir()
    assert known.identity is not None
    assert (known.identity.os, known.identity.kernel) == ("Jail 1", None)
    assert known.unknown.keys() == {
        *(f"identity.{part}" for part in IDENTITY.parts if part != "release"),
        *(f"metrics.{part}" for part in METRICS.parts - METRICS.optional),
    }
    assert "no such file" in known.unknown["metrics.memory"]
    assert known.metrics == Metrics(None, None, None, None, None, None, (), None)


async def test_a_server_that_tells_no_space_is_named() -> None:
    asked: list[str] = []
    mounts = (
        b"/dev/a\\040b /mnt/a\\040b ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/c / xfs rw 0 0\n/dev/d /lost ext4 rw 0 0"
    )

    class Odd(LocalFiles):
        async def read(self, path: str, offset: int, length: int) -> bytes:
            return mounts if path == "/proc/self/mounts" else await super().read(path, offset, length)

        async def usage(self, path: str) -> FileSystemUsage | None:
            asked.append(path)
            if path == "/lost":
                raise FileUnreadableError(path, "permission denied")
            return None if path == "/" else FileSystemUsage(4096, 100, 50, 25, 10, 5)

    known = await facts.gather(Jailed(Odd()), facts.Wanted(("metrics",), cpu_times=(1,) * 8))
    assert known.metrics is not None
    assert [(disk.mount, disk.device, disk.size, disk.percent) for disk in known.metrics.disks] == [
        ("/mnt/a b", "/dev/a b", 409600, 66.7)
    ]
    assert asked == ["/mnt/a b", "/", "/lost"]
    assert known.unknown["metrics.disks"] == "/: the host has no way to tell its space; /lost: permission denied"


class Jailed:
    """A session that offers some files and no shell."""

    shell = None

    def __init__(self, files: Files) -> None:
        self.files = files

    async def close(self) -> None:
        pass


async def test_a_connection_that_dies_while_files_tell_breaks_the_visit(sshd: Callable[..., SshServer]) -> None:
    server = sshd(key_options=READ_ONLY_KEY_OPTIONS)
    session = await connect(replace(make_host(server), transport=TransportKind.SFTP))
    await session.files.stat("/")
    server.stop()
    with pytest.raises(VisitError):
        await facts.gather(session, facts.Wanted(("metrics",)))
    await session.close()
