"""What it costs to ask a host what is on it: on the host, on the way back, and in the database.

    python bench/facts.py [--visits 10] [--rounds 3] [--checks 200] [--packages 2000]

A host of a usual size (made_host.py): 2,000 packages in dpkg's database, a hundred units of a real systemd. It is
visited over a real sshd, by root and by a user of the groups adm and systemd-journal. All contenders take turns.

Host CPU is that of the sshd, its sessions, all that these start, and process 1. A visit asks for all default probes;
a first one knows nothing, and an unchanged one has the marks of the visit before. Client CPU is told for an unchanged
visit with the transport, and without it: what the host answered is answered again from memory. Then whole checks
without a line to read, and what they add to a SQLite database, with all probes and with metrics alone.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import measure
from made_host import USER, MadeHost, running_host

from dthostmon import facts
from dthostmon.app.parts import make_parts
from dthostmon.config.models import ALL_PROBES, DEFAULT_FILES
from dthostmon.cycle import check_host
from dthostmon.errors import FileUnreadableError
from dthostmon.model import Facts, Host, Run
from dthostmon.store import open_store
from dthostmon.transport import CommandOutput, Connections, Files, Limits, Session, Shell, connect
from tests.fixtures.sshd import make_host

EMPTY, BASE, UNCHANGED, FIRST = "an exec of nothing", "no probe", "all probes, unchanged", "all probes, first visit"
WHO = {"root": "root", USER: "a user of adm"}
FIRST_VISITS = 3
MS = 1000
CHECK_BATCHES = 3
ALL = "all probes"
SETS: Mapping[str, tuple[str, ...]] = {ALL: ALL_PROBES, "metrics alone": ("metrics",)}

Visiting = Callable[[Host], AbstractAsyncContextManager[Session]]
Call = Callable[[], Awaitable[Facts | Mapping[str, CommandOutput]]]


@dataclass(slots=True)
class Costs:
    """What visits of one kind took, in milliseconds a visit; `wall` has a value for each visit, the others for each
    round. `told` names the probes that said that something had changed.
    """

    host: list[float] = field(default_factory=list)
    first_process: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    def figures(self) -> dict[str, object]:
        """Return them as they go into a file."""
        return {
            "host_cpu_ms": measure.spread(self.host),
            "of_process_1_ms": measure.spread(self.first_process),
            "client_cpu_ms": measure.spread(self.client),
            "wall_ms": measure.spread(self.wall),
        }


async def timed(made: MadeHost, call: Call, visits: int, costs: Costs) -> None:
    """Visit some times, and add what it cost."""
    host, first_process, client = made.cpu_seconds(), made.first_process_cpu_seconds(), time.process_time()
    for _ in range(visits):
        begin = time.perf_counter()
        found = await call()
        costs.wall.append((time.perf_counter() - begin) * MS)
        costs.told |= set(found.inventories) if isinstance(found, Facts) else set()
    costs.client.append((time.process_time() - client) * MS / visits)
    costs.first_process.append((made.first_process_cpu_seconds() - first_process) * MS / visits)
    costs.host.append((made.cpu_seconds() - host) * MS / visits)


def shell_of(session: Session) -> Shell:
    """Return the shell that every host of this benchmark has."""
    if session.shell is None:
        raise SystemExit("the made host gives no shell")
    return session.shell


async def visits_of(made: MadeHost, session: Session, visits: int, rounds: int, each: bool) -> dict[str, Costs]:
    """Let all kinds of visits take turns over one connection; `each` probe by itself too."""
    known = await facts.gather(session, facts.Wanted(ALL_PROBES, DEFAULT_FILES))
    wanted = facts.Wanted((), DEFAULT_FILES, known.metrics.cpu_times if known.metrics else None, known.marks)

    def visit(*probes: str) -> Call:
        return lambda: facts.gather(session, replace(wanted, probes=probes))

    shell = shell_of(session)
    calls: dict[str, Call] = {EMPTY: lambda: shell.run({"nothing": ":"}), BASE: visit(), UNCHANGED: visit(*ALL_PROBES)}
    calls |= {probe: visit(probe) for probe in ALL_PROBES if each}
    seen: defaultdict[str, Costs] = defaultdict(Costs)
    for _ in range(rounds):
        for name, call in calls.items():
            await timed(made, call, visits, seen[name])
    first = facts.Wanted(ALL_PROBES, DEFAULT_FILES)
    await timed(made, lambda: facts.gather(session, first), FIRST_VISITS, seen[FIRST])
    return seen


class Memory:
    """What a host answered, by what it was asked."""

    def __init__(self) -> None:
        self._answers: dict[object, Any] = {}
        self.is_recording = True

    async def answer(self, key: object, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Answer as before, or ask and keep the answer."""
        if self.is_recording:
            try:
                self._answers[key] = await ask()
            except FileUnreadableError as error:
                self._answers[key] = error
        if isinstance(answer := self._answers[key], FileUnreadableError):
            raise answer
        return answer


@dataclass(frozen=True, slots=True)
class RememberedShell:
    """See `Shell`."""

    memory: Memory
    shell: Shell

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:
        """See `Shell`."""
        found: Mapping[str, CommandOutput] = await self.memory.answer(
            tuple(commands), lambda: self.shell.run(commands, limits)
        )
        return found


@dataclass(frozen=True, slots=True)
class RememberedFiles:
    """See `Files`."""

    memory: Memory
    files: Files

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return a method of `Files` that answers from memory."""
        return lambda *words: self.memory.answer((name, words), lambda: getattr(self.files, name)(*words))


class RememberedSession:
    """A session that answers as another did: what takes time is on this end of the way."""

    def __init__(self, session: Session) -> None:
        self.memory = Memory()
        self.shell = RememberedShell(self.memory, shell_of(session))
        self.files = RememberedFiles(self.memory, session.files)
        self.client_address = session.client_address
        self.key_fingerprints = session.key_fingerprints


async def client_seconds_without_transport(session: Session, visits: int) -> list[float]:
    """Return the CPU seconds of unchanged visits whose answers come from memory."""
    known = await facts.gather(session, facts.Wanted(ALL_PROBES, DEFAULT_FILES))
    times = known.metrics.cpu_times if known.metrics else None
    remembered = RememberedSession(session)
    wanted = facts.Wanted(ALL_PROBES, DEFAULT_FILES, times, known.marks)
    seconds = []
    for _ in range(visits):
        begin = time.process_time()
        await facts.gather(remembered, wanted)  # type: ignore[arg-type]  # its methods are made when they are called
        seconds.append(time.process_time() - begin)
        remembered.memory.is_recording = False
    return seconds[1:]


@asynccontextmanager
async def checks_of(host: Host, folder: Path, visit: Visiting) -> AsyncIterator[Callable[[], Awaitable[Run]]]:
    """Return what checks a host that was visited before, with a store of its own."""
    store = await open_store(f"sqlite:///{folder}/{'-'.join(host.probes)[:20]}-{host.name}.db")
    try:
        parts = replace(make_parts(store, Connections(keep_up_to=0)), visit=visit)
        await check_host(host, parts)
        await check_host(host, parts)
        yield lambda: check_host(host, parts)
    finally:
        await store.close()


async def check_seconds(hosts: Sequence[Host], folder: Path, session: Session, checks: int) -> list[list[float]]:
    """Return the CPU seconds of whole checks of each host, in turn, in batches."""

    @asynccontextmanager
    async def visit(_: Host) -> AsyncIterator[Session]:
        yield session

    seconds: list[list[float]] = [[] for _ in hosts]
    async with AsyncExitStack() as stack:
        contenders = [await stack.enter_async_context(checks_of(host, folder, visit)) for host in hosts]
        for _ in range(CHECK_BATCHES):
            for check, seen in zip(contenders, seconds, strict=True):
                begin = time.process_time()
                for _ in range(checks):
                    await check()
                seen.append((time.process_time() - begin) / checks)
    return seconds


async def stored_bytes(host: Host, folder: Path, session: Session, checks: int) -> float:
    """Return the bytes that a database grows by with each unchanged visit."""
    remembered = RememberedSession(session)

    @asynccontextmanager
    async def visit(_: Host) -> AsyncIterator[Session]:
        yield remembered  # type: ignore[misc]  # see above

    (folder / "stored").mkdir(exist_ok=True)
    async with checks_of(host, folder / "stored", visit) as check:
        remembered.memory.is_recording = False
        await check()
        before = database_bytes(folder / "stored")
        for _ in range(checks):
            await check()
        grown = database_bytes(folder / "stored") - before
    for database in (folder / "stored").iterdir():
        database.unlink()
    return grown / checks


def database_bytes(folder: Path) -> int:
    """Return the size of the one database in a folder, with what is still in its log."""
    [path] = folder.glob("*.db")
    with closing(sqlite3.connect(path)) as database:
        ((pages,),) = database.execute("PRAGMA page_count")
        ((size,),) = database.execute("PRAGMA page_size")
    return int(pages) * int(size)


@dataclass(slots=True)
class Figures:
    """All that was measured. `visits` are by account and kind; the others belong to root's."""

    visits: dict[str, dict[str, Costs]] = field(default_factory=dict)
    gathering_ms: list[float] = field(default_factory=list)
    checks_ms: dict[str, list[float]] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)


async def measured(made: MadeHost, folder: Path, arguments: argparse.Namespace) -> Figures:
    """Measure all of it."""
    figures = Figures()
    for user, server in made.servers.items():
        session = await connect(make_host(server))
        visiting = (made, session, arguments.visits, arguments.rounds)
        figures.visits[user] = await visits_of(*visiting, each=user == "root")
        if user == "root":
            seconds = await client_seconds_without_transport(session, 10 * arguments.visits)
            figures.gathering_ms = [second * MS for second in seconds]
            hosts = [replace(make_host(server), probes=probes, files=DEFAULT_FILES) for probes in SETS.values()]
            checks = await check_seconds(hosts, folder, session, arguments.visits)
            figures.checks_ms = dict(zip(SETS, [[one * MS for one in each] for each in checks], strict=True))
            figures.stored = {
                name: await stored_bytes(host, folder, session, arguments.checks)
                for name, host in zip(SETS, hosts, strict=True)
            }
        await session.close()
    return figures


def limits_of(figures: Figures) -> list[measure.Limit]:
    """Hold the figures against their limits; root's visits are asked for more than others'."""
    visits = [
        limit
        for user, seen in figures.visits.items()
        for limit in (
            measure.Limit(
                f"host CPU ms, unchanged, {WHO[user]}", statistics.median(seen[UNCHANGED].host), 60, is_ceiling=True
            ),
            measure.Limit(f"ms on the host, unchanged, {WHO[user]}", max(seen[UNCHANGED].wall), 1500, is_ceiling=True),
            measure.Limit(
                f"probes that told a change of none, {WHO[user]}", len(seen[UNCHANGED].told), 0, is_ceiling=True
            ),
        )
    ]
    return [
        *visits,
        measure.Limit(
            "client CPU ms, parse and compare, unchanged", statistics.median(figures.gathering_ms), 5, is_ceiling=True
        ),
        measure.Limit("bytes stored per unchanged visit", figures.stored[ALL], 1024, is_ceiling=True),
    ]


def print_tables(figures: Figures) -> None:
    """Print medians with their spread."""
    for user, seen in figures.visits.items():
        measure.print_head(f"host CPU ms of a visit by {WHO[user]}")
        base = statistics.median(seen[BASE].host)
        for name, costs in seen.items():
            above = f"{name}, above no probe" if name in ALL_PROBES else name
            values = [value - base for value in costs.host] if name in ALL_PROBES else costs.host
            measure.print_row(above, measure.spread(values), 1)
        measure.print_head(f"wall ms of a visit by {WHO[user]}")
        for name in (EMPTY, UNCHANGED, FIRST):
            measure.print_row(name, measure.spread(seen[name].wall), 1)
    measure.print_head("client CPU ms, unchanged")
    measure.print_row("an exec of nothing", measure.spread(figures.visits["root"][EMPTY].client), 2)
    measure.print_row("a visit with all probes", measure.spread(figures.visits["root"][UNCHANGED].client), 2)
    measure.print_row("of that without the transport", measure.spread(figures.gathering_ms), 2)
    for name, values in figures.checks_ms.items():
        measure.print_row(f"a whole check without lines, {name}", measure.spread(values), 2)
    for name, stored in figures.stored.items():
        print(f"{f'bytes stored per unchanged visit, {name}':<54}{stored:>9.0f}")


def main() -> int:
    """Measure, print tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=10, help="of each kind in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--checks", type=int, default=200, help="whose growth of the database is measured")
    parser.add_argument("--packages", type=int, default=2000)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    with tempfile.TemporaryDirectory(prefix="dthostmon-bench-") as name:
        folder = Path(name)
        with running_host(folder, arguments.packages) as made:
            figures = asyncio.run(measured(made, folder, arguments))
    print_tables(figures)
    document = {
        "visits": {
            WHO[user]: {kind: costs.figures() for kind, costs in seen.items()} for user, seen in figures.visits.items()
        },
        "client_cpu_ms_without_transport": measure.spread(figures.gathering_ms),
        "client_cpu_ms_of_a_check": {name: measure.spread(values) for name, values in figures.checks_ms.items()},
        "bytes_stored_per_visit": figures.stored,
    }
    return measure.publish("facts", vars(arguments) | {"probes": len(ALL_PROBES)}, document, limits_of(figures))


if __name__ == "__main__":
    sys.exit(main())
