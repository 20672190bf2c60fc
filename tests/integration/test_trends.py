"""A host whose disk fills, from stored runs to what is told of the future, and thresholds over several visits."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dthostmon import rules
from dthostmon.cycle import Parts, check_host
from dthostmon.errors import FileUnreadableError
from dthostmon.model import Host, Levels, Run, Severity, Sustain, Thresholds, TransportKind
from dthostmon.store import Store
from dthostmon.transport import DirectoryEntry, FileStat, FileSystemUsage

HOST = Host("web1", TransportKind.LOCAL, None, None, (), (), ("metrics",), Thresholds(), 3600, 30, 0)
START = datetime(2026, 3, 1, tzinfo=UTC)
BLOCKS = 100_000
QUIET = rules.RuleSet(())


@dataclass(slots=True)
class Machine:
    """A host without a shell, as it is at each visit: how full its disk is, and its memory."""

    now: datetime = START
    percent: float = 50.0
    memory: int = 400
    shell = None
    client_address = None

    @property
    def files(self) -> "Machine":
        return self

    async def read(self, path: str, offset: int, length: int) -> bytes:
        seconds = int((self.now - START).total_seconds()) + 1000
        contents = {
            "/proc/self/mounts": b"/dev/sda1 /var ext4 rw,noatime 0 0\n",
            "/proc/meminfo": b"MemTotal: 1000 kB\nMemAvailable: %d kB\n" % self.memory,
            "/proc/uptime": b"%d.00 1.00\n" % seconds,
            "/proc/diskstats": b" 8 0 sda 1 0 %d 1 1 0 0 1 0 1 1\n" % (2 * seconds),
        }
        if path not in contents:
            raise FileUnreadableError(path, "no such file")
        return contents[path][offset : offset + length]

    async def usage(self, path: str) -> FileSystemUsage | None:
        free = round(BLOCKS * (100 - self.percent) / 100)
        return FileSystemUsage(4096, BLOCKS, free, free, 1000, 900) if path == "/var" else None

    async def list(self, directory: str) -> list[DirectoryEntry]:
        raise FileUnreadableError(directory, "no such file")

    async def stat(self, path: str) -> FileStat | None:
        del path
        return None

    async def link(self, path: str) -> str | None:
        del path
        return None

    async def close(self) -> None:
        pass


def make_parts(store: Store, machine: Machine) -> Parts:
    @asynccontextmanager
    async def visit(_host: Host) -> AsyncIterator[Machine]:
        yield machine

    return Parts(store, visit, QUIET, lambda: machine.now, lambda: 0.0, lambda: secrets.token_hex(4))


async def visit_after(machine: Machine, parts: Parts, hours: float, percent: float, host: Host = HOST) -> Run:
    machine.now += timedelta(hours=hours)
    machine.percent = percent
    return await check_host(host, parts)


def forecasts(run: Run) -> list[tuple[Severity, str]]:
    return [(one.severity, one.title) for one in run.findings if one.kind == "disk-forecast"]


async def test_a_disk_that_fills_is_told_before_it_is_full_until_somebody_makes_room(sqlite_store: Store) -> None:
    machine = Machine()
    parts = make_parts(sqlite_store, machine)
    runs = [await visit_after(machine, parts, 2, 30 + 0.4 * step) for step in range(150)]
    assert not any(forecasts(run) for run in runs[:50])
    ((severity, title),) = forecasts(runs[-1])
    assert severity is Severity.WARN
    assert title in {f"/var is full in {days} days" for days in ("2", "2–3", "1–3")}  # noqa: RUF001  # from to
    assert len({forecasts(run)[0] for run in runs[125:]}) > 3, "what is told goes on with the time"

    cleaned = await visit_after(machine, parts, 2, 55.0)
    assert forecasts(cleaned) == []
    assert (await sqlite_store.load_state("web1")).outlook is not None


async def test_the_past_is_read_a_few_times_a_day(sqlite_store: Store, monkeypatch) -> None:  # type: ignore[no-untyped-def]  # as pytest has it
    asked: list[datetime] = []
    machine, ordinary = Machine(), sqlite_store.past_usage

    async def past_usage(*arguments):  # type: ignore[no-untyped-def]  # handed through
        asked.append(machine.now)
        return await ordinary(*arguments)

    monkeypatch.setattr(sqlite_store, "past_usage", past_usage)
    parts = make_parts(sqlite_store, machine)
    for _ in range(49):
        await visit_after(machine, parts, 0.5, 60.0)
    assert 3 <= len(asked) <= 6
    machine.memory = 900
    await visit_after(machine, parts, 24, 10.0)
    assert 3 <= len(asked) <= 6, "nothing is half full"


async def test_a_disk_is_a_warning_at_once_or_by_the_visits_that_are_configured(sqlite_store: Store) -> None:
    machine = Machine(memory=900)
    parts = make_parts(sqlite_store, machine)
    kinds = [[one.kind for one in (await visit_after(machine, parts, 1, 85.0)).findings] for _ in range(2)]
    assert kinds == [["disk-full"]] * 2
    lasting = replace(HOST, name="web2", thresholds=Thresholds(mounts={"/v*": Levels(None, 80, 90, Sustain(2, 2))}))
    told = [(await visit_after(machine, parts, 1, percent, lasting)).findings for percent in (85.0, 95.0, 70.0, 95.0)]
    assert [[one.title for one in found] for found in told] == [
        [],
        ["Disk /var at 95.0%, in 2 of the last 2 visits"],
        [],
        [],
    ]


async def test_a_spike_of_memory_is_no_warning_and_one_that_lasts_is(sqlite_store: Store) -> None:
    machine = Machine(memory=50)
    parts = make_parts(sqlite_store, machine)
    found = [(await visit_after(machine, parts, 1, 10.0)).findings for _ in range(2)]
    assert [[one.severity for one in findings] for findings in found] == [[], [Severity.CRITICAL]]


async def test_traffic_is_compared_with_the_visit_before(sqlite_store: Store) -> None:
    machine = Machine()
    parts = make_parts(sqlite_store, machine)
    rates = []
    for _ in range(2):
        run = await visit_after(machine, parts, 1, 10.0)
        assert run.facts.metrics is not None
        rates.append(run.facts.metrics.disk_read_rate)
    assert rates == [None, 1024.0]
    stored = await sqlite_store.latest_run("web1")
    assert stored is not None
    assert stored.facts.metrics is not None
    assert (stored.facts.metrics.disk_read_rate, stored.facts.metrics.disks[0].read_only) == (1024.0, False)
