"""`dthostmon analyze` as people call it: what is left out is said, and nothing waits for ever."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.program import COMMAND_SECONDS, Program

WORDS = ("apple", "bean", "corn", "date", "elder", "fig", "grape", "hop", "iris", "jute", "kale", "leek")


@pytest.fixture
def log(program: Program) -> Path:
    """Return a log of 36 kinds of lines, none of which tells anything."""
    path = program.folder / "app.log"
    texts = [
        f"{first} of {second}"
        for first, second in zip(WORDS * 3, WORDS[:1] * 12 + WORDS[1:2] * 12 + WORDS[2:3] * 12, strict=True)
    ]
    path.write_text("".join(f"Nov 23 06:00:00 here {text.split()[0]}d: {text}\n" for text in texts))
    return path


def test_templates_that_are_left_out_are_counted(program: Program, log: Path) -> None:
    total = len(program.document("analyze", "app.log")["templates"])
    told = program.run("analyze", "app.log").stdout.decode()
    assert f"Templates: 30 of {total} shown; --templates {total} or --json shows all." in told
    assert "Nothing was found" in told
    all_of_them = program.run("analyze", "--templates", str(total), "app.log").stdout.decode()
    assert "shown;" not in all_of_them
    assert len(all_of_them.splitlines()) == 3 + total
    assert f"Templates: 0 of {total}" in program.run("analyze", "--templates", "0", "app.log").stdout.decode()


def test_a_pipe_is_read_and_an_idle_one_is_refused(program: Program, log: Path) -> None:
    pipe = program.folder / "pipe"
    os.mkfifo(pipe)
    assert b"nothing writes into" in program.run("analyze", "pipe", code=2).stderr
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "dthostmon", "analyze", f"/dev/fd/{reader}"]
    started = subprocess.Popen(
        command, cwd=program.folder, env=program.environment, stdout=subprocess.PIPE, pass_fds=(reader,)
    )
    os.close(reader)
    with os.fdopen(writer, "wb") as file:
        file.write(log.read_bytes())
    told, _ = started.communicate(timeout=COMMAND_SECONDS)
    assert started.returncode == 0
    assert b"Lines: 36" in told


def test_what_is_no_text_yet_is_refused_with_the_command_that_works(program: Program, log: Path) -> None:
    (program.folder / "app.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    told = program.run("analyze", "app.log", "app.log.gz", code=2).stderr
    assert b"app.log.gz is compressed; `zcat app.log.gz | dthostmon analyze -` analyses it" in told
    log.write_text(log.read_text(), encoding="utf-16")
    told = program.run("analyze", "app.log", code=2).stderr
    assert b"`iconv -f UTF-16 -t UTF-8 app.log | dthostmon analyze -`" in told
    assert b"- for what comes in on stdin" in program.run("analyze", "--help").stdout


def test_a_device_is_refused(program: Program) -> None:
    assert b"neither a file nor a pipe" in program.run("analyze", "/dev/zero", code=2).stderr
