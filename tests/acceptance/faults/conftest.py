"""Cycles over a host that is in trouble and one that is not: what a fault does to the run, the cursor and the rest."""

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from dthostmon import rules
from dthostmon.cycle import HostChecks, Parts, run_cycle
from dthostmon.errors import ErrorKind
from dthostmon.model import Cursor, Cycle, Host, Run, RunStatus
from dthostmon.store import Store, open_store, upgrade
from dthostmon.transport import Session, connect
from dthostmon.transport.framing import Limits
from tests.fixtures.chaos import ChaosRelay
from tests.fixtures.hostile import HostileFiles, HostileHost, HostileShell, hostile_host
from tests.fixtures.sshd import SshServer, make_host, make_local_host, public_key

RULES = rules.load_packs([rules.builtin_folder()])
TROUBLED, BYSTANDER = "troubled", "bystander"

ATTACK_SECONDS = 2.0
MOST_BYTES = 64 * 2**20  # what one visit lets a host send: its caps, what is on the way, and protocol around it
MOST_MEMORY = 160  # MiB, of which a part is the attacker's own


class Log:
    """A log and every byte that was ever written to it, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def append(self, count: int = 10) -> bytes:
        """Write so many lines, each of them unique; return them."""
        start = self.written.count(b"\n")
        return self.add(b"".join(b"line %06d of %d more\n" % (number, count) for number in range(start, start + count)))

    def add(self, data: bytes) -> bytes:
        """Write these bytes."""
        with self.path.open("ab") as file:
            file.write(data)
        self.written += data
        return data

    def rename(self) -> None:
        """Rotate as logrotate does with `create`: .1 becomes .2, the log becomes .1, a new one is made."""
        first, second = Path(f"{self.path}.1"), Path(f"{self.path}.2")
        if first.exists():
            first.rename(second)
        self.path.rename(first)
        self.path.touch()


@dataclass
class Watch:
    """The troubled host and the bystander, their database, and the cycles over both."""

    store: Store
    host: Host
    bystander: Log
    connect: Callable[[Host], Awaitable[Session]] = connect
    checks: HostChecks = field(init=False)

    def __post_init__(self) -> None:
        nonce = partial(secrets.token_hex, 4)
        parts = Parts(self.store, self._visit, RULES, lambda: datetime.now(UTC), time.monotonic, nonce)
        self.checks = HostChecks(parts, limit=50)

    @asynccontextmanager
    async def _visit(self, host: Host) -> AsyncIterator[Session]:
        session = await self.connect(host)  # a test may change it between two cycles
        try:
            yield session
        finally:
            await session.close()

    async def cycle(self, *more: Host) -> Cycle:
        """Check the troubled host, the bystander and perhaps more at once; the bystander must be well."""
        self.bystander.append(1)
        well = replace(make_local_host(BYSTANDER, logs=[str(self.bystander.path)]), probes=())
        cycle = await run_cycle([self.host, well, *more], self.checks)
        run = cycle.runs[1]
        assert (run.status, run.error) == (RunStatus.OK, None)
        assert await self.stored(BYSTANDER) == self.bystander.written
        return cycle

    async def run(self, *, patient: bool = False) -> Run:
        """Do one cycle; return the run of the troubled host, which may have all the time it wants."""
        impatient = self.host
        if patient:
            ssh = replace(impatient.ssh, connect_timeout=20.0) if impatient.ssh else None
            self.host = replace(impatient, ssh=ssh, timeout=60.0)
        try:
            return (await self.cycle()).runs[0]
        finally:
            self.host = impatient

    async def ok(self) -> Run:
        """Do one cycle in which the troubled host is well too, however busy this machine is; its ledger adds up."""
        run = await self.run(patient=True)
        assert (run.status, run.error) == (RunStatus.OK, None)
        assert all(log.bytes_unexplained == 0 for log in run.logs)
        return run

    async def failed(self, *kinds: ErrorKind) -> Run:
        """Do one cycle in which the troubled host fails in one of these ways, and its cursors stay as they were."""
        cursors, stored = await self.cursors(), await self.stored()
        run = await self.run()
        assert (run.status, run.score) == (RunStatus.FAILED, None)
        assert run.error_kind in kinds, run.error
        assert run.error is not None
        assert run.error.isprintable()
        assert (await self.cursors(), await self.stored()) == (cursors, stored)
        return run

    async def stored(self, host: str = TROUBLED) -> bytes:
        """Return all bytes that were read of a host's logs."""
        return b"".join([chunk.data async for chunk in self.store.chunks(host)])

    async def cursors(self) -> dict[str, Cursor]:
        """Return how far the troubled host's logs were read."""
        return dict((await self.store.load_state(TROUBLED)).cursors)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows: making its tables takes a second, copying it does not."""
    path = tmp_path_factory.mktemp("faults") / "empty.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def watch(
    empty_database: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Callable[[Host], Watch]]:
    """A factory: `watch(host)`. At the end nothing may have gone wrong inside of dthostmon itself."""
    stores: list[Store] = []

    def make(host: Host) -> Watch:
        return Watch(stores[0], replace(host, name=TROUBLED, probes=()), Log(tmp_path / "bystander" / "app.log"))

    shutil.copy(empty_database, tmp_path / "faults.db")
    stores.append(await open_store(f"sqlite:///{tmp_path}/faults.db"))
    yield make
    await stores[0].close()
    for record in caplog.get_records("call"):
        assert record.levelno < logging.ERROR, f"{record.getMessage()}: {record.exc_info}"


@pytest.fixture(params=["over SSH", "on this machine"])
def kept(request: pytest.FixtureRequest, watch: Callable[[Host], Watch], tmp_path: Path) -> tuple[Watch, Log]:
    """A host whose log is all that is in trouble, once over SSH (no inodes are seen) and once local."""
    if request.param == "on this machine":
        log = Log(tmp_path / "logs" / "app.log")
        return watch(make_local_host(logs=[str(log.path)])), log
    server: SshServer = request.getfixturevalue("sshd")()
    log = Log(server.root / "app.log")
    return watch(make_host(server, logs=[str(log.path)])), log


def through(relay: ChaosRelay, server: SshServer, *, logs: Sequence[str | Path], **changes: object) -> Host:
    """Describe a server that is reached through a relay."""
    trusted = server.folder / f"known_hosts-{relay.port}"
    trusted.write_text(f"[127.0.0.1]:{relay.port} {public_key(server.folder / 'host_key')}\n")
    place = {"hostname": "127.0.0.1", "port": relay.port, "known_hosts": str(trusted)}
    return make_host(server, logs=[str(log) for log in logs], **(place | changes))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, a bounded time."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within 30 s")


@contextmanager
def bounded_memory(mebibytes: int) -> Iterator[None]:
    """Fail where this process grows by more than that while the block runs, even for a moment."""
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak to what is used now
    before = _peak_kibibytes()
    yield
    assert _peak_kibibytes() - before < mebibytes * 1024


def _peak_kibibytes() -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


def texts(run: Run) -> Sequence[str]:
    """All that a person would see of a run's findings."""
    found = [text for finding in run.findings for text in (finding.title, finding.recommended_action)]
    return [*found, *(evidence.line for finding in run.findings for evidence in finding.evidence), run.summary]


class Attacked:
    """An attacker that is checked, beside a bystander that is well."""

    def __init__(self, watch: Watch, host: HostileHost) -> None:
        self.watch = watch
        self.host = host

    async def run(self, *, patient: bool = False) -> Run:
        """Do one cycle; whatever comes of it is bounded, clean, stored, and no mistake of ours."""
        sent = self.host.sent
        with bounded_memory(MOST_MEMORY):
            run = await self.watch.run(patient=patient)
        assert run.error_kind is not ErrorKind.INTERNAL
        assert run.error is None or run.error.isprintable()
        for text in texts(run):
            assert text.isprintable(), ascii(text)
            assert len(text) < 5000
        for log in run.logs:
            assert log.path.isprintable()
            assert log.bytes_unexplained == 0
            assert log.bytes_analysed <= 4 * 2**20
        assert self.host.sent - sent < MOST_BYTES
        assert [entry.host for entry in await self.watch.store.coverage("bystander")] == ["bystander"]
        await self.watch.store.coverage()
        return run

    async def reforms(self) -> None:
        """The host is honest again, and its next visit is an ordinary one."""
        self.host.files, self.host.shell = HostileFiles(), HostileShell()
        assert (await self.run(patient=True)).status is RunStatus.OK


@asynccontextmanager
async def attack(watch: Callable[[Host], Watch], folder: Path, logs: Sequence[str]) -> AsyncIterator[Attacked]:
    async with hostile_host(folder / "hostile", logs=logs, connect_timeout=0.5) as host:
        watched = watch(replace(host.host, timeout=ATTACK_SECONDS))
        watched.connect = partial(connect, limits=Limits(command_seconds=1))
        yield Attacked(watched, host)


@pytest.fixture
async def attacker(watch: Callable[[Host], Watch], tmp_path: Path) -> AsyncIterator[Attacked]:
    async with attack(watch, tmp_path, ["/var/log/app.log", "/var/log/*.log"]) as attacked:
        yield attacked
