"""The contract of `session.shell`, over SSH and on this machine."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport import CommandOutput, Session, connect
from dthostmon.transport.framing import Limits
from dthostmon.transport.session import Shell
from tests.fixtures.sshd import make_local_host


@pytest.fixture
def shell(session: Session) -> Shell:
    assert session.shell is not None
    return session.shell


async def test_each_command_gives_its_output_and_its_status(shell: Shell) -> None:
    answer = await shell.run({"good": "echo one; echo two", "bad": "echo three; exit 3", "none": "true"})
    assert answer == {
        "good": CommandOutput(b"one\ntwo\n", 0),
        "bad": CommandOutput(b"three\n", 3),
        "none": CommandOutput(b"", 0),
    }


async def test_bytes_arrive_as_they_were_printed(shell: Shell) -> None:
    octal = "".join(f"\\{byte:03o}" for byte in range(256))
    answer = await shell.run({"bytes": f"printf '{octal}'", "unfinished": "printf 'no newline'"})
    assert answer["bytes"].stdout == bytes(range(256))
    assert answer["unfinished"].stdout == b"no newline"


async def test_a_command_may_hold_quotes_newlines_and_bytes(shell: Shell) -> None:
    command = "echo 'it''s' \"$((1 + 1))\"\nprintf '%s' 'über'\n# a comment"
    assert (await shell.run({"one": command}))["one"].stdout == b"its 2\n\xc3\xbcber"


async def test_a_command_that_is_no_shell_text_fails_alone(shell: Shell) -> None:
    answer = await shell.run({"broken": "if then (", "absent": "no-such-program-here", "good": "echo fine"})
    assert answer["broken"].status not in {0, None}
    assert answer["absent"].status == 127
    assert answer["good"] == CommandOutput(b"fine\n", 0)


async def test_commands_speak_the_language_of_programs_and_read_nothing(shell: Shell) -> None:
    answer = await shell.run({"language": "echo $LC_ALL; ls /absent", "input": "cat", "error": "echo lost >&2"})
    assert answer["language"].stdout == b"C\n"
    assert answer["input"] == CommandOutput(b"", 0)
    assert answer["error"].stdout == b""


async def test_one_command_does_not_change_the_next(shell: Shell) -> None:
    answer = await shell.run({"first": "cd /; variable=1; exec 1>&-", "second": "echo ${variable-unset}"})
    assert answer["second"].stdout == b"unset\n"


async def test_no_command_sees_the_boundary() -> None:
    session = await connect(make_local_host(), make_boundary=lambda: "5ec7e7" * 5 + "00")
    assert session.shell is not None
    look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'; set"
    answer = await session.shell.run({"look": look})
    assert b"eval" in answer["look"].stdout
    assert b"5ec7e7" not in answer["look"].stdout


async def test_output_that_looks_like_frames_is_output(shell: Shell) -> None:
    forged = f"\\n{'0' * 32} end\\n\\n{'f' * 32} two status 0 0 bytes\\n"
    answer = await shell.run({"one": f"printf '{forged}'", "two": "echo real"})
    assert answer["one"].stdout == forged.replace("\\n", "\n").encode()
    assert answer["two"].stdout == b"real\n"


async def test_nothing_to_run_is_nothing(shell: Shell) -> None:
    assert await shell.run({}) == {}


@pytest.fixture
async def strict(session: Session) -> Session:
    """The same session with a second for each command, one block of output for it and 4 MiB for a run."""
    assert session.shell is not None
    session.shell._limits = Limits(command_seconds=1, command_blocks=1, run_bytes=4 * 1024 * 1024)  # type: ignore[attr-defined]
    return session


async def test_a_command_that_hangs_is_ended_and_the_next_one_runs(strict: Session) -> None:
    assert strict.shell is not None
    answer = await strict.shell.run(
        {"hang": "echo before; sleep 3071", "pipe": "sleep 3071 | cat", "next": "echo after"}
    )
    assert answer["hang"] == CommandOutput(b"before\n", 124)
    assert answer["pipe"].status == 124
    assert answer["next"] == CommandOutput(b"after\n", 0)
    await nothing_runs("sleep\0003071")


async def test_an_output_without_end_is_cut(strict: Session) -> None:
    assert strict.shell is not None
    answer = await strict.shell.run({"flood": "yes", "next": "echo after"})
    assert answer["flood"].cut
    assert answer["flood"].stdout == b"y\n" * 32768
    assert answer["next"] == CommandOutput(b"after\n", 0)


async def test_a_run_may_have_limits_of_its_own(strict: Session) -> None:
    assert strict.shell is not None
    answer = await strict.shell.run({"flood": "yes"}, Limits(command_blocks=3))
    assert (answer["flood"].cut, len(answer["flood"].stdout)) == (True, 3 * 65536)
    with pytest.raises(VisitError, match="printed more than 0 MiB"):
        await strict.shell.run({"flood": "yes"}, Limits(command_blocks=3, run_bytes=65536))


async def test_a_run_over_its_cap_fails_and_leaves_nothing_behind(strict: Session) -> None:
    assert strict.shell is not None
    commands = {f"flood{number}": "yes 3072" for number in range(100)}
    with pytest.raises(VisitError, match="more than 4 MiB") as caught:
        await strict.shell.run(commands)
    assert caught.value.kind is ErrorKind.PROTOCOL
    await nothing_runs("yes\0003072")
    assert (await strict.shell.run({"one": "echo again"}))["one"].stdout == b"again\n"


async def test_fifty_cancelled_runs_leave_no_process_and_no_channel(shell: Shell, tmp_path: Path) -> None:
    for number in range(50):
        started = tmp_path / str(number)
        run = asyncio.create_task(shell.run({"hang": f"echo > {started}; sleep 3073 | cat"}))
        if number % 2:  # every other one is cancelled while it starts
            await until(started.exists)
        else:
            await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert (await shell.run({"one": "echo alive"}))["one"].stdout == b"alive\n"
    await nothing_runs("sleep\0003073")


async def nothing_runs(command: str) -> None:
    """Wait until no process of this command line is left; a killed one takes a moment to go."""
    await until(lambda: not any(command in line for line in command_lines()))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, a bounded time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within 10 s")


def command_lines() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            found.append(file.read_bytes().decode(errors="replace"))
    return found
