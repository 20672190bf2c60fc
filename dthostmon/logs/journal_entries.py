r"""Journald's entries as lines: its export format in, one line of syslog (RFC 5424) per entry out. Pure.

The export format gives every byte of every field: a field is `NAME=value\n`, or, where the value holds a newline or
other bytes that are no text, `NAME\n`, its length in 8 bytes (little endian), the value and `\n`. A blank line ends an
entry.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_FACILITY",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "_COMM",
    "_HOSTNAME",
    "_PID",
    "_SYSTEMD_UNIT",
)
MESSAGE_BYTES = 64 * 1024  # a longer message is cut: no honest one is longer
INFORMATION = 6  # the priority and the facility that syslog(3) takes where none is named
USER_FACILITY = 1
LONGEST_WORD = 255

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"[a-z]=[0-9a-f]{1,32}(?:;[a-z]=[0-9a-f]{1,32})*")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_NO_WORD = re.compile(rb"[^\x21-\x7e]+")
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its fields, and whether all of it arrived."""

    fields: dict[bytes, bytes]
    is_whole: bool = True

    @property
    def cursor(self) -> str | None:
        """What the journal calls this entry; None where that is no cursor."""
        text = self.fields.get(b"__CURSOR", b"").decode("ascii", "replace")
        return text if is_cursor(text) else None


def is_cursor(text: str) -> bool:
    """Tell whether a text has the form of a cursor, so that it may stand in a command."""
    return _CURSOR.fullmatch(text) is not None


def is_same(one: str, other: str) -> bool:
    """Tell whether two cursors name one entry: where the journal was copied only its sequence is another."""
    return all(_part(one, name) == _part(other, name) for name in "btmx")


def is_next(before: str, after: str) -> bool:
    """Tell whether nothing was written between two entries."""
    return _part(before, "s") == _part(after, "s") and _number(before, "i") + 1 == _number(after, "i")


def later(one: str, other: str) -> str:
    """Return the cursor of the later entry: by sequence, by time where they are of two sequences."""
    name = "i" if _part(one, "s") == _part(other, "s") else "t"
    return other if _number(other, name) > _number(one, name) else one


def _part(cursor: str, name: str) -> str | None:
    found = re.search(rf"(?:^|;){name}=([0-9a-f]+)", cursor)
    return found[1] if found else None


def _number(cursor: str, name: str) -> int:
    return int(_part(cursor, name) or "0", 16)


def parse_entries(raw: bytes) -> Iterator[Entry]:
    """Take the export format apart; an entry that ends early comes last and is not whole.

    Of several values of a field the first is taken; of a message all are, a line each.
    """
    fields: dict[bytes, bytes] = {}
    messages: list[bytes] = []
    position = 0
    while position < len(raw):
        end = raw.find(b"\n", position)
        if end == position:
            if fields or messages:
                yield _entry(fields, messages)
            fields, messages = {}, []
            position += 1
            continue
        name, value, position = _field(raw, position, end)
        if name == b"MESSAGE":
            messages.append(value)
        else:
            fields.setdefault(name, value)
    if fields or messages:
        yield _entry(fields, messages, is_whole=False)


def _entry(fields: dict[bytes, bytes], messages: Sequence[bytes], *, is_whole: bool = True) -> Entry:
    return Entry({**fields, b"MESSAGE": b"\n".join(messages)} if messages else fields, is_whole)


def _field(raw: bytes, position: int, end: int) -> tuple[bytes, bytes, int]:
    """Return the name and the value of the field at a position, and where the next one begins."""
    line = raw[position:end] if end >= 0 else raw[position:]
    name, equals, value = line.partition(b"=")
    if equals or end < 0:
        return name, value, position + len(line) + 1
    begin = end + 1 + _LENGTH_BYTES
    length = int.from_bytes(raw[end + 1 : begin], "little")
    return name, raw[begin : begin + length], begin + length + 1


def render(entry: Entry) -> bytes:
    """Return an entry as one line: `<PRI>1 TIMESTAMP HOST TAG PID - [journal@0 unit="…"] message`, newline included."""
    fields = entry.fields
    unit = fields.get(b"_SYSTEMD_UNIT", b"")[:LONGEST_WORD]
    words = [
        b"<%d>1" % _pri(fields),
        _timestamp(fields),
        _word(fields.get(b"_HOSTNAME", b"")),
        _word(fields.get(b"SYSLOG_IDENTIFIER") or fields.get(b"_COMM", b"")),
        _word(fields.get(b"SYSLOG_PID") or fields.get(b"_PID", b"")),
        b"-",
        b'[journal@0 unit="%b"]' % _quoted(unit) if unit else b"-",
    ]
    message = _escaped(_cut(fields.get(b"MESSAGE", b""), is_whole=entry.is_whole))
    return b" ".join([*words, message]) + b"\n"


def _pri(fields: dict[bytes, bytes]) -> int:
    facility = _small(fields.get(b"SYSLOG_FACILITY", b""), 23, USER_FACILITY)
    return facility * 8 + _small(fields.get(b"PRIORITY", b""), 7, INFORMATION)


def _small(digits: bytes, most: int, otherwise: int) -> int:
    return int(digits) if re.fullmatch(rb"[0-9]{1,2}", digits) and int(digits) <= most else otherwise


def _timestamp(fields: dict[bytes, bytes]) -> bytes:
    """Return the time of arrival in UTC, to the microsecond; `-` (RFC 5424's unknown) where there is none."""
    digits = fields.get(b"__REALTIME_TIMESTAMP", b"")
    if not re.fullmatch(rb"[0-9]{1,17}", digits):  # 17 digits reach into the year 5138
        return b"-"
    return (_EPOCH + timedelta(microseconds=int(digits))).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def _word(value: bytes) -> bytes:
    """Return a header's word: printable ASCII without blanks, `-` where there is none."""
    return _NO_WORD.sub(b"_", value[:LONGEST_WORD]) or b"-"


def _quoted(value: bytes) -> bytes:
    return _escaped(re.sub(rb'(["\\\]])', rb"\\\1", value))


def _escaped(text: bytes) -> bytes:
    """Write control characters as rsyslog does: # and three octal digits."""
    return _CONTROL.sub(lambda found: b"#%03o" % found[0][0], text)


def _cut(message: bytes, *, is_whole: bool) -> bytes:
    """Cut a long message and mark it; of one that did not arrive whole, nobody knows the end."""
    if not is_whole:
        return message[:MESSAGE_BYTES] + b" [cut: more than %d bytes]" % len(message)
    if len(message) <= MESSAGE_BYTES:
        return message
    digest = hashlib.sha256(message).hexdigest().encode()
    return message[:MESSAGE_BYTES] + b" [cut: %d bytes, sha256 %b]" % (len(message), digest)
