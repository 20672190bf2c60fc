r"""The wire format of `Shell.run`: one script in, one stream of frames out. Pure; the transports move the bytes.

The script goes to a shell's standard input, so neither it nor its boundary is ever visible in the host's process list.
What comes back is

    <noise>
    <boundary> begin
    <output of the first command>
    <boundary> <its name> status <number> … <length> bytes …
    <output of the next command> …
    <boundary> end

where each boundary stands after a newline of its own. It is 128 random bits, new for each run: whatever a login shell
says before, or a command prints, cannot forge a frame. A frame follows its body, so the host streams: nothing is
written to its disk, held in its memory, encoded or decoded. The words after a name are what the command's exit and
`dd` reported, in any order. Where `dd` tells the length (GNU does, busybox may) it must agree: no background process
of a login script can slip text into an output.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport.session import BLOCK_BYTES, CommandOutput, Limits

BOUNDARY_BYTES = 16
TIMED_OUT_STATUS = 124
TERMINATED_STATUS = 143

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_STATUS = re.compile(rb"\bstatus (\d{1,9})\b")  # longer numbers come from a host that wants to be trouble
_LENGTH = re.compile(rb"\b(\d{1,18}) bytes?\b")


@dataclass(frozen=True, slots=True)
class Script:
    """What goes to the shell and what its answer is checked against."""

    text: bytes
    boundary: str
    names: tuple[str, ...]
    limits: Limits

    @property
    def reader(self) -> str:
        """What a POSIX shell is told to do: read the script from its standard input, which stays open, and run it."""
        return f'eval "$(head -c {len(self.text)})"'

    @property
    def command(self) -> str:
        """What a login shell of any kind is told to do."""
        return f"exec /bin/sh -c {shlex.quote(self.reader)}"


def make_script(commands: Mapping[str, str], boundary: str, limits: Limits) -> Script:
    """Build the script that runs named commands.

    Raises ValueError for a name that is not one word, or a command with a NUL.
    """
    text = _SCRIPT.format(
        boundary=boundary,
        seconds=limits.command_seconds,
        block=BLOCK_BYTES,
        blocks=limits.command_blocks,
        calls="\n".join(_call(name, command) for name, command in commands.items()),
    )
    return Script(text.encode("utf-8", "surrogateescape"), boundary, tuple(commands), limits)


def parse(output: bytes, script: Script, where: str) -> dict[str, CommandOutput]:
    """Take the frames apart. `where` names the host in the VisitError of a broken answer."""
    noise, *parts = output.split(b"\n" + script.boundary.encode() + b" ")
    if not parts:
        raise _no_shell(where, noise)
    lines, bodies = zip(*(_first_line(part) for part in parts), strict=True)
    if [line.split(b" ", 1)[0].decode("ascii", "replace") for line in lines] != ["begin", *script.names, "end"]:
        raise _broken(where, "it ended early or its frames are out of order")
    frames = zip(script.names, bodies[:-2], lines[1:-1], strict=True)
    return {name: _output(where, name, body, line, script.limits) for name, body, line in frames}


def _call(name: str, command: str) -> str:
    if not _NAME.fullmatch(name) or name in {"begin", "end"}:
        raise ValueError(f"{name!r} cannot name a command: one word of letters, digits and _ . : - is needed")
    if "\0" in command:
        raise ValueError(f"the command {name!r} holds a NUL, which no shell can read")
    return f"run {name} {shlex.quote(command)}"


def _first_line(part: bytes) -> tuple[bytes, bytes]:
    line, _, rest = part.partition(b"\n")
    return line, rest


def _output(where: str, name: str, body: bytes, line: bytes, limits: Limits) -> CommandOutput:
    length = _LENGTH.search(line)
    if length and int(length[1]) != len(body):
        raise _broken(where, f"{name} printed {int(length[1])} bytes and {len(body)} arrived")
    status = _STATUS.search(line)
    return CommandOutput(body, _exit_status(int(status[1])) if status else None, cut=len(body) >= limits.command_bytes)


def _exit_status(status: int) -> int:
    # The timeout of busybox does not say 124: its victim just dies of SIGTERM, which nobody else sends here.
    return TIMED_OUT_STATUS if status == TERMINATED_STATUS else status


def _broken(where: str, reason: str) -> VisitError:
    fix = "If it stays so, look for a login script on the host that leaves a program writing in the background."
    return VisitError(ErrorKind.PROTOCOL, f"{where}: the output of the shell is broken: {reason}.", fix)


def _no_shell(where: str, noise: bytes) -> VisitError:
    words = " ".join(noise[:200].decode("ascii", "backslashreplace").split())
    said = "".join(character if character.isprintable() else "?" for character in words).rstrip(".")
    message = f"{where}: the login ran no shell{f', it said: {said}' if said else ''}."
    fix = "Give the user a login shell and the key no forced command, or set `transport: sftp` for this host."
    return VisitError(ErrorKind.PERMISSION, message, fix)


# The braces make a script that arrives cut no script at all. The watcher reads the standard input that the client
# keeps open: when the client closes it, or dies, the whole process group goes; signals would not do, servers refuse
# them to root and to forced commands. The command is a background job because a trap runs at once only in a shell
# that is in `wait`; it takes the command along, which has a group of its own: GNU timeout makes one, for busybox
# `setsid` does. That group is swept after the command too, since the timeout of busybox leaves the children of its
# victim alive, and they would hold the pipe open. `unset` takes away the export attribute that a variable of the same
# name may have in the host's environment, so no command sees the boundary. $tail is left unquoted: its lines become
# the words of one line. The end may come at any moment: before the command's number is known, so that is looked at
# again; before the command has a group of its own, so it is killed between two kills of the group; before its shell
# has dropped the trap, which would swallow any signal but SIGKILL; and when nobody reads the status any more, which
# must not end the shell before it has swept.
_SCRIPT = """\
{{
exec 2>/dev/null 5<&0 </dev/null
(read -r nothing <&5; kill 0) >/dev/null &
watcher=$!
exec 5<&-
set -f
unset boundary
boundary={boundary}
LC_ALL=C
PATH=${{PATH:+$PATH:}}/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export LC_ALL PATH
if timeout --version >/dev/null; then limit='timeout -k 1 {seconds}'
elif setsid timeout 1 true; then limit='setsid timeout {seconds}'
elif timeout 1 true; then limit='timeout {seconds}'
else limit=
fi
end() {{
  test "$1" && {{ kill -9 -- "-$1"; kill -9 "$1"; kill -9 -- "-$1"; }}
}}
run() {{
  {{ tail=$({{ (
      command= ended=
      trap 'ended=1; end "$command"' TERM
      trap : PIPE
      $limit /bin/sh -c "$2" 3>&- 4>&- &
      command=$!
      test "$ended" && end "$command"
      wait "$command"
      echo "status $?" >&3
      kill -- "-$command"
    ) | dd bs={block} count={blocks} iflag=fullblock 2>&3 >&4; }} 3>&1); }} 4>&1
  echo
  echo "$boundary $1" $tail
}}
echo
echo "$boundary begin"
{calls}
echo
echo "$boundary end"
kill "$watcher"
}}
"""
