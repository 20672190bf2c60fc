"""The history files of shells and of programs that keep one as shells do. Pure."""

import posixpath
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from dthostmon.facts.plain import plain
from dthostmon.facts.secrets import redacted

MAX_COMMANDS = 500
LONGEST_COMMAND = 1000

_TIME = re.compile(r"#\d{9,11}")  # bash with HISTTIMEFORMAT writes one before each command
_ZSH = re.compile(r": *\d{1,11}:\d{1,9};")
_FISH = re.compile(r"- cmd: ?(.*)")
_ESCAPED = re.compile(r"\\([n\\])")
_META = 0x83  # zsh writes it before a byte that is special to it, and that byte xor 32
_LIBEDIT = "_HiStOrY_V2_"  # the first line of what libedit writes, with blanks and the like as octal numbers
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")


def is_history(path: str) -> bool:
    """Tell by its name whether a file is a history: .bash_history, .zsh_history, fish_history, .psql_history, …"""
    name = posixpath.basename(path)
    return name.endswith(("_history", "_history-raw")) or name in {".history", ".zhistory", ".histfile"}


def commands_of(path: str, raw: bytes, *, cut: bool = False) -> tuple[str, ...]:
    """Return the last commands of a history, the oldest first, secrets taken out.

    `cut`: it does not begin where the file does, so its first line is none.
    """
    if cut:
        raw = raw.partition(b"\n")[2]
    found = [command for command in _reader_of(posixpath.basename(path))(raw) if command.strip()]
    # One text, since a key that was pasted spreads over several lines.
    text = redacted("\n".join(_one_line(command) for command in found[-MAX_COMMANDS:]))
    return tuple(plain(line, LONGEST_COMMAND) for line in text.split("\n") if line.strip())[-MAX_COMMANDS:]


def _one_line(command: str) -> str:
    return " ".join(command.splitlines())


def _reader_of(name: str) -> Callable[[bytes], Sequence[str]]:
    if "zsh" in name or name in {".zhistory", ".histfile"}:
        return _zsh
    if name == "fish_history":
        return _fish
    return _newest_first if name == ".node_repl_history" else _lines


def _lines(raw: bytes) -> Sequence[str]:
    lines = raw.decode(errors="replace").split("\n")
    if lines[0] == _LIBEDIT:
        return [_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), line) for line in lines[1:]]
    return [line for line in lines if not _TIME.fullmatch(line)]


def _newest_first(raw: bytes) -> Sequence[str]:
    return _lines(raw)[::-1]


def _zsh(raw: bytes) -> Sequence[str]:
    """Read zsh's: `: 1700000000:0;command` or the command alone; a backslash at its end goes on in the next line."""
    plain = bytes(byte ^ 32 if before == _META else byte for before, byte in pairwise(b"\0" + raw) if byte != _META)
    text = plain.decode(errors="replace").replace("\\\n", " ")
    return [_ZSH.sub("", line, count=1) if _ZSH.match(line) else line for line in text.split("\n")]


def _fish(raw: bytes) -> Sequence[str]:
    """Read fish's, which looks like YAML: `- cmd: command`, with times and paths below."""
    lines = raw.decode(errors="replace").split("\n")
    found = [match[1] for line in lines if (match := _FISH.fullmatch(line))]
    return [_ESCAPED.sub(lambda escape: " " if escape[1] == "n" else escape[1], command) for command in found]
