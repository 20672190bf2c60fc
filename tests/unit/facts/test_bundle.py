"""Several commands in one process: nothing that one prints passes for another's output."""

import os
import subprocess
from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.bundle import Bundle, run_bundled
from dthostmon.transport import CommandOutput, Limits, Shell, connect
from tests import parts
from tests.fixtures.sshd import make_local_host

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    name, *options = SHELLS[request.param]
    return (parts.program(name), *options)


def run(shell: tuple[str, ...], bundle: Bundle) -> bytes:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    command = [*shell, "-c", bundle.command]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, check=False).stdout


def test_each_command_tells_its_own(shell: tuple[str, ...]) -> None:
    bundle = Bundle(
        {
            "forged": "printf '=part 1 0 3\\nlie\\n\\n=part 1 0 3\\nlie\\n'",
            "bytes": "printf '\\303\\244\\201\\210\\377 $x `y` \\\\ \"'",
            "nothing": ":",
            "fails": "echo some; exit 7; echo more",
            "sets": "set -f -- a b; IFS=:; cd /; part_output=x; case $1 in b) ;; a) echo a ;; esac",
            "globs": "echo /pro[c] $#",
        }
    )
    assert bundle.told(run(shell, bundle)) == {
        "forged": CommandOutput(b"=part 1 0 3\nlie\n\n=part 1 0 3\nlie\n", 0),
        "bytes": CommandOutput(b'\303\244\201\210\377 $x `y` \\ "\n', 0),
        "nothing": CommandOutput(b"", 0),
        "fails": CommandOutput(b"some\n", 7),
        "sets": CommandOutput(b"a\n", 0),
        "globs": CommandOutput(b"/proc 0\n", 0),
    }


def test_what_a_killed_bundle_did_not_tell_is_absent(shell: tuple[str, ...]) -> None:
    bundle = Bundle({"one": "echo 1", "deadly": "echo half; kill -9 $$", "after": "echo 3"})
    assert bundle.told(run(shell, bundle)).keys() == {"one"}


def test_output_that_was_cut_tells_the_parts_before() -> None:
    bundle = Bundle({"one": "", "two": ""})
    whole = b"=part 0 0 3\nabc\n=part 1 124 4\ndefg\n"
    assert bundle.told(whole) == {"one": CommandOutput(b"abc\n", 0), "two": CommandOutput(b"defg\n", 124)}
    for length in range(len(whole)):
        assert bundle.told(whole[:length]).keys() == ({"one"} if length >= 16 else set())


class Impatient:
    """A shell whose commands have a second each, and print no more than a block."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.runs: list[list[str]] = []

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:
        self.runs.append(list(commands))
        return await self.shell.run(commands, limits or Limits(command_seconds=1, command_blocks=1))


@pytest.fixture
async def impatient() -> AsyncIterator[Impatient]:
    session = await connect(make_local_host())
    assert session.shell is not None
    yield Impatient(session.shell)
    await session.close()


async def test_commands_that_end_take_one_run(impatient: Impatient) -> None:
    told = await run_bundled(impatient, {"one": "echo 1", "two": "echo 2; exit 3"})
    assert told == {"one": CommandOutput(b"1\n", 0), "two": CommandOutput(b"2\n", 3)}
    assert impatient.runs == [["bundle"]]


async def test_a_command_that_hangs_hides_no_other(impatient: Impatient) -> None:
    told = await run_bundled(impatient, {"one": "echo 1", "hangs": "echo half; sleep 60", "two": "echo 2"})
    assert told == {
        "one": CommandOutput(b"1\n", 0),
        "hangs": CommandOutput(b"half\n", 124),
        "two": CommandOutput(b"2\n", 0),
    }
    assert impatient.runs == [["bundle"], ["hangs", "two"]]


async def test_a_command_that_prints_too_much_hides_no_other(impatient: Impatient) -> None:
    told = await run_bundled(impatient, {"floods": "head -c 100000 /dev/zero | tr '\\0' x", "two": "echo 2"})
    assert told["floods"].cut
    assert told["two"] == CommandOutput(b"2\n", 0)


async def test_a_command_that_prints_without_end_is_not_held_in_memory(impatient: Impatient) -> None:
    told = await run_bundled(impatient, {"one": "echo 1", "endless": "yes", "two": "echo 2"})
    assert impatient.runs == [["bundle"], ["endless", "two"]]
    assert told["endless"].cut
    assert told["two"].stdout == b"2\n"


def test_the_bound_of_memory_is_the_shell_s_own(shell: tuple[str, ...]) -> None:
    bundle = Bundle({"limit": "ulimit -S -v", "after": "echo 1"})
    own = subprocess.run([*shell, "-c", "ulimit -S -v"], stdout=-1, check=True).stdout
    assert bundle.told(run(shell, bundle))["limit"].stdout == own
    flooded = Bundle({"one": "echo 1", "floods": "head -c 200000000 /dev/zero | tr '\\0' x", "after": "echo 3"})
    assert flooded.told(run(shell, flooded)).keys() == {"one"}


@given(st.binary(max_size=200))
def test_any_output_is_taken_apart(output: bytes) -> None:
    assert Bundle({"a": "", "b": ""}).told(output).keys() <= {"a", "b"}
    assert Bundle({"a": "", "b": ""}).told(b"=part 0 0 1\n" + output).keys() <= {"a", "b"}
