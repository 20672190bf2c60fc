"""`kill -9` of the daemon at any moment, another visit beside it: no line is lost and none is stored twice."""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.test_raw_logs import GrowingLog, raw
from tests.fixtures.program import Program

RANDOM_KILLS = 20
LONGEST_VISIT_SECONDS = 0.8  # a slow visit takes two pauses of 0.3 s and a little more
AIMED_PHASES = ("load", "save", "done")
LINES = 40


def kill_at_random(program: Program, log: GrowingLog, kills: int, seed: int) -> Counter[str]:
    """Kill the daemon at random moments, every second time while a `monitor` runs beside it; count the phases hit."""
    draw = random.Random(seed)  # noqa: S311  # moments, not secrets
    fell_in: Counter[str] = Counter()
    for number in range(kills):
        log.append(LINES)
        with program.daemon(ready=False) as daemon, beside(program, wanted=number % 2 == 1):
            if number % 5:  # every fifth one does not live to see its first check
                daemon.wait_for(daemon.log, "phase=")
            time.sleep(draw.uniform(0, LONGEST_VISIT_SECONDS))
            daemon.kill()
            fell_in[daemon.last_phase()] += 1
    return fell_in


def kill_in(program: Program, log: GrowingLog, phases: Sequence[str]) -> Counter[str]:
    """Kill the daemon a blink after its check entered each of the phases, while a `monitor` runs beside it."""
    fell_in: Counter[str] = Counter()
    for phase in phases:
        log.append(LINES)
        with program.daemon(ready=False) as daemon, beside(program, wanted=True):
            daemon.wait_for(daemon.log, f"phase='{phase}'|a cycle ended")  # the other one may have come first
            daemon.kill()
            fell_in[daemon.last_phase()] += 1
    return fell_in


@contextmanager
def beside(program: Program, *, wanted: bool) -> Iterator[None]:
    """Have a `monitor` start now; wait for its end after the block."""
    monitor = program.start("monitor", "--json") if wanted else None
    try:
        yield
    finally:
        if monitor:
            monitor.communicate(timeout=60)


def make_program(program: Program, tmp_path: Path, mutations: str = "slow") -> GrowingLog:
    program.command = (sys.executable, str(Path(__file__).with_name("mutants.py")), mutations)
    log = GrowingLog(tmp_path / "app.log")
    program.add_this_machine(log.path)
    program.configure()
    program.document("monitor")
    return log


def test_no_line_is_lost_or_doubled_by_kills(
    program_on_both: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = make_program(program_on_both, tmp_path)
    fell_in = kill_at_random(program_on_both, log, RANDOM_KILLS, seed=7)
    aimed = kill_in(program_on_both, log, AIMED_PHASES)
    program_on_both.document("monitor")
    with capsys.disabled():
        database = program_on_both.database.partition(":")[0]
        print(f"\nkills on {database} by phase: at random {dict(fell_in)}, aimed {dict(aimed)}")  # noqa: T201
    assert fell_in.total() == RANDOM_KILLS
    assert {"facts", "save"} <= set(fell_in)  # in the visit and in the open transaction
    assert raw(program_on_both, "here") == log.written


def test_the_kill_test_fails_without_the_compare_and_swap(program: Program, tmp_path: Path) -> None:
    log = make_program(program, tmp_path, "slow,compare-and-swap")
    kill_in(program, log, ["done"] * 4)
    program.document("monitor")
    assert raw(program, "here") != log.written
