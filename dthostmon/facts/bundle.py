"""Several commands in one process: each by itself would cost the host more than most of them do.

They run one after the other, each in a subshell, and what each prints is told with its length in front: nothing that
is printed can pass for another's output. A command that hangs takes along those after it; what is not told whole is
asked for again, each command by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dthostmon.transport import CommandOutput, Shell

BUNDLE = "bundle"

_HEAD = re.compile(rb"=part (\d{1,4}) (\d{1,3}) (\d{1,9})")

MOST_KILOBYTES = 64 * 1024

# A shell keeps no NUL of what it takes, and no newline at the end; one is put back. Each command is the body of a
# function, since not every shell can take any text apart between $( and ). `set -f` and its like end with the subshell.
# The shell holds what a command prints: one that prints without end is ended by the bound of the shell's own memory,
# which the commands do not have.
_BEGINNING = f"""part_memory=$(ulimit -S -v)
ulimit -S -v {MOST_KILOBYTES}
"""
_PART = """part_{number}() {{
ulimit -S -v "$part_memory"
{text}
}}
part_output=$(part_{number})
printf '=part {number} %s %s\\n%s\\n' $? ${{#part_output}} "$part_output"
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Commands by name, in the order in which they run."""

    commands: Mapping[str, str]

    @property
    def command(self) -> str:
        """The one command that runs them all."""
        parts = (_PART.format(number=number, text=text) for number, text in enumerate(self.commands.values()))
        return _BEGINNING + "".join(parts)

    def told(self, output: bytes) -> Mapping[str, CommandOutput]:
        """Return what each command printed, as far as it was told whole: up to the first that was not."""
        found: dict[str, CommandOutput] = {}
        rest = output
        for number, name in enumerate(self.commands):
            head, _, rest = rest.partition(b"\n")
            part = _HEAD.fullmatch(head)
            if not part or int(part[1]) != number or rest[int(part[3]) : int(part[3]) + 1] != b"\n":
                break
            length = int(part[3])
            found[name] = CommandOutput(rest[: length + 1] if length else b"", int(part[2]))
            rest = rest[length + 1 :]
        return found


async def run_bundled(shell: Shell, commands: Mapping[str, str]) -> Mapping[str, CommandOutput]:
    """Run commands in one process, and those by themselves that were not told so: one hangs, or they print too much."""
    bundle = Bundle(commands)
    told = bundle.told((await shell.run({BUNDLE: bundle.command}))[BUNDLE].stdout)
    left = {name: text for name, text in commands.items() if name not in told}
    return {**told, **await shell.run(left)} if left else told
