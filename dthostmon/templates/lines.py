r"""Bytes to lines, keys and shapes, at the speed of `bytes.translate` for as long as possible.

A key is a line with each digit as 0. A shape is a key with each number as a single 0: all that a template is made from.
Where a digit says what kind of line it is (the class of an HTTP status, the severity in <PRI> or in JSON), it stays, as
one of the bytes 0x10 to 0x17, so that a key is as long as its line. Lines are separated by \n alone. Nothing slow looks
further than LINE_BYTES into a line, but for an entry of the journal, whose message may stand behind much else.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b, sha256

from dthostmon.templates.levels import MAX_PRIORITY

BLOCK_BYTES = 1 << 18
LINE_BYTES = 1024
ENTRY_BYTES = 16 * 1024

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = re.compile(b"00++")
_FIRST_MARK = 0x10
_MARKS = bytes.maketrans(bytes(range(_FIRST_MARK, _FIRST_MARK + 8)), b"01234567")
_PRIORITY = re.compile(rb"\n<[0-9]+>")
_PRIORITY_OF_MESSAGE = re.compile(rb"<(?<=: <)[0-9]+>(?=[^ \n])")
_MEMBER = re.compile(rb'"[ \t]*+:')
# levels of JSON that are numbers, and the characters that JSON spells by numbers although they are no text
_NAMED_LEVEL = re.compile(rb'(level|PRIORITY)(\\?"[ \t]*+:[ \t]*+(?:\\?")?)([0-9]++)(?![.eE])')
_ESCAPED_CHARACTER = re.compile(rb"\\u00(?:1[bB]|2[267]|3[cCeE])")
# a status stands behind the request of an access line, or is a member of that name; an exit status is status=1/FAILURE
_REQUEST_STATUS = re.compile(rb'" [1-5](?=[0-9][0-9](?![0-9]))')
_NAMED_STATUS = re.compile(rb'tatus(?:=|": ?)[1-5](?=[0-9][0-9](?![0-9/.]))')
# what journald adds to an entry and nobody asks for here
_ADDED_MEMBER = re.compile(
    rb'"_(?!PID"|COMM"|SYSTEMD_UNIT"|_REALTIME_TIMESTAMP")[A-Z_]++"[ \t]*+:[ \t]*+(?:"(?:[^"\\]|\\.)*+"|null)[ \t]*+,?'
)
_TO_MARKS = bytes.maketrans(b"01234567", bytes(range(_FIRST_MARK, _FIRST_MARK + 8)))
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n"
_ANSI_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)|[@-Z\\^_])")
# C0 and C1 controls but for the tab, line separators, and the marks that turn the direction of writing
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def blocks(data: bytes) -> Iterator[bytes]:
    """Cut into blocks of whole lines, about BLOCK_BYTES each; a longer line is a block of its own size."""
    start = 0
    while start < len(data):
        newline = data.find(b"\n", start + BLOCK_BYTES - 1)
        end = newline + 1 if newline >= 0 else len(data)
        yield data[start:end]
        start = end


def split_lines(block: bytes) -> list[bytes]:
    r"""Return the records of a block: blank and unfinished ones count, a trailing \n begins no further record."""
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def split_keys(block: bytes) -> list[bytes]:
    """Return the key of each record, in order: as long as the record, with each digit as 0 or as its mark."""
    return split_lines(_marked(block).translate(_DIGITS))


def _marked(block: bytes) -> bytes:
    """Put marks in the place of the digits that say what kind of line it is."""
    if b"<" in block:
        block = _marked_priorities(block)
    if b'"' in block and b'" ' in block:
        block = _REQUEST_STATUS.sub(_class_mark, block)
    if b"tatus" in block:
        block = _NAMED_STATUS.sub(_class_mark, block)
    return _marked_json(block) if b"{" in block and b'"' in block and _MEMBER.search(block) else block


def _marked_priorities(block: bytes) -> bytes:
    if block[:1] == b"<" or b"\n<" in block:
        block = _PRIORITY.sub(_severity_mark, b"\n" + block)[1:]
    return _PRIORITY_OF_MESSAGE.sub(_severity_mark, block)


def _marked_json(block: bytes) -> bytes:
    if b"level" in block or b"PRIORITY" in block:
        block = _NAMED_LEVEL.sub(_level_mark, block)
    if b"\\u00" in block:
        block = _ESCAPED_CHARACTER.sub(_escape_mark, block)
    return block


def _severity_mark(found: re.Match[bytes]) -> bytes:
    return _MARKED_PRIORITIES.get(found[0]) or _unusual_severity_mark(found[0])


def _unusual_severity_mark(priority: bytes) -> bytes:
    """Mark a priority behind the name of a program like one before it, and a number that syslog has not by sevens."""
    start, number = priority[:-1].split(b"<")
    marked = _MARKED_PRIORITIES.get(b"\n<%b>" % number)
    return start + (marked[1:] if marked else b"<%b>" % (_mark(7) * len(number)))


def _escape_mark(found: re.Match[bytes]) -> bytes:
    return found[0].translate(_TO_MARKS)


def _level_mark(found: re.Match[bytes]) -> bytes:
    name, between, number = found.groups()
    if len(number) == 1:
        marked = _mark(min(int(number), 7))
    elif len(number) == 2 and b"10" <= number <= b"60" and number.endswith(b"0"):
        marked = number.translate(_TO_MARKS)
    else:
        marked = _mark(7) * len(number)
    return name + between + marked


def _class_mark(found: re.Match[bytes]) -> bytes:
    status = found[0]
    return status[:-1] + _CLASS_MARKS[status[-1:]]


def _mark(value: int) -> bytes:
    return bytes([_FIRST_MARK + value])


_CLASS_MARKS = {b"%d" % value: _mark(value) for value in range(1, 6)}
_MARKED_PRIORITIES = {
    b"\n<%b>" % digits: b"\n<%b%b>" % (digits[:-1], _mark(int(digits) & 7))
    for width in (1, 2, 3)
    for digits in (b"%0*d" % (width, value) for value in range(min(10**width, MAX_PRIORITY + 1)))
}


def shapes(keys: Sequence[bytes]) -> list[bytes]:
    r"""Return the shape of each key, in order: what is looked at of it, with each number as a single 0."""
    if max(map(len, keys), default=0) > LINE_BYTES:
        keys = list(map(visible_part, keys))
    shortened = b"0".join(_LONG_NUMBER.split(b"\n".join(keys)))  # 'sub' takes longer
    return shortened.split(b"\n") if keys else []


def shape_texts(shapes: Sequence[bytes]) -> list[str]:
    """Return shapes as cleaned text, their marks as digits."""
    text = b"\n".join(shapes).translate(_MARKS)
    if text.translate(None, _PLAIN):
        return [clean(shape) for shape in text.split(b"\n")]
    return text.decode("ascii").split("\n")


def clean_all(lines: Sequence[bytes]) -> list[str]:
    """Return each record cleaned; together they cost less, where none of them needs any cleaning."""
    text = b"\n".join(lines)
    if not lines or text.translate(None, _PLAIN) or max(map(len, lines)) > LINE_BYTES:
        return list(map(clean, lines))
    return text.decode("ascii").split("\n")


def visible_part(line: bytes) -> bytes:
    """Return what is looked at of a long line. NUL goes first: the hole that a crash left may fill all of the start."""
    return line if len(line) <= LINE_BYTES else _without_added(line.replace(b"\0", b""))[:LINE_BYTES]


def _without_added(line: bytes) -> bytes:
    if len(line) > LINE_BYTES and line.startswith(b"{") and b'"MESSAGE"' in line[:ENTRY_BYTES]:
        return _ADDED_MEMBER.sub(b"", line[:ENTRY_BYTES])
    return line


def clean(line: bytes) -> str:
    r"""Return a record as text safe to show and to store: no NUL, ANSI sequence or CR, other controls as \xNN."""
    line = visible_part(line).rstrip(b"\r")
    if line.isascii() and (text := line.decode("ascii")).isprintable():
        return text
    line = line.replace(b"\0", b"").replace(b"\r", b"")
    text = _ANSI_SEQUENCE.sub(b"", line).decode("utf-8", "backslashreplace")
    return _CONTROL_CHARACTER.sub(_escape, text)


def as_read(line: bytes) -> str:
    r"""Return a record as evidence: nothing left out, what is not printable as \xNN or \uNNNN. A long one is cut, and
    says how long it is and its SHA-256, by which it is found among the stored lines.
    """
    text = visible_part(line).decode("utf-8", "backslashreplace")
    shown = text if text.isprintable() else _CONTROL_CHARACTER.sub(_escape, text)
    return shown if len(line) <= LINE_BYTES else f"{shown} [cut: {len(line)} bytes, sha256 {sha256(line).hexdigest()}]"


def line_id(path: str, line: bytes) -> str:
    """Name a line: the same bytes in the same log have the same id."""
    return f"l-{blake2b(path.encode('utf-8', 'surrogateescape') + bytes(1) + line, digest_size=8).hexdigest()}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
