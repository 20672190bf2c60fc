"""Twenty hosts in one cycle: each is visited at its own address and keeps its own lines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dthostmon.store import open_store
from tests import parts
from tests.fixtures.fleet import FleetHost, links
from tests.fixtures.program import Program

Fleet = Callable[..., Sequence[FleetHost]]

WRITE_LINES = 'for n in $(seq 40); do echo "Nov 23 06:00:00 $(cat /proc/sys/kernel/hostname) app[7]: line $n"; done'


async def test_twenty_hosts_are_visited_in_one_cycle_and_keep_their_own_lines(fleet: Fleet, program: Program) -> None:
    hosts = fleet(20)
    written = {}
    for host in hosts:
        host.exec(f"({WRITE_LINES}) >/var/log/app.log")
        written[host.name] = (host.var_log / "app.log").read_bytes()
        program.add_host(host, "/var/log/app.log")
    program.configure()
    document = program.document("monitor")
    assert (document["cycle"]["hosts"], document["cycle"]["ok"], document["cycle"]["failed"]) == (20, 20, 0)

    ledger = {entry["host"]: entry for entry in program.document("coverage")}
    assert ledger.keys() == written.keys()
    for name, entry in ledger.items():
        assert entry["path"] == "/var/log/app.log"
        assert entry["bytes_appeared"] == entry["bytes_analysed"] == len(written[name])
        assert entry["bytes_skipped"] == 0
    store = await open_store(f"sqlite:///{program.folder}/dthostmon.db")
    for name, lines in written.items():
        assert lines.count(f" {name} ".encode()) == 40
        assert b"".join([chunk.data async for chunk in store.chunks(name)]) == lines
    await store.close()


def test_a_host_of_the_fleet_has_a_name_processes_and_users_of_its_own(fleet: Fleet) -> None:
    [one, other] = fleet(2)
    assert (one.exec("cat /proc/sys/kernel/hostname"), other.exec("cat /proc/sys/kernel/hostname")) == (
        b"host1\n",
        b"host2\n",
    )
    assert one.address != other.address
    (one.var_log / "only-here").touch()
    assert other.exec("ls /var/log") == b""
    assert b"sshd" in one.exec("cat /proc/[0-9]*/comm")
    assert len(one.exec("ls -d /proc/[0-9]*").split()) < 20
    one.stop()
    assert b"sshd" not in one.exec("cat /proc/[0-9]*/comm || true")
    one.start()


DYING_RUN = """
import sys, time
from pathlib import Path
from tests.fixtures.fleet import start_fleet
[host] = start_fleet(Path(sys.argv[1]), 1)
print(host.link, host.pid, flush=True)
time.sleep(60)
"""


def test_nothing_of_a_fleet_outlives_a_test_run_that_is_killed(tmp_path: Path) -> None:
    parts.namespaces()
    run = subprocess.Popen([sys.executable, "-c", DYING_RUN, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert run.stdout is not None
    link, sshd = run.stdout.readline().decode().split()
    assert link in links()
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=10)
    for _ in range(500):
        if link not in links() and not Path(f"/proc/{sshd}").exists():
            break
        time.sleep(0.01)
    assert link not in links()
    assert not Path(f"/proc/{sshd}").exists()
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert os.listdir(tmp_path)  # noqa: PTH208  # only the folder is left, which pytest removes


def test_a_fleet_that_does_not_start_leaves_nothing_either(fleet: Fleet) -> None:
    before = links()
    with pytest.raises(RuntimeError, match="Bad configuration option: Nonsense"):
        fleet(2, options=["Nonsense yes"])
    assert links() == before
