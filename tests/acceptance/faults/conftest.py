"""Cycles over a host that is in trouble and one that is not: what a fault does to the run, the cursor and the rest."""

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
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
from tests.fixtures.chaos import ChaosRelay
from tests.fixtures.sshd import SshServer, make_host, make_local_host, public_key

RULES = rules.load_packs([rules.builtin_folder()])
TROUBLED, BYSTANDER = "troubled", "bystander"


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
        parts = Parts(
            self.store, lambda host: self.connect(host), RULES, lambda: datetime.now(UTC), time.monotonic, nonce
        )
        self.checks = HostChecks(parts, limit=50)

    async def cycle(self, *more: Host) -> Cycle:
        """Check the troubled host, the bystander and perhaps more at once; the bystander must be well."""
        self.bystander.append(1)
        well = replace(make_local_host(BYSTANDER, logs=[str(self.bystander.path)]), probes=())
        cycle = await run_cycle([self.host, well, *more], self.checks)
        run = cycle.runs[1]
        assert (run.status, run.error) == (RunStatus.OK, None)
        assert await self.stored(BYSTANDER) == self.bystander.written
        return cycle

    async def run(self) -> Run:
        """Do one cycle; return the run of the troubled host."""
        return (await self.cycle()).runs[0]

    async def ok(self) -> Run:
        """Do one cycle in which the troubled host is well too; its ledger adds up."""
        run = await self.run()
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
    stores = []

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
