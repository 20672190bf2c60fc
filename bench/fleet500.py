"""How long a cycle over 500 hosts takes in one process: visits, analysis and a SQLite store, 50 hosts at a time.

    python bench/fleet500.py [--hosts 500] [--cycles 4]

The hosts are one process on as many addresses (see stand_in.py), two logs each, which grow by twenty lines between
cycles. Every cycle connects anew, as with a long interval. No facts are gathered: the stand-in has no shell.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import measure
import stand_in
from log_lines import seeded, some_bytes, some_lines

from dthostmon.app import memory
from dthostmon.app.parts import make_parts
from dthostmon.cycle import HostChecks, run_cycle
from dthostmon.model import Host
from dthostmon.store import open_store
from dthostmon.transport import Connections

LOGS = ("syslog", "auth.log")
HISTORY_BYTES = 100_000
LINES_PER_LOG = 10
CONCURRENT_HOSTS = 50
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """What one cycle took; `rss_bytes` is the process after it."""

    wall_s: float
    cpu_s: float
    rss_bytes: int


async def samples(hosts: Sequence[Host], folder: Path, cycles: int) -> list[Sample]:
    """Run the cycles; the first one reads what the look-back allows."""
    chance = seeded()
    store = await open_store(f"sqlite:///{folder}/fleet.db")
    checks = HostChecks(make_parts(store, Connections(keep_up_to=0)), CONCURRENT_HOSTS)
    seen = []
    try:
        for number in range(cycles):
            if number:
                stand_in.append(hosts, some_lines(LINES_PER_LOG, chance))
            seen.append(await _sample(hosts, checks))
    finally:
        await store.close()
    return seen


async def _sample(hosts: Sequence[Host], checks: HostChecks) -> Sample:
    wall, cpu = time.perf_counter(), time.process_time()
    cycle = await run_cycle(hosts, checks)
    sample = Sample(time.perf_counter() - wall, time.process_time() - cpu, measure.own_memory("VmRSS", "status"))
    failed = [run.error for run in cycle.runs if run.error]
    if failed:
        raise SystemExit(f"{len(failed)} of {len(hosts)} hosts failed, one of them: {failed[0]}")
    lines = sum(log.lines for run in cycle.runs for log in run.logs)
    if lines < len(hosts) * len(LOGS) * LINES_PER_LOG:
        raise SystemExit(f"the cycle analysed {lines} lines, fewer than were there")
    memory.give_back_free_memory()
    return sample


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--cycles", type=int, default=4)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    memory.keep_heap_small()
    with tempfile.TemporaryDirectory(prefix="dthostmon-bench-") as name:
        folder = Path(name)
        with stand_in.started(folder / "server", arguments.hosts) as bare:
            hosts = stand_in.with_logs(bare, folder, LOGS, some_bytes(HISTORY_BYTES, seeded()))
            seen = asyncio.run(samples(hosts, folder, arguments.cycles))
    return report(seen, vars(arguments) | {"concurrent_hosts": CONCURRENT_HOSTS, "lines_per_log": LINES_PER_LOG})


def report(seen: Sequence[Sample], parameters: dict[str, object]) -> int:
    """Print and write all figures; return the exit code."""
    print(f"{'cycle':>6}{'seconds':>10}{'CPU s':>10}{'RSS MiB':>10}")
    for number, sample in enumerate(seen, 1):
        print(f"{number:>6}{sample.wall_s:>10.2f}{sample.cpu_s:>10.2f}{sample.rss_bytes / MIB:>10.1f}")
    later = seen[1:]
    figures = {
        "first_cycle_seconds": round(seen[0].wall_s, measure.DIGITS),
        "cycle_seconds": measure.spread([sample.wall_s for sample in later]),
        "cycle_cpu_seconds": measure.spread([sample.cpu_s for sample in later]),
        "rss_mib": [round(sample.rss_bytes / MIB, 2) for sample in seen],
    }
    limit = measure.Limit("seconds of a cycle", figures["cycle_seconds"]["median"], 10, is_ceiling=True)
    return measure.publish("fleet500", parameters, figures, [limit])


if __name__ == "__main__":
    sys.exit(main())
