"""The probes run for real: under the system's shell and under busybox with nothing but its own tools."""

import os
import subprocess
from pathlib import Path

import pytest

from dthostmon import facts
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.metrics import metrics_since
from dthostmon.model import Host, Metrics, Thresholds, TransportKind
from dthostmon.transport import connect
from tests import parts


async def test_this_machine_tells_its_facts() -> None:
    host = Host("here", TransportKind.LOCAL, None, None, (), (), ("metrics",), Thresholds(), 60, 30, 0)
    session = await connect(host)
    try:
        known = await facts.gather(session, host.probes)
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


def test_the_metrics_probe_works_with_busybox(busybox_tools: dict[str, str]) -> None:
    metrics: Metrics = METRICS.parse({name: run(command, busybox_tools) for name, command in METRICS.commands.items()})
    assert metrics.cpu_percent is not None
    assert metrics.memory_percent is not None
    assert metrics.load1 is not None
    gnu = METRICS.parse(
        {"disks": subprocess.run(["sh", "-c", METRICS.commands["disks"]], stdout=subprocess.PIPE, check=True).stdout}
    )
    assert [disk.mount for disk in metrics.disks] == [disk.mount for disk in gnu.disks]


def test_the_identity_probe_works_with_busybox(busybox_tools: dict[str, str]) -> None:
    identity = IDENTITY.parse({name: run(command, busybox_tools) for name, command in IDENTITY.commands.items()})
    assert identity.kernel == os.uname().release
    assert identity.cpus == os.cpu_count()
    assert identity.uptime is not None
