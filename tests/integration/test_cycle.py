"""One host's trouble stays with that host: every check ends in a run, whatever happens."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from dthostmon import rules
from dthostmon.cycle import HostChecks, Parts, run_cycle
from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host, Run, RunStatus, Severity, Thresholds, TransportKind, Visit
from dthostmon.store import Store, open_store
from dthostmon.transport import Session, connect

RULES = rules.load_packs([rules.builtin_folder()])
Connect = Callable[[Host], Awaitable[Session]]


def make_host(name: str, log: Path, timeout: float = 30) -> Host:
    return Host(name, TransportKind.LOCAL, None, None, (), (str(log),), (), Thresholds(), 60, timeout, 65536)


def make_checks(
    store: Store,
    connect_to: Connect = connect,
    limit: int = 50,
    is_unreachable: Callable[[Host], bool] = lambda _host: False,
) -> HostChecks:
    @asynccontextmanager
    async def visit(host: Host) -> AsyncIterator[Session]:
        session = await connect_to(host)
        yield session
        await session.close()

    parts = Parts(
        store,
        visit,
        RULES,
        lambda: datetime.now(UTC),
        time.monotonic,
        partial(secrets.token_hex, 4),
        is_unreachable=is_unreachable,
        draw=lambda: 0.0,
    )
    return HostChecks(parts, limit)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n")
    return path


async def test_a_good_host_is_scored_and_stored(sqlite_store: Store, log: Path) -> None:
    run = await make_checks(sqlite_store).check(make_host("good", log))
    assert (run.status, run.score, run.judged_by) == (RunStatus.OK, 100, "rules")
    assert run.logs[0].bytes_unexplained == 0
    stored = await sqlite_store.latest_run("good")
    assert stored is not None
    assert stored.id == run.id


async def test_a_run_that_is_kept_until_its_cycle_ends_holds_no_inventories(sqlite_store: Store, log: Path) -> None:
    host = replace(make_host("good", log), probes=("kernel",))
    run = await make_checks(sqlite_store).check(host)
    assert run.status is RunStatus.OK
    assert run.facts.inventories == {}
    assert (await sqlite_store.inventories("good"))["kernel"].inventory.things


@pytest.fixture
def visits(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Visit]:
    """Return where every visit is noted that is stored."""
    noted: list[Visit] = []
    ordinary = sqlite_store.save_run

    async def save_run(visit: Visit) -> Run:
        noted.append(visit)
        return await ordinary(visit)

    monkeypatch.setattr(sqlite_store, "save_run", save_run)
    return noted


async def test_a_pattern_that_was_visited_before_is_not_stored_again(
    sqlite_store: Store, log: Path, visits: list[Visit]
) -> None:
    host = make_host("good", log)
    more = replace(host, logs=(*host.logs, str(log.with_name("*.log"))))
    for visited in (host, host, more):
        assert (await make_checks(sqlite_store).check(visited)).status is RunStatus.OK
    assert [visit.patterns for visit in visits] == [set(host.logs), set(), {more.logs[1]}]
    assert (await sqlite_store.load_state("good")).patterns == set(more.logs)


async def test_the_cursor_of_an_idle_log_comes_to_rest_until_the_log_grows(
    sqlite_store: Store, log: Path, visits: list[Visit]
) -> None:
    checks, host = make_checks(sqlite_store), make_host("good", log)
    for _ in range(6):
        await checks.check(host)
    assert [visit.logs[0].cursor is None for visit in visits[-2:]] == [True, True]
    rested = (await sqlite_store.load_state("good")).cursors[str(log)]
    await checks.check(host)
    assert (await sqlite_store.load_state("good")).cursors[str(log)] == rested

    line = "Nov 23 06:00:01 here CRON[77]: (root) CMD (true)\n"
    with log.open("a") as file:
        file.write(line)
    run = await checks.check(host)
    assert (run.status, run.logs[0].bytes_analysed) == (RunStatus.OK, len(line))
    assert (await sqlite_store.load_state("good")).cursors[str(log)].version == rested.version + 1


async def test_hosts_that_fail_hang_or_break_do_not_touch_the_others(sqlite_store: Store, log: Path) -> None:
    async def connect_or_not(host: Host) -> Session:
        if host.name == "refused":
            raise VisitError(ErrorKind.REFUSED, "refused: nothing listens.", "Start sshd.")
        if host.name == "hangs":
            await asyncio.sleep(3600)
        if host.name == "breaks":
            raise ZeroDivisionError
        return await connect(host)

    hosts = [replace(make_host(name, log), timeout=0.5) for name in ("refused", "hangs", "breaks", "good")]
    cycle = await run_cycle(hosts, make_checks(sqlite_store, connect_or_not))
    kinds = {run.host: (run.status, run.error_kind) for run in cycle.runs}
    assert kinds == {
        "refused": (RunStatus.FAILED, ErrorKind.REFUSED),
        "hangs": (RunStatus.FAILED, ErrorKind.TIMEOUT),
        "breaks": (RunStatus.FAILED, ErrorKind.INTERNAL),
        "good": (RunStatus.OK, None),
    }
    assert (cycle.ok, cycle.failed) == (1, 3)
    assert all(run.score is None for run in cycle.runs if run.status is RunStatus.FAILED)
    last = await sqlite_store.last_cycle()
    assert last is not None
    assert (last.ok, last.failed) == (1, 3)


async def test_a_changed_host_key_is_critical(sqlite_store: Store, log: Path) -> None:
    async def changed(_host: Host) -> Session:
        raise VisitError(ErrorKind.HOST_KEY_CHANGED, "the key changed.", "Look at it.")

    run = await make_checks(sqlite_store, changed).check(make_host("web1", log))
    assert (run.severity, run.findings[0].kind) == (Severity.CRITICAL, "host-key-changed")


async def test_a_host_that_is_still_being_checked_is_skipped_and_counted(sqlite_store: Store, log: Path) -> None:
    gate = asyncio.Event()

    async def connect_later(host: Host) -> Session:
        await gate.wait()
        return await connect(host)

    checks = make_checks(sqlite_store, connect_later)
    first = asyncio.create_task(checks.check(make_host("slow", log)))
    await asyncio.sleep(0.05)
    second = await checks.check(make_host("slow", log))
    gate.set()
    assert second.status is RunStatus.SKIPPED
    assert (await first).status is RunStatus.OK
    page = await sqlite_store.runs("slow")
    assert {run.status for run in page.items} == {RunStatus.OK, RunStatus.SKIPPED}


async def test_no_more_hosts_than_the_limit_are_visited_at_once(sqlite_store: Store, log: Path) -> None:
    now = most = 0

    async def count(host: Host) -> Session:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return await connect(host)

    await run_cycle([make_host(f"h{n}", log) for n in range(12)], make_checks(sqlite_store, count, limit=3))
    assert most == 3


async def test_hosts_that_did_not_answer_leave_the_slots_to_the_living(sqlite_store: Store, log: Path) -> None:
    site_is_back = asyncio.Event()
    dialed: list[str] = []

    async def connect_or_hang(host: Host) -> Session:
        dialed.append(host.name)
        if host.name.startswith("dead"):
            await site_is_back.wait()
        return await connect(host)

    checks = make_checks(sqlite_store, connect_or_hang, 5, lambda host: host.name.startswith("dead"))
    dead = asyncio.create_task(run_cycle([make_host(f"dead{n}", log) for n in range(20)], checks))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        living = await run_cycle([make_host(f"h{n}", log) for n in range(20)], checks)
    assert living.ok == 20
    assert len([name for name in dialed if name.startswith("dead")]) == 1  # a fifth of the slots
    site_is_back.set()
    assert (await dead).ok == 20


async def test_a_cycle_that_passes_its_deadline_reports_who_was_late(sqlite_store: Store, log: Path) -> None:
    async def connect_slowly(host: Host) -> Session:
        if host.name == "late":
            await asyncio.sleep(3600)
        return await connect(host)

    hosts = [make_host("late", log), make_host("good", log)]
    cycle = await run_cycle(hosts, make_checks(sqlite_store, connect_slowly), deadline=0.5)
    assert [run.status for run in cycle.runs] == [RunStatus.FAILED, RunStatus.OK]
    assert "deadline" in (cycle.runs[0].error or "")
    stored = await sqlite_store.latest_run("late")
    assert stored is not None
    assert stored.status is RunStatus.FAILED


async def test_two_cycles_that_start_at_one_moment_are_both_stored(sqlite_store: Store, log: Path) -> None:
    checks = make_checks(sqlite_store)
    moment = datetime.now(UTC)
    checks.parts = replace(checks.parts, clock=lambda: moment)
    cycles = await asyncio.gather(*(run_cycle([make_host(f"h{n}", log)], checks) for n in range(2)))
    assert cycles[0].id != cycles[1].id
    assert (await sqlite_store.stats()).rows["cycles"] == 2


async def test_a_store_that_is_gone_is_told_and_the_lines_come_next_time(
    sqlite_store: Store, log: Path, tmp_path: Path
) -> None:
    checks = make_checks(sqlite_store)
    host = make_host("here", log)
    await checks.check(host)
    with log.open("a") as file:
        file.write("a new line\n")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    broken = await open_store(f"sqlite:///{hidden}/test.db")
    run = await HostChecks(replace(checks.parts, store=Unwritable(broken)), 1).check(host)
    await broken.close()
    assert (run.status, run.error_kind, run.id) == (RunStatus.FAILED, ErrorKind.INTERNAL, None)
    again = await checks.check(host)
    assert again.logs[0].bytes_analysed == len("a new line\n")


class Unwritable:
    """A store whose database was closed under it before the run could be saved."""

    def __init__(self, store: Store) -> None:
        self.load_state = store.load_state
        self.save_cycle = store.save_cycle

    async def save_run(self, _visit: object) -> None:
        from dthostmon.errors import StoreUnavailableError

        raise StoreUnavailableError("the database is gone")
