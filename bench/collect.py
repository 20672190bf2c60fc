"""What one pass over the logs of a fleet costs, against a reader that fetches whole files, in one interleaved run.

    python bench/collect.py [--hosts 20] [--rounds 7] [--megabytes 5] [--kilobytes 50]

Real sshds on loopback, three logs each. Before every round lines are appended to all logs; then each contender visits
all hosts in turn and must come back with exactly those lines. The servers run on the same cores as their clients, so
wall time is shared with them; CPU time is that of this process alone, all threads included.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import fleet as fleets
import measure
from fleet import CONCURRENT_HOSTS, LOGS, Fleet, Read, Round, Spread, Visits
from paramiko_reader import WholeFileReader, fetch_over_exec, fetch_over_sftp
from relay import CountingRelay

from dthostmon.model import Host
from tests.fixtures.sshd import public_key

FRESH, KEPT = "dthostmon", "dthostmon, connections kept"
# The limits are held against the peer over SFTP: the subsystem, the rights and the absence of a shell are those of
# dthostmon itself. The one over exec needs a shell on the host and is tuned past paramiko's own interfaces; it is
# shown beside it because it costs less.
PEER, PEER_EXEC = "whole files, SFTP", "whole files, exec cat"


@dataclass(slots=True)
class Bench:
    """The contenders and the loop that dthostmon runs in."""

    fleet: Fleet
    runner: asyncio.Runner
    fresh: Visits = field(default_factory=lambda: Visits(keep=False))
    kept: Visits = field(default_factory=lambda: Visits(keep=True))
    peer: WholeFileReader = field(default_factory=lambda: WholeFileReader(fetch_over_sftp))
    peer_exec: WholeFileReader = field(default_factory=lambda: WholeFileReader(fetch_over_exec))

    @property
    def contenders(self) -> Mapping[str, Read]:
        """Name what each does with the hosts."""
        return {
            FRESH: lambda hosts: self.runner.run(self.fresh.read(hosts)),
            PEER: self.peer.read,
            KEPT: lambda hosts: self.runner.run(self.kept.read(hosts)),
            PEER_EXEC: self.peer_exec.read,
        }

    def first_visits(self) -> None:
        """Let everybody learn where the logs end; kept connections are opened."""
        for read in self.contenders.values():
            read(self.fleet.hosts)

    def round(self) -> Round:
        """Append, then time each contender."""
        arrived = self.fleet.append()
        return {name: fleets.timed(name, read, self.fleet, arrived) for name, read in self.contenders.items()}

    def close(self) -> None:
        """Close what was kept open."""
        self.runner.run(self.kept.close())


async def wire_bytes_per_new_byte(fleet: Fleet) -> dict[str, float]:
    """Count, outside of the timed rounds, what crosses the wire for each new byte. TCP payload, both directions."""
    relays, hosts = await _relayed(fleet.hosts)
    counted: dict[str, float] = {}
    try:
        for name, visits in ((FRESH, Visits(keep=False)), (KEPT, Visits(keep=True))):
            await visits.read(hosts)
            counted[name] = await _ratio(fleet, hosts, relays, visits)
            await visits.close()
    finally:
        for relay in relays:
            await relay.stop()
    return counted


async def _ratio(fleet: Fleet, hosts: Sequence[Host], relays: Sequence[CountingRelay], visits: Visits) -> float:
    arrived = fleet.append()
    before = sum(relay.passed for relay in relays)
    fleets.require_same("the counted pass", await visits.read(hosts), arrived)
    passed = sum(relay.passed for relay in relays) - before
    return round(passed / sum(map(len, arrived.values())), measure.DIGITS)


async def _relayed(hosts: Sequence[Host]) -> tuple[Sequence[CountingRelay], Sequence[Host]]:
    relays, relayed = [], []
    for host in hosts:
        assert host.ssh is not None  # noqa: S101  # all hosts of this benchmark are remote
        relay = CountingRelay(host.ssh.hostname, host.ssh.port)
        port = await relay.start()
        folder = Path(host.ssh.known_hosts).parent
        known_hosts = folder / "known_hosts_relay"
        known_hosts.write_text(f"[{host.ssh.hostname}]:{port} {public_key(folder / 'host_key')}\n")
        relays.append(relay)
        relayed.append(replace(host, ssh=replace(host.ssh, port=port, known_hosts=str(known_hosts))))
    return relays, relayed


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=float, default=5, help="size of each log before the first round")
    parser.add_argument("--kilobytes", type=float, default=50, help="what each log grows by per round")
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    new_bytes = int(arguments.kilobytes * 1000)
    with (
        fleets.running_fleet(arguments.hosts, int(arguments.megabytes * 1e6), new_bytes) as fleet,
        asyncio.Runner() as runner,
    ):
        bench = Bench(fleet, runner)
        bench.first_visits()
        rounds = [bench.round() for _ in range(arguments.rounds)]
        bench.close()
        wire = runner.run(wire_bytes_per_new_byte(fleet))
    return report(rounds, wire, vars(arguments) | {"logs_per_host": len(LOGS), "concurrent_hosts": CONCURRENT_HOSTS})


def report(rounds: Sequence[Round], wire: Mapping[str, float], parameters: Mapping[str, object]) -> int:
    """Print and write all figures; return the exit code."""
    seconds = {figure: fleets.spreads(rounds, figure) for figure in ("wall_s", "cpu_s")}
    times_less = {
        f"{peer} / {name}": {figure: fleets.ratios(rounds, figure, peer, name) for figure in ("wall_s", "cpu_s")}
        for peer in (PEER, PEER_EXEC)
        for name in (FRESH, KEPT)
    }
    print_tables(seconds, times_less)
    print(f"\nbytes over the wire per new byte: {wire[FRESH]:.3f}, on connections that are kept {wire[KEPT]:.3f}")
    judged = times_less[f"{PEER} / {FRESH}"]
    limits = [
        measure.Limit(f"wall, times less than {PEER}", judged["wall_s"]["median"], 8, is_ceiling=False),
        measure.Limit(f"client CPU, times less than {PEER}", judged["cpu_s"]["median"], 25, is_ceiling=False),
        measure.Limit("bytes over the wire per new byte", wire[FRESH], 1.10, is_ceiling=True),
    ]
    figures = {
        "note": "the servers run on the same cores as their clients; CPU is the clients' alone, all threads included",
        "seconds": seconds,
        "times_less": times_less,
        "wire_bytes_per_new_byte": wire,
        "rounds": fleets.rounded(rounds),
    }
    return measure.publish("collect", parameters, figures, limits)


def print_tables(seconds: Mapping[str, Mapping[str, Spread]], times_less: Mapping[str, Mapping[str, Spread]]) -> None:
    """Print the medians with their spread, and the ratios between the contenders."""
    for figure, title in (("wall_s", "wall seconds"), ("cpu_s", "client CPU seconds")):
        measure.print_head(f"{title}, one pass over all hosts")
        for name, values in seconds[figure].items():
            measure.print_row(name, values, 3)
        for name, by_figure in times_less.items():
            measure.print_row(name, by_figure[figure], 1)


if __name__ == "__main__":
    sys.exit(main())
