"""Files through the collector program: for hosts that offer no SFTP. What the program is told and answers is in
collector.sh, which is both what an administrator installs on a host and what is sent to a login shell.
"""

import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.transport import paths
from dthostmon.transport.exchange import Answer, Exchange
from dthostmon.transport.session import (
    LONGEST_FILE_BYTES,
    MAX_DIRECTORY_ENTRIES,
    DirectoryEntry,
    FileStat,
    FileSystemUsage,
)

PROGRAM = Path(__file__).with_name("collector.sh")
COMMAND_SECONDS = 10  # what collector.sh gives each of its tools
PIECE_BYTES = 1024 * 1024
LIST_BYTES = 16 * 1024 * 1024  # where collector.sh cuts a listing
MESSAGE_BYTES = 64 * 1024  # of an answer that has no body to speak of: a link, or noise

_UNSAFE = re.compile(rb"[^A-Za-z0-9_./-]")
_LENGTH = re.compile(r"\b(\d{1,18}) bytes?\b")
# Programs that were installed before they knew of owners tell none; a listing tells no inode either.
_STAT = re.compile(r"([0-9a-f]{1,8}) (\d{1,19}) (-?\d{1,15})(?: (\d{1,20})(?: (\d{1,10}) (\d{1,10}))?)?")
_USAGE = re.compile(r"(\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19})")
_ABSENT = {
    "no such file or directory",
    "not a directory",
    "too many levels of symbolic links",
    "symbolic link loop",  # the same, in the words of musl
}
_NO_LINK = _ABSENT | {"invalid argument"}


@cache
def program() -> bytes:
    """Return the text of the collector program."""
    return PROGRAM.read_bytes()


def hello(boundary: str) -> bytes:
    """Return what an installed program is greeted with."""
    return f"hello {boundary} owners\n".encode()


def sent_program(boundary: str) -> bytes:
    """Return what a shell is sent that shall become the program: its boundary is no argument, which `ps` would show."""
    return f"set -- {boundary} owners\n".encode() + program()


def shell_command(text: bytes) -> str:
    """Return what a login shell of any kind is asked to do, so that it becomes the program."""
    reader = f'eval "$(head -c {len(text)})"'
    return f"exec /bin/sh -c {shlex.quote(reader)}"


class CollectorFiles:
    """Reads files through one conversation with the program."""

    def __init__(self, exchange: Exchange, where: str) -> None:
        self._exchange = exchange
        self._where = where

    async def stat(self, path: str) -> FileStat | None:
        """See `session.Files`."""
        answer = await self._ask("stat", path)
        if _is_about(answer, _ABSENT):
            return None
        found = _STAT.fullmatch(_words(path, answer))
        return _file_stat(found) if found else self._misunderstood("stat", answer)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `session.Files`."""
        answer = await self._ask("list", directory, limit=LIST_BYTES)
        if _is_about(answer, _ABSENT):
            return []
        _words(directory, answer)
        if answer.body.count(b"\0") > MAX_DIRECTORY_ENTRIES or len(answer.body) == LIST_BYTES:
            raise FileUnreadableError(directory, f"it holds more than {MAX_DIRECTORY_ENTRIES} names")
        return list(_entries(answer.body))

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `session.Files`."""
        pieces = []
        while True:
            size = min(length, PIECE_BYTES)
            piece = await self._read_piece(path, offset, size)
            pieces.append(piece)
            offset += size
            length -= size
            if not length or len(piece) < size:
                return b"".join(pieces)

    async def usage(self, path: str) -> FileSystemUsage | None:
        """See `session.Files`."""
        answer = await self._ask("usage", path)
        found = _USAGE.fullmatch(_words(path, answer))
        return FileSystemUsage(*map(int, found.groups())) if found else None

    async def link(self, path: str) -> str | None:
        """See `session.Files`."""
        answer = await self._ask("link", path)
        if _is_about(answer, _NO_LINK):
            return None
        _words(path, answer)
        return paths.to_text(answer.body)

    async def _read_piece(self, path: str, offset: int, length: int) -> bytes:
        answer = await self._ask("read", path, offset, length, limit=length)
        told = _LENGTH.search(_words(path, answer))
        if told and int(told[1]) != len(answer.body):
            return self._misunderstood("read", answer)
        return answer.body

    async def _ask(self, verb: str, path: str, *numbers: int, limit: int = MESSAGE_BYTES) -> Answer:
        raw = paths.to_request(path)
        if not raw:
            raise FileUnreadableError(path, "no such file or directory")
        return await self._exchange.ask(" ".join([verb, _encoded(raw), *map(str, numbers)]), limit)

    def _misunderstood(self, verb: str, answer: Answer) -> NoReturn:
        message = (
            f"{self._where}: the collector program answers {verb} with {len(answer.body)} bytes and {answer.words!r}."
        )
        fix = "If it stays so, look for a login script on the host that leaves a program writing in the background."
        raise VisitError(ErrorKind.PROTOCOL, message, fix)


def _encoded(raw: bytes) -> str:
    return _UNSAFE.sub(lambda found: b"\\0%03o" % found[0][0], raw).decode("ascii")


def _is_about(answer: Answer, reasons: set[str]) -> bool:
    return not answer.ok and answer.words.lower() in reasons


def _words(path: str, answer: Answer) -> str:
    """Return what the answer says. Raises FileUnreadableError where it says that something is wrong with the file."""
    if answer.ok:
        return answer.words
    reason = "".join(character if character.isprintable() else "?" for character in answer.words[:300])
    raise FileUnreadableError(path, reason.lower() or "the host did not tell in time")


def _entries(body: bytes) -> Iterator[DirectoryEntry]:
    """Make the entries of a listing, without names that no directory can hold: they could lead the caller elsewhere."""
    for record in body.split(b"\0")[:-1]:
        *told, name = record.split(b" ", 3)
        found = _STAT.fullmatch(b" ".join(told).decode("ascii", "replace"))
        if found and name not in {b"", b".", b".."} and b"/" not in name:
            link = stat.S_ISLNK(int(found[1], 16))
            yield DirectoryEntry(paths.to_text(name), _file_stat(found), link)


def _file_stat(found: re.Match[str]) -> FileStat:
    mode = int(found[1], 16)
    return FileStat(
        size=min(int(found[2]), LONGEST_FILE_BYTES),
        mtime=float(found[3]),
        regular=stat.S_ISREG(mode),
        directory=stat.S_ISDIR(mode),
        inode=int(found[4]) if found[4] else None,
        mode=mode,
        uid=int(found[5]) if found[5] else None,
        gid=int(found[6]) if found[6] else None,
    )
