"""What a visit over a kept connection costs: beside other ways to the same bytes, busy, and with nothing new.

    python bench/visits.py [--hosts 10] [--rounds 7] [--passes 40] [--idle 1000]

Real sshds on loopback, three logs each. Before every round lines are appended to all logs; then each contender visits
all hosts in turn and must come back with exactly those lines. CPU is that of the client and its processes. The lines
are read, not analysed. Then dthostmon alone visits again and again: hosts with news, and a host without.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import fleet as fleets
import measure
from fleet import LOGS, Fleet, Read, Round, Spread, Visits
from peers import Ansible, AsyncsshExecs, Offsets, OpenSsh, ParallelSsh, Peer, WholeFiles

from dthostmon.model import Host

OURS = "dthostmon, connections kept"
IDLE_BATCHES = 5
MS = 1000
BUSY_RATE = "busy visits per second and core"
BUSY_HOST = "host CPU of a busy visit, ms"
IDLE = "client CPU of an idle visit, ms"
TIMES_LESS = 1.2  # of client CPU than any peer: whoever reads more cheaply should be read with
FIGURES = {"wall_s": "wall seconds", "cpu_s": "client CPU seconds"}


def all_peers(hosts: Sequence[Host], runner: asyncio.Runner) -> dict[str, Peer]:
    """Make the peers, each with offsets of its own."""
    ends = Offsets.at_the_ends
    return {
        "ssh, ControlMaster, tail": OpenSsh(hosts, ends(hosts)),
        "parallel-ssh, tail": ParallelSsh(hosts, ends(hosts)),
        "asyncssh, one exec per file": AsyncsshExecs(ends(hosts), runner),
        "ansible raw, tail": Ansible(hosts, ends(hosts)),
        "paramiko, whole files, SFTP": WholeFiles(),
    }


@dataclass(slots=True)
class Bench:
    """The contenders, and the loop that dthostmon runs in."""

    fleet: Fleet
    runner: asyncio.Runner
    peers: Mapping[str, Peer]
    ours: Visits = field(default_factory=lambda: Visits(keep=True))

    def rounds(self, count: int) -> list[Round]:
        """Let everybody connect and learn where the logs end, then run the rounds."""
        for read, _ in self._contenders().values():
            read(self.fleet.hosts)
        return [self.round() for _ in range(count)]

    def round(self) -> Round:
        """Append, then time each contender."""
        arrived = self.fleet.append()
        return {
            name: fleets.timed(name, read, self.fleet, arrived, others)
            for name, (read, others) in self._contenders().items()
        }

    def _contenders(self) -> dict[str, tuple[Read, Callable[[], float]]]:
        peers = {name: (peer.read, peer.others_cpu_seconds) for name, peer in self.peers.items()}
        return {OURS: (self._read, float), **peers}

    def _read(self, hosts: Sequence[Host]) -> fleets.Arrivals:
        return self.runner.run(self.ours.read(hosts))

    def busy_passes(self, count: int) -> tuple[list[float], list[float]]:
        """Append and visit all hosts, `count` times; return the CPU seconds of client and host per visit."""
        client, host = [], []
        for _ in range(count):
            arrived = self.fleet.append()
            before = self.fleet.session_cpu_seconds()
            cost = fleets.timed(OURS, self._read, self.fleet, arrived)
            after = self.fleet.session_cpu_seconds()
            client.append(cost.cpu_s / len(self.fleet.hosts))
            host.append(sum(after[pid] - before[pid] for pid in before.keys() & after.keys()) / len(self.fleet.hosts))
        return client, host

    def idle_visit_seconds(self, visits: int) -> list[float]:
        """Visit one host again and again while nothing is new; return the CPU seconds of a visit, for each batch."""
        return self.runner.run(self._idle(self.fleet.hosts[0], visits))

    async def _idle(self, host: Host, visits: int) -> list[float]:
        seconds = []
        for _ in range(IDLE_BATCHES):
            begin = time.process_time()
            for _ in range(visits):
                await self.ours.visit(host)
            seconds.append((time.process_time() - begin) / visits)
        return seconds

    def close(self) -> None:
        """Close what was kept open."""
        self.runner.run(self.ours.close())


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=float, default=1, help="size of each log before the first round")
    parser.add_argument("--kilobytes", type=float, default=50, help="what each log grows by per round")
    parser.add_argument("--passes", type=int, default=40, help="passes of dthostmon alone over all hosts")
    parser.add_argument("--idle", type=int, default=1000, help="visits with nothing new, in each of five batches")
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    sizes = int(arguments.megabytes * 1e6), int(arguments.kilobytes * 1e3)
    with fleets.running_fleet(arguments.hosts, *sizes) as fleet, asyncio.Runner() as runner:
        peers = all_peers(fleet.hosts, runner)
        missing = {name: peer.missing for name, peer in peers.items() if peer.missing}
        bench = Bench(fleet, runner, {name: peer for name, peer in peers.items() if not peer.missing})
        try:
            rounds = bench.rounds(arguments.rounds)
            own = own_figures(bench, arguments.passes, arguments.idle)
        finally:
            bench.close()
            for peer in peers.values():
                peer.close()
    return report(rounds, own, missing, vars(arguments) | {"logs_per_host": len(LOGS)})


def own_figures(bench: Bench, passes: int, idle_visits: int) -> dict[str, Spread]:
    """Measure dthostmon's visits by themselves."""
    client, host = bench.busy_passes(passes)
    return {
        BUSY_RATE: measure.spread([1 / seconds for seconds in client]),
        BUSY_HOST: measure.spread([seconds * MS for seconds in host]),
        IDLE: measure.spread([seconds * MS for seconds in bench.idle_visit_seconds(idle_visits)]),
    }


def report(
    rounds: Sequence[Round], own: Mapping[str, Spread], missing: Mapping[str, str], parameters: Mapping[str, object]
) -> int:
    """Print and write all figures; return the exit code."""
    seconds = {figure: fleets.spreads(rounds, figure) for figure in FIGURES}
    times_less = {
        name: {figure: fleets.ratios(rounds, figure, name, OURS) for figure in FIGURES}
        for name in rounds[0]
        if name != OURS
    }
    print_tables(seconds, times_less, missing)
    measure.print_head("a visit of dthostmon")
    for name, values in own.items():
        measure.print_row(name, values, 2)
    limits = [
        measure.Limit(BUSY_RATE, own[BUSY_RATE]["median"], 500, is_ceiling=False),
        measure.Limit(BUSY_HOST, own[BUSY_HOST]["median"], 1, is_ceiling=True),
        measure.Limit(IDLE, own[IDLE]["median"], 0.5, is_ceiling=True),
        *(
            measure.Limit(f"client CPU, times less: {name}", ratio["cpu_s"]["median"], TIMES_LESS, is_ceiling=False)
            for name, ratio in times_less.items()
        ),
    ]
    figures = {
        "seconds": seconds,
        "times_less": times_less,
        "missing": dict(missing),
        "visits": own,
        "rounds": fleets.rounded(rounds),
    }
    return measure.publish("visits", parameters, figures, limits)


def print_tables(
    seconds: Mapping[str, Mapping[str, Spread]],
    times_less: Mapping[str, Mapping[str, Spread]],
    missing: Mapping[str, str],
) -> None:
    """Print the medians with their spread, and how many times less dthostmon took than each peer."""
    for figure, title in FIGURES.items():
        measure.print_head(f"{title}, one pass over all hosts")
        for name, values in seconds[figure].items():
            measure.print_row(name, values, 3)
        for name, by_figure in times_less.items():
            measure.print_row(f"times less than {name}", by_figure[figure], 1)
    for name, part in missing.items():
        print(f"{name:<54}  not measured: {part} is missing")


if __name__ == "__main__":
    sys.exit(main())
