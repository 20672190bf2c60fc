"""What one pass over the logs of a fleet costs, against a reader that fetches whole files, in one interleaved run.

    python bench/collect.py [--hosts 20] [--rounds 7] [--megabytes 5] [--kilobytes 50]

Real sshds on loopback, three logs each. Before every round lines are appended to all logs; then each contender visits
all hosts in turn and must come back with exactly those lines. The servers run on the same cores as their clients, so
wall time is shared with them; CPU time is that of this process alone, all threads included.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import measure
from log_lines import seeded, some_bytes
from paramiko_reader import WholeFileReader, fetch_over_exec, fetch_over_sftp
from relay import CountingRelay

from dthostmon.logs import Caps, read_files
from dthostmon.model import Host, HostState
from dthostmon.transport import Session, connect
from tests.fixtures.sshd import make_host, public_key, start_sshd

LOGS = ("syslog", "auth.log", "daemon.log")
CONCURRENT_HOSTS = 50
FRESH, KEPT = "dthostmon", "dthostmon, connections kept"
# The limits are held against the peer over SFTP: the subsystem, the rights and the absence of a shell are those of
# dthostmon itself. The one over exec needs a shell on the host and is tuned past paramiko's own interfaces; it is
# shown beside it because it costs less.
PEER, PEER_EXEC = "whole files, SFTP", "whole files, exec cat"

Arrivals = Mapping[str, bytes]
Spread = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one pass over all hosts took."""

    wall_s: float
    cpu_s: float


Round = Mapping[str, Cost]


@dataclass(slots=True)
class Fleet:
    """The hosts, and the only writer of their logs."""

    hosts: Sequence[Host]
    block: bytes
    rounds: int = 0

    def append(self) -> Arrivals:
        """Append new lines to every log; return them by path, no two alike."""
        self.rounds += 1
        arrived: dict[str, bytes] = {}
        for path in (path for host in self.hosts for path in host.logs):
            arrived[path] = f"round {self.rounds} of {path}\n".encode() + self.block
            with Path(path).open("ab") as log:
                log.write(arrived[path])
        return arrived


@dataclass(slots=True)
class Visits:
    """dthostmon's own reading: cursors kept from pass to pass, connections only where `keep` says so."""

    keep: bool
    _states: dict[str, HostState] = field(default_factory=dict)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_HOSTS))

    async def read(self, hosts: Sequence[Host]) -> Arrivals:
        """Visit all hosts; return what is new by path."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._visit(host)) for host in hosts]
        return {path: new for task in tasks for path, new in task.result().items()}

    async def close(self) -> None:
        """Close the connections that were kept."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        self._sessions.clear()

    async def _visit(self, host: Host) -> Arrivals:
        async with self._slots:
            session = self._sessions.pop(host.name, None) or await connect(host)
            try:
                return await self._read(host, session)
            finally:
                if self.keep:
                    self._sessions[host.name] = session
                else:
                    await session.close()

    async def _read(self, host: Host, session: Session) -> Arrivals:
        state = self._states.get(host.name, HostState({}, frozenset()))
        reading = await read_files(session.files, host.logs, state, host.look_back, Caps())
        cursors = {log.path: log.cursor for log in reading.logs if log.cursor}
        self._states[host.name] = HostState(cursors, reading.patterns)
        return {log.path: log.data for log in reading.logs}


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
    def contenders(self) -> Mapping[str, Callable[[Sequence[Host]], Arrivals]]:
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
        return {name: self._timed(name, read, arrived) for name, read in self.contenders.items()}

    def close(self) -> None:
        """Close what was kept open."""
        self.runner.run(self.kept.close())

    def _timed(self, name: str, read: Callable[[Sequence[Host]], Arrivals], arrived: Arrivals) -> Cost:
        wall, cpu = time.perf_counter(), _own_cpu_seconds()
        seen = read(self.fleet.hosts)
        cost = Cost(time.perf_counter() - wall, _own_cpu_seconds() - cpu)
        _require_same(name, seen, arrived)
        return cost


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _require_same(name: str, seen: Arrivals, arrived: Arrivals) -> None:
    wrong = [path for path, new in arrived.items() if seen.get(path) != new]
    if wrong or len(seen) != len(arrived):
        raise SystemExit(f"{name} did not read exactly what was appended: {len(wrong)} of {len(arrived)} logs differ")


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
    _require_same("the counted pass", await visits.read(hosts), arrived)
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


@contextmanager
def running_fleet(count: int, log_bytes: int, new_bytes: int) -> Iterator[Fleet]:
    """Run the servers, with logs of `log_bytes` each; all are stopped and their files gone afterwards."""
    chance = seeded()
    history = some_bytes(log_bytes, chance)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
        hosts = []
        for number in range(1, count + 1):
            server = start_sshd(folder / f"host{number}", name=f"host{number}", address=f"127.0.0.{number + 10}")
            stack.callback(server.stop)
            logs = [server.root / name for name in LOGS]
            for log in logs:
                log.write_bytes(history)
            hosts.append(make_host(server, logs=[str(log) for log in logs]))
        yield Fleet(hosts, some_bytes(new_bytes, chance))


def spreads(rounds: Sequence[Round], figure: str) -> dict[str, Spread]:
    """Return the spread of one figure for each contender."""
    return {name: measure.spread([getattr(costs[name], figure) for costs in rounds]) for name in rounds[0]}


def ratios(rounds: Sequence[Round], figure: str, peer: str, name: str) -> Spread:
    """Return how many times less than the peer `name` took, from the rounds' own ratios."""
    return measure.spread([getattr(costs[peer], figure) / getattr(costs[name], figure) for costs in rounds])


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
    with running_fleet(arguments.hosts, int(arguments.megabytes * 1e6), new_bytes) as fleet, asyncio.Runner() as runner:
        bench = Bench(fleet, runner)
        bench.first_visits()
        rounds = [bench.round() for _ in range(arguments.rounds)]
        bench.close()
        wire = runner.run(wire_bytes_per_new_byte(fleet))
    return report(rounds, wire, vars(arguments) | {"logs_per_host": len(LOGS), "concurrent_hosts": CONCURRENT_HOSTS})


def report(rounds: Sequence[Round], wire: Mapping[str, float], parameters: Mapping[str, object]) -> int:
    """Print and write all figures; return the exit code."""
    seconds = {figure: spreads(rounds, figure) for figure in ("wall_s", "cpu_s")}
    times_less = {
        f"{peer} / {name}": {figure: ratios(rounds, figure, peer, name) for figure in ("wall_s", "cpu_s")}
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
        "rounds": [{name: _rounded(cost) for name, cost in costs.items()} for costs in rounds],
    }
    return measure.publish("collect", parameters, figures, limits)


def print_tables(seconds: Mapping[str, Mapping[str, Spread]], times_less: Mapping[str, Mapping[str, Spread]]) -> None:
    """Print the medians with their spread, and the ratios between the contenders."""
    for figure, title in (("wall_s", "wall seconds"), ("cpu_s", "client CPU seconds")):
        print(f"\n{title + ', one pass over all hosts':<54}{'median':>9}{'min':>9}{'max':>9}")
        for name, values in seconds[figure].items():
            print(_row(name, values, 3))
        for name, by_figure in times_less.items():
            print(_row(name, by_figure[figure], 1))


def _row(name: str, values: Spread, digits: int) -> str:
    return f"{name:<54}" + "".join(f"{values[key]:>9.{digits}f}" for key in ("median", "min", "max"))


def _rounded(cost: Cost) -> dict[str, float]:
    return {name: round(value, measure.DIGITS) for name, value in asdict(cost).items()}


if __name__ == "__main__":
    sys.exit(main())
