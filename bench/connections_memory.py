"""How much memory a connection takes that is kept: the growth of a process that keeps many.

    python bench/connections_memory.py [--connections 300]

The hosts are one process on as many addresses (see stand_in.py), two small logs each. Every connection has opened its
SFTP channel and made two visits, the second with news. The first connections are made before the measuring begins:
what is loaded once is no part of a connection.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import measure
import stand_in
from fleet import Visits
from log_lines import seeded, some_bytes

from dthostmon.app import memory
from dthostmon.model import Host

WARM_UP = 20
BATCHES = 5
LOGS = ("syslog", "auth.log")
LOG_BYTES, NEW_BYTES = 20_000, 4_000
KIB = 1024


async def grown(hosts: Sequence[Host]) -> list[float]:
    """Connect to all hosts; return the bytes that each connection of a batch added, for each batch."""
    visits = Visits(keep=True)
    await two_visits(visits, hosts[:WARM_UP])
    size = (len(hosts) - WARM_UP) // BATCHES
    figures = []
    for start in range(WARM_UP, WARM_UP + BATCHES * size, size):
        before = settled_memory()
        await two_visits(visits, hosts[start : start + size])
        figures.append((settled_memory() - before) / size)
    await visits.close()
    return figures


async def two_visits(visits: Visits, hosts: Sequence[Host]) -> None:
    """Visit each host, let its logs grow, and visit it again."""
    await visits.read(hosts)
    new = some_bytes(NEW_BYTES, seeded())
    stand_in.append(hosts, new)
    read = await visits.read(hosts)
    if any(data != new for data in read.values()):
        raise SystemExit("a visit did not read exactly what was appended")


def settled_memory() -> int:
    """Return the process's own memory once all garbage is gone."""
    gc.collect()
    memory.give_back_free_memory()
    return measure.own_memory("Pss")


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=300)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    memory.keep_heap_small()
    with tempfile.TemporaryDirectory(prefix="dthostmon-bench-") as name:
        folder = Path(name)
        with stand_in.started(folder / "server", arguments.connections + WARM_UP) as bare:
            hosts = stand_in.with_logs(bare, folder, LOGS, some_bytes(LOG_BYTES, seeded()))
            seen = measure.spread([figure / KIB for figure in asyncio.run(grown(hosts))])
    print(f"KiB per kept connection: median {seen['median']:.1f}, min {seen['min']:.1f}, max {seen['max']:.1f}")
    limits = [measure.Limit("memory per kept connection, KiB", seen["median"], 60, is_ceiling=True)]
    return measure.publish("connections_memory", vars(arguments), {"kib_per_connection": seen}, limits)


if __name__ == "__main__":
    sys.exit(main())
