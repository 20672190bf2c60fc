"""What was appended to a log comes out of `logs --raw`, each byte once, in order."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer

CYCLES = 20
ROTATIONS = {6: "the log is renamed", 13: "and once more"}


class GrowingLog:
    """A log of unique numbered lines, some with bytes that are no text, and all that was ever written to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = b""
        path.write_bytes(b"")

    def append(self, count: int) -> None:
        start = self.written.count(b"\n")
        data = b"".join(b"line %06d \xff\x00 of this log\n" % number for number in range(start, start + count))
        with self.path.open("ab") as file:
            file.write(data)
        self.written += data

    def rotate(self) -> None:
        old = Path(f"{self.path}.1")
        if old.exists():
            old.rename(f"{self.path}.2")
        self.path.rename(old)
        self.path.write_bytes(b"")


def raw(program: Program, host: str) -> bytes:
    return program.run("logs", host, "--raw").stdout


def test_twenty_cycles_with_two_rotations_lose_and_double_nothing(
    sshd: Callable[..., SshServer], program_on_both: Program
) -> None:
    program, server = program_on_both, sshd()
    log = GrowingLog(server.root / "app.log")
    program.add_host(server, log.path, more=", probes: []")
    program.configure()
    program.document("monitor")
    for cycle in range(CYCLES):
        log.append(cycle % 4 * 7)
        if cycle in ROTATIONS:
            log.rotate()
            log.append(3)
        [run] = program.document("monitor")["runs"]
        [ledger] = run["logs"]
        assert ledger["bytes_appeared"] == ledger["bytes_analysed"] + ledger["bytes_skipped"]
        assert ledger["rotated"] is (cycle in ROTATIONS)
    assert raw(program, "web1") == log.written
    [total] = program.document("coverage", "web1")
    assert total["bytes_appeared"] == total["bytes_analysed"] == len(log.written)
    assert total["bytes_skipped"] == 0


def regrow_after_copytruncate(program: Program, tmp_path: Path) -> tuple[bytes, bytes]:
    """Play the fault that only the hash check sees; return what was written and what is stored."""
    log = GrowingLog(tmp_path / "app.log")
    program.add_this_machine(log.path, more=", probes: []")
    program.configure()
    program.document("monitor")
    log.append(20)
    program.document("monitor")
    log.append(5)
    shutil.copy(log.path, f"{log.path}.1")
    os.truncate(log.path, 0)
    log.append(60)
    program.document("monitor")
    return log.written, raw(program, "here")


def test_a_log_that_grew_past_its_cursor_after_copytruncate_is_read_whole(program: Program, tmp_path: Path) -> None:
    written, stored = regrow_after_copytruncate(program, tmp_path)
    assert stored == written


def test_the_loss_test_fails_without_the_hash_check(program: Program, tmp_path: Path) -> None:
    program.command = (sys.executable, str(Path(__file__).with_name("mutants.py")), "fingerprint")
    written, stored = regrow_after_copytruncate(program, tmp_path)
    assert stored != written


def test_grep_and_path_choose_lines(program: Program, tmp_path: Path) -> None:
    for name in ("one.log", "two.log"):
        (tmp_path / name).write_text(f"a line of {name}\nanother \x1b[31mred\n")
    program.add_this_machine(f"{tmp_path}/*.log", more=", probes: []")
    program.configure()
    program.document("monitor")
    assert program.run("logs", "here", "--path", "*/two.log", "--grep", "a line").stdout == b"a line of two.log\n"
    assert b"\x1b" not in program.run("logs", "here").stdout
    assert program.run("logs", "here", "--since", "1h", "--raw").stdout
    assert program.run("logs", "here", "--until", "1h", "--raw").stdout == b""


@pytest.mark.parametrize("arguments", [("--grep", "("), ("--since", "yesterday"), ("--raw", "--grep", "x")])
def test_arguments_that_mean_nothing_are_refused(program: Program, arguments: tuple[str, ...]) -> None:
    program.add_this_machine()
    program.configure()
    program.run("logs", "here", *arguments, code=2)
