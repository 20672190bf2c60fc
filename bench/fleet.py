"""A fleet of real sshds whose logs grow, and dthostmon's own visits to it: what the benchmarks of collection share."""

import asyncio
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import measure
from log_lines import seeded, some_bytes

from dthostmon.logs import read_new
from dthostmon.model import Host, HostState
from dthostmon.transport import Session, connect
from tests.fixtures.sshd import SshServer, descendants, make_host, start_sshd

LOGS = ("syslog", "auth.log", "daemon.log")
CONCURRENT_HOSTS = 50
NANOSECONDS = 1e9

Arrivals = Mapping[str, bytes]
Read = Callable[[Sequence[Host]], Arrivals]
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
    servers: Sequence[SshServer]
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

    def session_cpu_seconds(self) -> dict[int, float]:
        """Return what each process of the servers' sessions has computed so far, by its id."""
        pids = [pid for server in self.servers for pid in descendants(server.pid)]
        return {pid: cpu_seconds_of([pid]) for pid in pids}


@contextmanager
def running_fleet(count: int, log_bytes: int, new_bytes: int) -> Iterator[Fleet]:
    """Run the servers, with logs of `log_bytes` each; all are stopped and their files gone afterwards."""
    chance = seeded()
    history = some_bytes(log_bytes, chance)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
        servers, hosts = [], []
        for number in range(1, count + 1):
            server = start_sshd(folder / f"host{number}", name=f"host{number}", address=f"127.0.0.{number + 10}")
            stack.callback(server.stop)
            logs = [server.root / name for name in LOGS]
            for log in logs:
                log.write_bytes(history)
            servers.append(server)
            hosts.append(make_host(server, logs=[str(log) for log in logs]))
        yield Fleet(hosts, servers, some_bytes(new_bytes, chance))


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
            tasks = [group.create_task(self.visit(host)) for host in hosts]
        return {path: new for task in tasks for path, new in task.result().items()}

    async def close(self) -> None:
        """Close the connections that were kept."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        self._sessions.clear()

    async def visit(self, host: Host) -> Arrivals:
        """Visit one host; return what is new by path."""
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
        reading = await read_new(session, host.logs, state, host.look_back)
        cursors = {log.path: log.cursor for log in reading.logs if log.cursor}
        self._states[host.name] = HostState(cursors, reading.patterns)
        return {log.path: log.data for log in reading.logs}


def timed(name: str, read: Read, fleet: Fleet, arrived: Arrivals, others: Callable[[], float] = float) -> Cost:
    """Time one pass, which must come back with exactly what arrived.

    `others` returns the CPU seconds of processes that work for the contender and outlive the pass.
    """
    wall, cpu = time.perf_counter(), own_cpu_seconds() + others()
    seen = read(fleet.hosts)
    cost = Cost(time.perf_counter() - wall, own_cpu_seconds() + others() - cpu)
    require_same(name, seen, arrived)
    return cost


def own_cpu_seconds() -> float:
    """Return the CPU time of this process, all threads included, and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cpu_seconds_of(pids: Sequence[int]) -> float:
    """Return the CPU time of processes that run; 0 for one that has ended."""
    return sum(map(_cpu_seconds, pids))


def _cpu_seconds(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / NANOSECONDS
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def require_same(name: str, seen: Arrivals, arrived: Arrivals) -> None:
    """End the benchmark where a contender did not read what was appended: its time would mean nothing."""
    wrong = [path for path, new in arrived.items() if seen.get(path) != new]
    if wrong or len(seen) != len(arrived):
        raise SystemExit(f"{name} did not read exactly what was appended: {len(wrong)} of {len(arrived)} logs differ")


def spreads(rounds: Sequence[Round], figure: str) -> dict[str, Spread]:
    """Return the spread of one figure for each contender."""
    return {name: measure.spread([getattr(costs[name], figure) for costs in rounds]) for name in rounds[0]}


def ratios(rounds: Sequence[Round], figure: str, peer: str, name: str) -> Spread:
    """Return how many times less than the peer `name` took, from the rounds' own ratios."""
    return measure.spread([getattr(costs[peer], figure) / getattr(costs[name], figure) for costs in rounds])


def rounded(rounds: Sequence[Round]) -> list[dict[str, dict[str, float]]]:
    """Return the costs of all rounds as they go into a file."""
    return [
        {
            name: {key: round(value, measure.DIGITS) for key, value in asdict(cost).items()}
            for name, cost in costs.items()
        }
        for costs in rounds
    ]
