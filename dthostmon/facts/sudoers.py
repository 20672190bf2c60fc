"""The entries of sudoers. Pure."""

import re
from collections.abc import Iterator, Sequence

from dthostmon.facts.plain import plain
from dthostmon.model import SudoRule
from dthostmon.redact import redact

# `#` begins a comment but for the old spelling of an include, and for a user or group named by its number.
_COMMENT = re.compile(r"(?<!\\)#(?!\d+(?![^\s,=:])).*")
_INCLUDE = re.compile(r"[#@]include(?:dir)?\s+(\S.*)")
_LONGEST_ENTRY = 1000
_IGNORED_NAME = re.compile(r"\.|~$")  # sudo passes over such names in a folder: those of editors and packagers


def parse_sudoers(path: str, lines: Sequence[bytes]) -> Iterator[SudoRule]:
    """Read a file's lines; lines that end in a backslash are joined with the next one."""
    for entry in _entries(lines):
        if not _INCLUDE.fullmatch(entry) and (text := " ".join(_COMMENT.sub("", entry).split())):
            yield SudoRule(path, redact(text))


def includes(lines: Sequence[bytes]) -> Iterator[str]:
    """Yield the files and folders that a file includes."""
    for entry in _entries(lines):
        if found := _INCLUDE.fullmatch(entry):
            yield found[1].strip().strip('"')


def is_passed_over(name: str) -> bool:
    """Tell whether sudo reads no file of this name in a folder."""
    return bool(_IGNORED_NAME.search(name))


def _entries(lines: Sequence[bytes]) -> Iterator[str]:
    joined = b"\n".join(lines).replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    for line in joined.split(b"\n"):
        if entry := " ".join(plain(line.replace(b"\t", b" "), _LONGEST_ENTRY).split()):
            yield entry
