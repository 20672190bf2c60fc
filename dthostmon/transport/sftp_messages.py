"""SFTP version 3 as far as reading needs it: requests to bytes, answers to values; pure.

Every integer is big-endian, every string has its length before it (draft-ietf-secsh-filexfer-02). A server's answer is
hostile until it is taken apart: what does not fit raises BadAnswer.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

VERSION = 3
LIMITS = b"limits@openssh.com"
USAGE = b"statvfs@openssh.com"
OPEN_FOR_READING = 1

_UINT32 = Struct(">I")
_UINT64 = Struct(">Q")
_HEAD = Struct(">IBI")  # length of what follows, kind, request id
_SIZE, _OWNER, _PERMISSIONS, _TIMES, _EXTENDED = 1, 2, 4, 8, 0x8000_0000
LENGTH_BYTES = _UINT32.size


class Kind(IntEnum):
    """The kinds of messages; those from 101 on are answers."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    OPENDIR = 11
    READDIR = 12
    STAT = 17
    READLINK = 19
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRIBUTES = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """What a STATUS says. Codes from 9 on belong to later versions; some servers use them all the same."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    UNSUPPORTED = 8
    NO_SUCH_PATH = 10
    NOT_A_DIRECTORY = 19
    INVALID_NAME = 20
    LINK_LOOP = 21
    IS_A_DIRECTORY = 24


class BadAnswer(Exception):  # noqa: N818  # named for what came
    """No SFTP, or not what was asked for."""


class Attributes(NamedTuple):
    """What a server told of a file; None = not told. `mtime` is in seconds."""

    size: int | None
    permissions: int | None
    mtime: int | None


@dataclass(frozen=True, slots=True)
class Name:
    """An entry of a directory; `size` is how many bytes it took of the answer."""

    filename: bytes
    attributes: Attributes
    size: int


class Usage(NamedTuple):
    """How full a file system is, in blocks of `fragment` bytes; the fields of statvfs(3) up to those we need."""

    block: int
    fragment: int
    blocks: int
    free: int
    available: int
    inodes: int
    free_inodes: int


def length(head: bytes, at: int) -> int:
    """Return the length that stands before a message."""
    return int(_UINT32.unpack_from(head, at)[0])


def string(value: bytes) -> bytes:
    """Write a string."""
    return _UINT32.pack(len(value)) + value


def init() -> bytes:
    """Write the first message."""
    return _HEAD.pack(5, Kind.INIT, VERSION)


def request(kind: Kind, number: int, *fields: bytes) -> bytes:
    """Write a request with its length before it."""
    body = b"".join(fields)
    return _HEAD.pack(5 + len(body), kind, number) + body


def open_fields(path: bytes) -> bytes:
    """Write what opens a file for reading, with no attributes."""
    return string(path) + _UINT32.pack(OPEN_FOR_READING) + _UINT32.pack(0)


def read_fields(handle: bytes, offset: int, size: int) -> bytes:
    """Write what asks for up to `size` bytes."""
    return string(handle) + _UINT64.pack(offset) + _UINT32.pack(size)


class Answer:
    """A message that is taken apart from its front."""

    __slots__ = ("_at", "_bytes", "_end", "kind")

    def __init__(self, received: bytes, start: int, end: int) -> None:
        """Take what stands from `start` to `end`."""
        if start == end:
            raise BadAnswer("an empty message")
        self.kind = received[start]
        self._bytes = received
        self._at = start + 1
        self._end = end

    @property
    def is_at_end(self) -> bool:
        """Whether all of it was taken."""
        return self._at >= self._end

    def uint32(self) -> int:
        """Take a number."""
        return self._number(_UINT32)

    def uint64(self) -> int:
        """Take a long number."""
        return self._number(_UINT64)

    def string(self) -> bytes:
        """Take a string."""
        size = self._number(_UINT32)
        end = self._at + size
        if end > self._end:
            raise BadAnswer("a message that ends too early")
        taken = self._bytes[self._at : end]
        self._at = end
        return taken

    def attributes(self) -> Attributes:
        """Take what is told of a file."""
        flags = self.uint32()
        size = self.uint64() if flags & _SIZE else None
        if flags & _OWNER:
            self.uint64()  # two numbers: user and group
        permissions = self.uint32() if flags & _PERMISSIONS else None
        mtime = self.uint64() & 0xFFFF_FFFF if flags & _TIMES else None  # two numbers: read and written
        if flags & _EXTENDED:
            for _ in range(2 * self.uint32()):
                self.string()
        return Attributes(size, permissions, mtime)

    def names(self) -> list[Name]:
        """Take the entries of a directory; the text that `ls -l` would show is left out."""
        return [self._name() for _ in range(self.uint32())]

    def _name(self) -> Name:
        start = self._at
        filename = self.string()
        self.string()
        attributes = self.attributes()
        return Name(filename, attributes, self._at - start)

    def _number(self, form: Struct) -> int:
        end = self._at + form.size
        if end > self._end:
            raise BadAnswer("a message that ends too early")
        value: int = form.unpack_from(self._bytes, self._at)[0]
        self._at = end
        return value


def extensions(hello: Answer) -> list[bytes]:
    """Return the names of the extensions that a server's first message offers."""
    if hello.kind != Kind.VERSION or hello.uint32() < VERSION:
        raise BadAnswer("no SFTP of version 3")
    names = []
    while not hello.is_at_end:
        names.append(hello.string())
        hello.string()
    return names


def most_read(limits: Answer) -> int:
    """Return the most bytes that one read may ask for, of an answer to LIMITS; 0 = not told."""
    limits.uint64()  # the longest message
    return limits.uint64()


def usage(answer: Answer) -> Usage:
    """Return the numbers of an answer to USAGE."""
    return Usage(*(answer.uint64() for _ in Usage._fields))


def target(answer: Answer) -> bytes:
    """Return where a link leads, of an answer that looks like a directory of one name."""
    names = answer.names()
    if len(names) != 1:
        raise BadAnswer(f"{len(names)} targets of one link")
    return names[0].filename


def status(answer: Answer) -> tuple[int, str]:
    """Return code and text of a failure."""
    if answer.kind != Kind.STATUS:
        raise BadAnswer(f"a message of kind {answer.kind} where another was due")
    code = answer.uint32()
    if code == Status.OK:
        raise BadAnswer("a success without its result")
    said = "" if answer.is_at_end else answer.string().decode(errors="replace")
    return code, said or f"error {code}"
