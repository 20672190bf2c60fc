"""What asking a model costs beyond a check that asks nobody: CPU time of a host, and memory of the daemon.

    python bench/judging.py [--hosts 50] [--rounds 7] [--daemon-rounds 3] [--cycles 3]

CPU: the same checks of the same logs, in turn with a model and without, in one process with a store for each. All that
is ours counts: gate, evidence, key of the cache, redaction, prompt, client, parsing, combination, storing. Every host
is asked about at each check: what is new in its log is new to the cache as well.

Memory: `dthostmon run` with a provider and without, in turn, each in a process of its own with a database of its own,
driven as by daemon_memory.py. All hosts are asked about in each cycle.

The provider is a stand-in in a process of its own (answers.py).
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import daemon_memory
import measure
from answers import answering
from log_lines import seeded, some_lines

from dthostmon.cycle import HostChecks
from dthostmon.judge.providers.http import make_session
from dthostmon.judge.question import Provider
from dthostmon.model import Host
from dthostmon.store import Store, open_store
from tests.fixtures.asking import configured, make_provider
from tests.fixtures.program import Program
from tests.fixtures.stand_in import KEY
from tests.integration.judge_checks import make_checks, make_host

WITH, WITHOUT = "with a model", "without"
TRY_SECONDS = 30.0
DAILY_TOKENS = 10**9
LINES = 20
FAILED = "Jul 28 12:00:00 web1 sshd[7]: Failed password for {word} from 203.0.113.9 port 4000 ssh2\n"
MAX_MS = 10.0
MAX_MIB = 3.0
MS = 1000


@dataclass(frozen=True, slots=True)
class Contender:
    """Checks with a store of their own."""

    name: str
    checks: HostChecks
    is_asking: bool

    async def cpu_seconds(self, hosts: Sequence[Host]) -> float:
        """Check all hosts; return the CPU time that it took. Ends the benchmark where not all were asked about."""
        begin = time.process_time()
        runs = await asyncio.gather(*map(self.checks.check, hosts))
        took = time.process_time() - begin
        wrong = [run for run in runs if run.error or run.judged_by.startswith("rules+") is not self.is_asking]
        if wrong:
            raise SystemExit(
                f"{self.name}: {len(wrong)} hosts went wrong, one by {wrong[0].judged_by}: {wrong[0].error}"
            )
        return took


def make_contenders(stores: Sequence[Store], provider: Provider) -> tuple[Contender, Contender]:
    """Return the checks that ask the provider and those that ask nobody."""
    asking, silent = (make_checks(store, [provider], DAILY_TOKENS) for store in stores)
    silent.parts = replace(silent.parts, assessor=None)
    return Contender(WITH, asking, is_asking=True), Contender(WITHOUT, silent, is_asking=False)


def write_news(host: Host, chance: random.Random) -> None:
    """Let a host's log grow by lines that make it worth asking, and that no other host has."""
    news = FAILED.format(word=f"user{chance.getrandbits(48)}").encode()
    with Path(host.logs[0]).open("ab") as log:
        log.write(some_lines(LINES, chance) + news)


async def measure_cpu(url: str, hosts: Sequence[Host], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds of a host, round by round; the first round warms up and does not count."""
    chance = seeded()
    stores = [await open_store(f"sqlite:///{folder}/{number}.db") for number in range(2)]
    seen: dict[str, list[float]] = {WITH: [], WITHOUT: []}
    try:
        async with make_session() as session:
            contenders = make_contenders(stores, make_provider(configured("openai", url), session, TRY_SECONDS))
            for number in range(rounds + 1):
                for host in hosts:
                    write_news(host, chance)
                for one in contenders if number % 2 else contenders[::-1]:
                    seen[one.name].append(await one.cpu_seconds(hosts) * MS / len(hosts))
    finally:
        for store in stores:
            await store.close()
    return {name: values[1:] for name, values in seen.items()}


def measure_daemon(folder: Path, hosts: int, cycles: int, settings: str) -> float:
    """Return the RSS in MiB of a daemon after some cycles."""
    folder.mkdir()
    program = Program(folder, command=(sys.executable, str(daemon_memory.DRIVEN_DAEMON)))
    logs = [folder / f"{number}.log" for number in range(hosts)]
    fleet = daemon_memory.Fleet(logs, seeded())
    fleet.append()
    for number, log in enumerate(logs):
        program.add_this_machine(log, name=f"host{number}")
    program.configure(f"monitoring: {{interval: 7d}}\nprobes: []\n{settings}")
    with daemon_memory.running_daemon(program) as daemon:
        *_, last = daemon_memory.samples(daemon, fleet, hosts, cycles)
    with closing(sqlite3.connect(folder / "dthostmon.db")) as database:
        ((asked,),) = database.execute("SELECT count(*) FROM runs WHERE judged_by LIKE 'rules+%'")
    if (asked < hosts) if settings else asked:  # some visits find nothing to ask about
        raise SystemExit(f"a model was asked in {asked} of {hosts * cycles} runs")
    return last.rss_bytes / daemon_memory.MIB


def measure_memory(url: str, folder: Path, hosts: int, cycles: int, rounds: int) -> dict[str, list[float]]:
    """Return the RSS of daemons with the provider and without it, round by round."""
    provider = f'{{name: grok, type: openai, url: "{url}", model: grok-4, api_key: "{KEY}"}}'
    asking = f"ai: {{daily_tokens: {DAILY_TOKENS}, providers: [{provider}]}}"
    settings = {WITH: asking, WITHOUT: ""}
    seen: dict[str, list[float]] = {name: [] for name in settings}
    for number in range(rounds):
        for name in settings if number % 2 else reversed(settings):
            place = folder / f"{number} {name}".replace(" ", "-")
            seen[name].append(measure_daemon(place, hosts, cycles, settings[name]))
    return seen


def differences(seen: dict[str, list[float]]) -> list[float]:
    """Return how much more each round took with a model than without."""
    return [one - other for one, other in zip(seen[WITH], seen[WITHOUT], strict=True)]


def main() -> int:
    """Measure, print tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--daemon-rounds", type=int, default=5)
    parser.add_argument("--cycles", type=int, default=3)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
        url = stack.enter_context(answering())
        hosts = [make_host(f"web{number}", folder / f"{number}.log") for number in range(arguments.hosts)]
        cpu = asyncio.run(measure_cpu(url, hosts, folder, arguments.rounds))
        rss = measure_memory(url, folder, arguments.hosts, arguments.cycles, arguments.daemon_rounds)
    figures = {"cpu_ms_per_host": report("CPU ms of a host", cpu), "rss_mib": report("RSS of the daemon, MiB", rss)}
    limits = [
        measure.Limit("CPU ms that an asked host adds", statistics.median(differences(cpu)), MAX_MS, is_ceiling=True),
        measure.Limit("RSS that the judge adds, MiB", statistics.median(differences(rss)), MAX_MIB, is_ceiling=True),
    ]
    return measure.publish("judging", vars(arguments) | {"new_lines": LINES + 1}, figures, limits)


def report(title: str, seen: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Print a table; return its rows."""
    found = {name: measure.spread(values) for name, values in (*seen.items(), ("added", differences(seen)))}
    measure.print_head(title)
    for name, values in found.items():
        measure.print_row(name, values, 2)
    return found


if __name__ == "__main__":
    sys.exit(main())
