"""The scoreboard: each way in which logs rotate and break, over each transport, into each database.

docs/reading.md shows it as a table; a row stands there only if it is played here.
"""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dthostmon.app.parts import monitor_once
from dthostmon.config import Configuration, load
from dthostmon.model import RunStatus
from dthostmon.store import open_store
from tests.acceptance.scoreboard import STORIES, Scene
from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer

HOST = "watched"
TRANSPORTS = ("ssh", "sftp", "local")
LINE = re.compile(rb"^line (\d{6}) ", re.MULTILINE)


@pytest.fixture(params=TRANSPORTS)
def watched(
    request: pytest.FixtureRequest, sshd: Callable[..., SshServer], program_on_both: Program, tmp_path: Path
) -> tuple[Program, Path]:
    """The program, set up to watch one log over a transport; and that log, which is empty."""
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.touch()
    if request.param == "local":
        program_on_both.add_this_machine(log, name=HOST, more=", probes: []")
    else:
        options = 'restrict,command="internal-sftp -R"' if request.param == "sftp" else ""
        more = f", probes: [], transport: {request.param}"
        program_on_both.add_host(sshd(key_options=options), log, name=HOST, more=more)
    program_on_both.configure()
    return program_on_both, log


def visit(configuration: Configuration) -> None:
    """Check the host once, as `dthostmon monitor` does; nothing may be unexplained."""
    [run] = asyncio.run(monitor_once(configuration, configuration.hosts)).runs
    assert run.status is RunStatus.OK, run.error
    assert all(row.bytes_unexplained == 0 for row in run.logs)


async def stored_lines(database: str) -> list[int]:
    """Return the numbers of the stored lines, in order; the ledger must explain every byte of them."""
    store = await open_store(database)
    try:
        data = b"".join([chunk.data async for chunk in store.chunks(HOST)])
        [ledger] = await store.coverage(HOST)
        assert ledger.bytes_appeared == ledger.bytes_analysed + ledger.bytes_skipped
        assert ledger.bytes_analysed == len(data)
        assert ledger.bytes_skipped == 0
    finally:
        await store.close()
    return [int(number) for number in LINE.findall(data)]


def missing_and_doubled(stored: list[int], count: int) -> tuple[list[int], list[int]]:
    """Return the numbers that are not stored, and those that are there twice."""
    times = Counter(stored)
    return [number for number in range(count) if not times[number]], [one for one in times if times[one] > 1]


@pytest.mark.parametrize("row", STORIES)
def test_each_line_is_stored_once_and_in_order(
    watched: tuple[Program, Path], row: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, log = watched
    monkeypatch.chdir(program.folder)
    configuration = load(program.configuration, dict(os.environ))
    scene = Scene(log, tmp_path, lambda: visit(configuration))
    scene.visit()
    try:
        STORIES[row](scene)
    finally:
        scene.stop_writer()
    for _ in range(2):
        scene.visit()
    stored = asyncio.run(stored_lines(program.database_url))
    assert missing_and_doubled(stored, scene.count) == ([], [])
    assert stored == sorted(stored)


def test_a_restart_goes_on_where_the_last_run_stopped(watched: tuple[Program, Path], tmp_path: Path) -> None:
    program, log = watched
    scene = Scene(log, tmp_path, lambda: None)
    for _ in range(2):
        scene.write(12)
        with program.daemon() as daemon:
            daemon.wait_for(daemon.log, "a cycle ended")
            scene.write(5)
            assert daemon.terminate() == 0
        scene.rotate("create")
        scene.write(5)
    program.document("monitor")
    assert asyncio.run(stored_lines(program.database_url)) == list(range(scene.count))


def test_sighup_takes_over_an_edit_and_loses_no_line(watched: tuple[Program, Path], tmp_path: Path) -> None:
    program, log = watched
    scene = Scene(log, tmp_path, lambda: None)
    scene.write(12)
    with program.daemon() as daemon:
        daemon.wait_for(daemon.log, "a cycle ended")
        scene.write(5)
        program.configure("look_back: 1MiB")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(daemon.log, "the edited configuration is in force")
        program.document("monitor")
        scene.write(5)
        assert daemon.terminate() == 0
    program.document("monitor")
    assert asyncio.run(stored_lines(program.database_url)) == list(range(scene.count))


@pytest.mark.parametrize("phase", ["read", "save"])
def test_kill_9_in_a_visit_costs_no_line(watched: tuple[Program, Path], tmp_path: Path, phase: str) -> None:
    program, log = watched
    scene = Scene(log, tmp_path, lambda: None)
    program.document("monitor")
    for _ in range(2):
        scene.write(200)
        scene.rotate("create")
        scene.write(5)
        with program.daemon(ready=False) as daemon:
            daemon.wait_for(daemon.log, f"phase='{phase}'")
            daemon.kill()
    program.document("monitor")
    assert asyncio.run(stored_lines(program.database_url)) == list(range(scene.count))


def test_the_documentation_shows_what_is_played() -> None:
    shown = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
    assert all(f"| {row}" in shown for row in STORIES)
