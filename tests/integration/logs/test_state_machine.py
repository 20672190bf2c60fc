"""Whatever happens to a log between visits, and to the visits: no line is lost, and none is stored twice.

The whole way is played, from the files of a host to the lines in the database. What a story may lose is only what was
deleted before any visit could see it.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from dthostmon import analysis, logs
from dthostmon.cycle import make_coverage
from dthostmon.errors import CursorConflictError
from dthostmon.logs import Caps, file_log, positions, rotation, segments
from dthostmon.model import (
    Cursor,
    Host,
    LogReading,
    LogsReading,
    Run,
    RunStatus,
    Severity,
    Thresholds,
    TransportKind,
    Visit,
)
from dthostmon.rules import RuleSet
from dthostmon.store import Store, cursors, open_store
from dthostmon.transport import Files, Session, connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests.fixtures.sshd import SshServer, make_host, make_local_host
from tests.integration.logs.conftest import LOOK_BACK, WithoutInodes
from tests.integration.logs.world import COMPRESSORS, World, tokens

SOAK = int(os.environ.get("DTHOSTMON_SOAK", "1"))  # how many times the usual number of stories `make soak` plays
STORIES_HERE, STORIES_ELSEWHERE = 2000 * SOAK, 50 * SOAK
STEPS = 15
MOST_VISITS_TO_SETTLE = 200
CAPS = (Caps(), Caps(log=700, host=1500))
NO_RULES = RuleSet(())


@dataclass
class Stage:
    """Where stories are played: a session to a host, a store, and the loop they live in. Each story is a host."""

    runner: asyncio.Runner
    session: Session
    store: Store
    hosts: Iterator[int] = field(default_factory=count)

    def wait_for(self, work: Awaitable[object]) -> object:
        async def waited() -> object:
            return await work

        return self.runner.run(waited())


class Story(RuleBasedStateMachine):
    """A log, what happens to it, and the visits to it."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="story-"))
        self.world = World(self.folder)
        self.host = f"host-{next(self.stage.hosts)}"
        self.minutes = 0

    @initialize(caps=st.sampled_from(CAPS), inodes=st.booleans())
    def begin(self, caps: Caps, inodes: bool) -> None:
        """Visit the log while it is empty, so that all that follows counts."""
        files = self.stage.session.files
        self.caps = caps
        self.files: Files = files if inodes else WithoutInodes(files)
        self.visit()

    @rule(lines=st.integers(1, 30))
    def append(self, lines: int) -> None:
        self.world.append(lines)

    @rule()
    def append_half_a_line(self) -> None:
        self.world.append_half()

    @rule(create=st.booleans())
    def rename(self, create: bool) -> None:
        self.world.rename(create=create)

    @rule()
    def append_to_the_renamed_file(self) -> None:
        self.world.append_late()

    @rule()
    def copy_and_truncate(self) -> None:
        self.world.copy_and_truncate()

    @rule(kind=st.sampled_from(sorted(COMPRESSORS)), number=st.integers(1, 3))
    def compress(self, kind: str, number: int) -> None:
        self.world.compress(kind, number)

    @rule()
    def drop_the_oldest_copy(self) -> None:
        self.world.drop_oldest()

    @rule()
    def truncate(self) -> None:
        self.world.truncate()

    @rule()
    def replace_the_file(self) -> None:
        self.world.replace()

    @rule()
    def delete(self) -> None:
        self.world.delete()

    @rule()
    def visit(self) -> None:
        self.stage.wait_for(self._visit())

    @rule()
    def visit_and_be_killed(self) -> None:
        """Read, and die before anything is stored."""
        self.stage.wait_for(self._read())

    @rule()
    def visit_twice_at_once(self) -> None:
        self.stage.wait_for(self._race())

    def teardown(self) -> None:
        """Visit until nothing is left; then each token that could be read was read once."""
        try:
            self.stage.wait_for(self._settle())
        finally:
            shutil.rmtree(self.folder)

    async def _read(self) -> tuple[LogsReading, Visit]:
        state = await self.stage.store.load_state(self.host)
        reading = await logs.read_files(self.files, [str(self.world.log)], state, LOOK_BACK, self.caps)
        parts = [(log.path, part) for log in reading.logs for part in log.parts]
        examined = analysis.examine(parts, NO_RULES, Thresholds(), None)
        rows = tuple(make_coverage(log, examined.tallies.get(log.path)) for log in reading.logs)
        assert all(row.bytes_unexplained == 0 for row in rows)
        self.minutes += 1
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes)
        run = Run(self.host, None, RunStatus.OK, moment, 0.1, Severity.INFO, 100, logs=rows, findings=reading.problems)
        return reading, Visit(run, reading.logs, reading.patterns)

    async def _visit(self) -> LogsReading:
        reading, visit = await self._read()
        await self._save(reading, visit)
        return reading

    async def _race(self) -> None:
        """Let two processes visit the host at the same time: one of them comes too late."""
        first, second = await self._read(), await self._read()
        await self._save(*second)
        with suppress(CursorConflictError):
            await self._save(*first)

    async def _save(self, reading: LogsReading, visit: Visit) -> None:
        await self.stage.store.save_run(visit)
        for log in reading.logs:
            self.world.read |= set(tokens(log.data))

    async def _settle(self) -> None:
        for _ in range(MOST_VISITS_TO_SETTLE):
            reading = await self._visit()
            if not any(map(is_unsettled, reading.logs)):
                break
        stored = [token async for chunk in self.stage.store.chunks(self.host) for token in tokens(chunk.data)]
        assert len(stored) == len(set(stored)), f"stored twice: {sorted(t for t in stored if stored.count(t) > 1)}"
        missing = self.world.expected() - set(stored)
        assert not missing, f"lost: {sorted(missing)}"
        for entry in await self.stage.store.coverage(self.host):
            assert entry.bytes_appeared == entry.bytes_analysed + entry.bytes_skipped


def is_unsettled(log: LogReading) -> bool:
    """Tell whether a visit left something for the next one."""
    held = log.cursor.current.held if isinstance(log.cursor, Cursor) else 0
    return bool(log.data or log.bytes_pending != 0 or held)


def play(stage: Stage, stories: int, *, phases: Sequence[Phase] = (Phase.generate, Phase.shrink)) -> None:
    """Play many stories; fails with the shortest one that goes wrong."""
    machine = type("StagedStory", (Story,), {"stage": stage})
    checks = settings(
        max_examples=stories,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )
    run_state_machine_as_test(machine, settings=checks)


MakeStage = Callable[[Host, str], Stage]


@pytest.fixture
def make_stage() -> Iterator[MakeStage]:
    with asyncio.Runner() as runner:
        stages: list[Stage] = []

        def make(host: Host, url: str) -> Stage:
            made = Stage(runner, runner.run(connect(host)), runner.run(open_store(url)))
            stages.append(made)
            return made

        yield make
        for stage in stages:
            runner.run(stage.session.close())
            runner.run(stage.store.close())


@pytest.fixture
def sqlite_url(ready_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(ready_sqlite, tmp_path / 'stories.db')}"


def host_over(transport: str, sshd: Callable[..., SshServer]) -> Host:
    """Return a host that shows this machine's files over a transport."""
    if transport == "local":
        return make_local_host()
    if transport == "ssh":
        return make_host(sshd())
    return replace(make_host(sshd(key_options=READ_ONLY_KEY_OPTIONS)), transport=TransportKind.SFTP)


def test_here_and_in_sqlite_no_story_loses_or_doubles_a_line(make_stage: MakeStage, sqlite_url: str) -> None:
    play(make_stage(make_local_host(), sqlite_url), STORIES_HERE)


@pytest.mark.parametrize(
    ("transport", "database"),
    [("ssh", "sqlite"), ("sftp", "sqlite"), ("ssh", "postgresql"), ("sftp", "postgresql"), ("local", "postgresql")],
)
def test_over_any_transport_into_any_database_no_story_loses_or_doubles_a_line(
    make_stage: MakeStage,
    sshd: Callable[..., SshServer],
    transport: str,
    database: str,
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue("sqlite_url" if database == "sqlite" else "postgres_url")
    play(make_stage(host_over(transport, sshd), url), STORIES_ELSEWHERE)


def test_the_stories_show_when_the_compare_and_swap_is_missing(
    make_stage: MakeStage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test."""
    swap = cursors.swap

    async def swap_or_not(*arguments: Any) -> bool:
        await swap(*arguments)
        return True

    monkeypatch.setattr(cursors, "swap", swap_or_not)
    with pytest.raises(AssertionError, match="stored twice"):
        play(make_stage(make_local_host(), sqlite_url), STORIES_HERE, phases=(Phase.generate,))


def test_the_stories_show_when_the_hash_check_is_missing(
    make_stage: MakeStage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test."""
    for module in (file_log, positions, rotation, segments):
        monkeypatch.setattr(module, "fingerprint", lambda _before: "the same for all")
    with pytest.raises(AssertionError, match=r"lost|stored twice"):
        play(make_stage(make_local_host(), sqlite_url), STORIES_HERE, phases=(Phase.generate,))
