"""What memory a backlog takes that is caught up with: visit after visit until a large log is read to its end.

    python bench/catch_up.py [--megabytes 1000] [--transports local ssh] [--hosts 8]

Each measurement is a fresh process, which visits, analyses and stores as the daemon does, into SQLite. After a visit
to a small log everything is loaded; from there on the greatest size that the process ever had is compared. One host has
a large log; then several hosts have a share of a quarter of it, and are visited at the same time.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import measure
from log_lines import seeded, some_bytes

from dthostmon.app import memory
from dthostmon.app.parts import make_parts
from dthostmon.cycle import HostChecks, run_cycle
from dthostmon.model import Host
from dthostmon.store import open_store
from dthostmon.transport import Connections
from tests.fixtures.sshd import make_host, make_local_host, start_sshd

MIB = 1024 * 1024
BLOCK_BYTES = 8 * MIB
SMALL_BYTES = 200_000
HOST_CAP_MIB, ALL_HOSTS_CAP_MIB = 16, 64
SHARED_PART = 4  # of the backlog is for several hosts together: their number takes the memory, not the length
MAX_CYCLES = 2000


@dataclass(frozen=True, slots=True)
class Sample:
    """What catching up took; sizes are the process's RSS: settled before, at its greatest, and settled after."""

    transport: str
    hosts: int
    megabytes: float
    cycles: int
    seconds: float
    before_mib: float
    greatest_mib: float
    after_mib: float

    @property
    def growth_mib(self) -> float:
        """How much the process grew at most."""
        return self.greatest_mib - self.before_mib


async def caught_up(transport: str, hosts: Sequence[Host], block: Path, total: int) -> Sample:
    """Visit the hosts with small logs, let the logs grow, and visit them until nothing is left."""
    store = await open_store(f"sqlite:///{block.parent}/catch_up.db")
    checks = HostChecks(make_parts(store, Connections(keep_up_to=0)), len(hosts))
    try:
        await one_cycle(hosts, checks)
        appended = sum(_appended(Path(path), block, total // len(hosts)) for host in hosts for path in host.logs)
        before = _begin_to_measure()
        begin, analysed, cycles, pending = time.perf_counter(), 0, 0, True
        while pending and cycles < MAX_CYCLES:
            done, pending = await one_cycle(hosts, checks)
            analysed, cycles = analysed + done, cycles + 1
        seconds = time.perf_counter() - begin
    finally:
        await store.close()
    if analysed != appended:
        raise SystemExit(f"{analysed} of {appended} bytes were analysed")
    greatest = measure.own_memory("VmHWM", "status")
    sizes = (size / MIB for size in (before, greatest, _settled_rss()))
    return Sample(transport, len(hosts), appended / 1e6, cycles, seconds, *sizes)


async def one_cycle(hosts: Sequence[Host], checks: HostChecks) -> tuple[int, bool]:
    """Check all hosts as the daemon does; return the bytes that were analysed and whether more are left."""
    cycle = await run_cycle(hosts, checks)
    memory.give_back_free_memory()
    failed = [run.error for run in cycle.runs if run.error]
    if failed:
        raise SystemExit(f"a visit failed: {failed[0]}")
    rows = [row for run in cycle.runs for row in run.logs]
    return sum(row.bytes_analysed for row in rows), any(row.bytes_pending for row in rows)


def _appended(log: Path, block: Path, size: int) -> int:
    """Append the block until the log has grown by at least `size`, past this process's memory; return by how much."""
    begin = end = log.stat().st_size
    with log.open("r+b") as target, block.open("rb") as source:
        while end - begin < size:
            target.seek(end)
            os.sendfile(target.fileno(), source.fileno(), 0, block.stat().st_size)
            end = log.stat().st_size
    return end - begin


def _begin_to_measure() -> int:
    """Have the kernel forget how large this process was; return what it is once all garbage is gone."""
    size = _settled_rss()
    Path("/proc/self/clear_refs").write_text("5")
    return size


def _settled_rss() -> int:
    gc.collect()
    memory.give_back_free_memory()
    return measure.own_memory("VmRSS", "status")


def measured(transport: str, hosts: int, total: int) -> Sample:
    """Catch up in a process of its own."""
    line = [sys.executable, __file__, "--measure", transport, "--hosts", str(hosts), "--megabytes", str(total / 1e6)]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return Sample(**json.loads(done.stdout))


def measure_here(transport: str, count: int, total: int) -> Sample:
    """Make the hosts and catch up with them, in this process."""
    memory.keep_heap_small()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
        block = folder / "block"
        write_block = (
            "import sys, pathlib, log_lines as l; pathlib.Path(sys.argv[1]).write_bytes(l.some_bytes({}, l.seeded()))"
        )
        here = Path(__file__).parent
        subprocess.run(
            [sys.executable, "-c", write_block.format(min(total, BLOCK_BYTES)), str(block)], cwd=here, check=True
        )
        server = None
        if transport == "ssh":
            server = start_sshd(folder / "sshd")
            stack.callback(server.stop)
        hosts = []
        for number in range(count):
            log = folder / f"host{number}.log"
            log.write_bytes(some_bytes(SMALL_BYTES, seeded()))
            name, logs = f"host{number}", [str(log)]
            host = make_host(server, name, logs=logs) if server else make_local_host(name, logs=logs)
            hosts.append(replace(host, max_lag=2 * total))  # nothing of it shall be given up
        return asyncio.run(caught_up(transport, hosts, block, total))


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument(
        "--hosts", type=int, default=8, help="how many have a backlog at once in the second measurement"
    )
    parser.add_argument("--transports", nargs="+", choices=("local", "ssh"), default=["local", "ssh"])
    parser.add_argument("--measure", metavar="TRANSPORT", help=argparse.SUPPRESS)  # what the processes are told
    arguments = parser.parse_args()
    total = int(arguments.megabytes * 1e6)
    measure.end_in_order_when_terminated()
    if arguments.measure:
        print(json.dumps(asdict(measure_here(arguments.measure, arguments.hosts, total))))
        return 0
    backlogs = ((1, total), (arguments.hosts, total // SHARED_PART))
    seen = [measured(transport, *backlog) for backlog in backlogs for transport in arguments.transports]
    return report(seen, vars(arguments))


def report(seen: Sequence[Sample], parameters: dict[str, object]) -> int:
    """Print and write all figures; return the exit code."""
    print("          hosts      MB  cycles  seconds   before  greatest   after  growth MiB")
    for one in seen:
        sizes = f"{one.before_mib:>9.1f}{one.greatest_mib:>10.1f}{one.after_mib:>8.1f}{one.growth_mib:>12.1f}"
        print(f"{one.transport:<8}{one.hosts:>7}{one.megabytes:>8.0f}{one.cycles:>8}{one.seconds:>9.1f}{sizes}")
    limits = [
        measure.Limit(
            f"growth, {one.hosts} x {one.transport}, MiB",
            one.growth_mib,
            HOST_CAP_MIB if one.hosts == 1 else ALL_HOSTS_CAP_MIB,
            is_ceiling=True,
        )
        for one in seen
    ]
    figures = {"samples": [asdict(one) | {"growth_mib": round(one.growth_mib, measure.DIGITS)} for one in seen]}
    return measure.publish("catch_up", parameters, figures, limits)


if __name__ == "__main__":
    sys.exit(main())
