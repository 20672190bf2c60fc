"""How much memory the daemon takes with a fleet of hosts, and whether it grows: the RSS of `dthostmon run`.

    python bench/daemon_memory.py [--hosts 50] [--cycles 100] [--database sqlite|postgresql] [--all-probes]

The hosts are real sshds on loopback, ten hosts to a server, two logs each, which grow by twenty lines between cycles.
The cycles are those of the daemon's own scheduler, started by a signal instead of the clock (see driven_daemon.py).
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import measure
from log_lines import seeded, some_bytes, some_lines

from dthostmon.config.models import ALL_PROBES
from tests.fixtures.postgres import running_postgres
from tests.fixtures.program import Daemon, Program
from tests.fixtures.sshd import SshServer, start_sshd

HOSTS_PER_SERVER = 10
LOGS = ("syslog", "auth.log")
LINES_PER_LOG = 10
HISTORY_BYTES = 100_000  # more than the look-back, so that the first visit reads all that it may
CYCLE_SECONDS = 120.0
POLL_SECONDS = 0.05
SHOWN_CYCLES = (1, 10, 20, 50, 100)
MIB = 1024 * 1024
DRIVEN_DAEMON = Path(__file__).with_name("driven_daemon.py")

DRIVERS = {"sqlite": "sqlite3", "postgresql": "asyncpg"}

# What the daemon has imported once it has visited a remote host.
IMPORTS = """
import dthostmon.cli.run, dthostmon.app.daemon, dthostmon.transport.ssh, {driver}
print(open("/proc/self/status").read())
"""


@dataclass(slots=True)
class Fleet:
    """The logs of all hosts and what writes them."""

    logs: Sequence[Path]
    chance: random.Random

    def append(self) -> None:
        """Let every host log a few lines, one of them never seen before."""
        for log in self.logs:
            word = f"{self.chance.getrandbits(48):x}".translate(str.maketrans("0123456789", "ghijklmnop"))
            news = f"Jul 28 12:00:00 web1 app[7]: loaded the plugin {word} at last\n".encode()
            with log.open("ab") as file:
                file.write(some_lines(LINES_PER_LOG - 1, self.chance) + news)


@dataclass(frozen=True, slots=True)
class Sample:
    """The daemon's memory after a cycle, and how long the cycle took."""

    cycle: int
    rss_bytes: int
    seconds: float


@contextmanager
def running_fleet(program: Program, folder: Path, count: int) -> Iterator[Fleet]:
    """Run the servers and add their hosts to the program; all are stopped afterwards."""
    chance = seeded()
    logs: list[Path] = []
    with ExitStack() as stack:
        servers = [_started(stack, folder, number) for number in range(-(-count // HOSTS_PER_SERVER))]
        for number in range(count):
            server = servers[number // HOSTS_PER_SERVER]
            own = _make_logs(server.root / f"host{number}", chance)
            program.add_host(server, *own, name=f"host{number}")
            logs += own
        yield Fleet(logs, chance)


def _started(stack: ExitStack, folder: Path, number: int) -> SshServer:
    server = start_sshd(folder / f"sshd{number}", name=f"sshd{number}", address=f"127.0.0.{number + 11}")
    stack.callback(server.stop)
    return server


def _make_logs(folder: Path, chance: random.Random) -> list[Path]:
    folder.mkdir()
    logs = [folder / name for name in LOGS]
    for log in logs:
        log.write_bytes(some_bytes(HISTORY_BYTES, chance))
    return logs


@contextmanager
def running_daemon(program: Program) -> Iterator[Daemon]:
    """Run the daemon in the program's folder; it is stopped afterwards."""
    output, log = program.folder / "daemon.out", program.folder / "daemon.log"
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [*program.command, "run"],
            cwd=program.folder,
            env=environment(program),
            stdout=out,
            stderr=err,
        )
    daemon = Daemon(process, output, log)
    try:
        daemon.wait_until_ready()
        yield daemon
        daemon.terminate()
    finally:
        if process.poll() is None:
            daemon.kill()


def samples(daemon: Daemon, fleet: Fleet, hosts: int, cycles: int) -> Iterator[Sample]:
    """Drive the cycles; the first one starts by itself."""
    for cycle in range(1, cycles + 1):
        if cycle > 1:
            fleet.append()
            daemon.process.send_signal(signal.SIGUSR1)
        last = _wait_for_cycle(daemon, cycle)
        if last["ok"] != hosts:
            raise SystemExit(
                f"cycle {cycle}: {last['failed']} of {hosts} hosts failed\n{daemon.log.read_text()[-2000:]}"
            )
        yield Sample(cycle, resident_bytes(Path(f"/proc/{daemon.process.pid}/status").read_text()), last["duration_s"])


def _wait_for_cycle(daemon: Daemon, cycle: int) -> Mapping[str, float]:
    deadline = time.monotonic() + CYCLE_SECONDS
    while time.monotonic() < deadline and daemon.process.poll() is None:
        _, health = daemon.get("/health")
        if health["scheduler"]["cycles"] >= cycle:
            return health["scheduler"]["last_cycle"]
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"cycle {cycle} did not end:\n{daemon.log.read_text()[-2000:]}")


def resident_bytes(status: str) -> int:
    """Return VmRSS of a /proc/PID/status."""
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def import_only_bytes(program: Program, driver: str) -> int:
    """Return the RSS of a process that has imported what the daemon imports and does nothing."""
    command = [sys.executable, "-c", IMPORTS.format(driver=driver)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(program))
    return resident_bytes(done.stdout)


def environment(program: Program) -> dict[str, str]:
    """Return an environment in which modules come from their compiled files, as they do in an installation: to compile
    them leaves some megabytes behind.
    """
    kept = {name: value for name, value in program.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONUNBUFFERED": "1"}


def measure_daemon(hosts: int, cycles: int, database: str, probes: Sequence[str]) -> tuple[int, list[Sample]]:
    """Return the import-only RSS and a sample for each cycle."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
        program = Program(folder, command=(sys.executable, str(DRIVEN_DAEMON)))
        if database == "postgresql":
            program.database = stack.enter_context(running_postgres()).create_database()
        fleet = stack.enter_context(running_fleet(program, folder, hosts))
        program.configure(f"monitoring: {{interval: 7d}}\nprobes: [{', '.join(probes)}]")
        imported = import_only_bytes(program, DRIVERS[database])  # first, so that everything is compiled
        daemon = stack.enter_context(running_daemon(program))
        return imported, list(samples(daemon, fleet, hosts, cycles))


def judge(seen: Sequence[Sample]) -> list[measure.Limit]:
    """Hold the samples against the limits: the most it ever took from cycle 20 on, the range from cycle 10 on."""
    late = [sample.rss_bytes / MIB for sample in seen if sample.cycle >= 20]
    steady = [sample.rss_bytes / MIB for sample in seen if sample.cycle >= 10]
    return [
        measure.Limit("RSS from cycle 20 on, MiB", max(late, default=None), 100, is_ceiling=True),
        measure.Limit(
            "RSS from cycle 10 on, greatest - least, MiB",
            max(steady) - min(steady) if len(steady) > 1 else None,
            2,
            is_ceiling=True,
        ),
    ]


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--database", choices=tuple(DRIVERS), default="sqlite")
    parser.add_argument("--all-probes", action="store_true", help="instead of metrics alone")
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    imported, seen = measure_daemon(
        arguments.hosts, arguments.cycles, arguments.database, ALL_PROBES if arguments.all_probes else ("metrics",)
    )
    print(f"RSS after the imports alone: {imported / MIB:.1f} MiB")
    print(f"{'cycle':>6}{'RSS MiB':>10}{'seconds':>10}")
    for sample in seen:
        if sample.cycle in {*SHOWN_CYCLES, len(seen)}:
            print(f"{sample.cycle:>6}{sample.rss_bytes / MIB:>10.1f}{sample.seconds:>10.2f}")
    parameters = vars(arguments) | {"logs_per_host": len(LOGS), "lines_per_host_and_cycle": LINES_PER_LOG * len(LOGS)}
    figures = {
        "import_only_rss_mib": round(imported / MIB, 2),
        "cycle_seconds": measure.spread([sample.seconds for sample in seen]),
        "rss_mib_by_cycle": [round(sample.rss_bytes / MIB, 2) for sample in seen],
    }
    name = "daemon_memory" if arguments.database == "sqlite" else f"daemon_memory_{arguments.database}"
    name += "_all_probes" if arguments.all_probes else ""
    return measure.publish(name, parameters, figures, judge(seen))


if __name__ == "__main__":
    sys.exit(main())
