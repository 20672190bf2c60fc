r"""Bytes to distinct keys to templates. Pure: the same line has the same template on every host and release.

Most of a log repeats itself but for its digits, so the digits go first, for a whole block at the speed of
`bytes.translate`; everything slower looks at what is still distinct, the keys. A template is made from its key alone
and therefore holds no digit.

Lines are separated by \n alone. Nothing slow looks further than LINE_BYTES into a line.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import NamedTuple

from dthostmon.model import Template

BLOCK_BYTES = 1 << 20
LINE_BYTES = 1024
MAX_TEMPLATES = 5000
MASK = "<*>"
OVERFLOW_TEXT = "(a line of a kind beyond the limit of kinds in one run)"

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_ANSI_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)|[@-Z\\^_])")
# C0 and C1 controls but for the tab, line separators, and the marks that turn the direction of writing
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


class ParsedLine(NamedTuple):
    """A line without its header: a tuple, because one is made for each distinct line.

    `program` is None where the line does not tell.
    """

    program: str | None
    message: str


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
    """Return the key of each record, in order: the record with each digit as 0, so the length of a number is kept."""
    return split_lines(block.translate(_DIGITS))


def visible_part(line: bytes) -> bytes:
    """Return what is looked at of a long line. NUL goes first: the hole that a crash left may fill all of the start."""
    return line if len(line) <= LINE_BYTES else line.replace(b"\0", b"")[:LINE_BYTES]


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


def read_time(line: str, reference: datetime, zone: tzinfo) -> datetime | None:
    """Return when a line says it was written, in UTC."""
    for layout, pattern in (("%b %d %H:%M:%S", r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"),):
        if found := re.match(pattern, line):
            at = datetime.strptime(f"{reference.year} {found[0]}", f"%Y {layout}").replace(tzinfo=zone)
            return at.astimezone(UTC)
    if found := re.match(r"(?:<\d+>1 )?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)", line):
        at = datetime.fromisoformat(found[1])
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    return None


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b"
_TAG = r"(?P<program>[^\s:\[\]]+)(?:\[\d*\])?:(?: |$)"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ISO_STAMP = rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_HEADERS = tuple(
    re.compile(expression)
    for expression in (
        # RFC 3164; busybox puts facility.level before the tag
        rf"(?:<\d{{1,3}}>)?[A-Z][a-z][a-z] [ \d]\d {_CLOCK} [^\s:]+ (?:[a-z0-9]+\.[a-z]+ )?{_TAG}",
        # rsyslog's file format and journalctl's short-iso
        rf"(?:<\d{{1,3}}>)?{_ISO_STAMP} (?!{_LEVEL})[^\s:\[\]]+ {_TAG}",
        # RFC 5424: version, stamp, host, program, process, message id, structured data
        r"<\d{1,3}>\d{1,2} \S+ \S+ (?P<program>\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*+\])++)(?: |$)",
        # the kernel's ring buffer
        r"(?P<program>)\[ *\d+\.\d+\] ",
        # a stamp and no tag
        rf"(?:<\d{{1,3}}>)?[A-Z][a-z][a-z] [ \d]\d {_CLOCK} (?P<program>)",
        rf"\[?{_ISO_STAMP}\]? (?P<program>)",
        rf"\[[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ \d]\d {_CLOCK} \d{{4}}\] (?P<program>)",
    )
)
_KERNEL_HEADER = _HEADERS[3]


def take_apart(line: str) -> ParsedLine:
    """Take the header off a cleaned line: syslog (RFC 3164 and 5424), ISO stamps, the kernel's ring buffer, or none.

    The result depends on the line's shape only: lines of one key are taken apart at the same place.
    """
    for header in _HEADERS:
        if match := header.match(line):
            message = line[match.end() :]
            if header is _KERNEL_HEADER:
                return ParsedLine("kernel", message)
            return _parsed(match["program"], message)
    return ParsedLine(None, line)


def _parsed(tag: str, message: str) -> ParsedLine:
    program = tag.rpartition("/")[2] if tag.startswith("/") else tag
    if program == "kernel" and (stamp := _KERNEL_HEADER.match(message)):
        message = message[stamp.end() :]
    return ParsedLine(program or None, message)


_DIGIT_RUN = re.compile(r"\d+")
_EDGES = re.compile(r"""([\s,;()\[\]{}"'<>|]+)""")
_QUOTED = re.compile(r"""(?<![^\s=(\[,:])(?:"[^"]*+"|'[^']*+')""")
_ACCOUNT_AFTER_FOR = re.compile(r"\bfor (?:\S++) from ")
_ACCOUNT_AFTER_USER = re.compile(r"\buser \S++(?=$| from | by | on | \[)")
_HOST_IN_BRACKETS = re.compile(r"\((?:[^\s().]++\.[^\s()]++)?\)")
_MONTHS = frozenset(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"))
_DATE = re.compile(rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(?:{'|'.join(sorted(_MONTHS))}) +<\*>(?: [A-Z]++ <\*>)?")
_MASKS_IN_A_ROW = re.compile(r"<\*>(?:[ ,]+<\*>)+")
_ACCOUNT_NAMES = frozenset({"user", "ruser", "acct", "logname", "login", "username"})


def shorten_numbers(key_text: str) -> str:
    """Return the text of a key with each number as a single 0: what is left of it decides the template."""
    while "00" in key_text:
        key_text = key_text.replace("00", "0")
    return key_text


def mask(message: str) -> str:
    """Return a key's message with its parameters as <*>: what is quoted, accounts, dates, paths, words with a digit."""
    if '"' in message or "'" in message:
        message = _QUOTED.sub(MASK, message)
    if " for " in message:
        message = _ACCOUNT_AFTER_FOR.sub("for <*> from ", message)
    if "user " in message:
        message = _ACCOUNT_AFTER_USER.sub("user <*>", message)
    if "(" in message:
        message = _HOST_IN_BRACKETS.sub("(<*>)", message)
    words = _EDGES.split(message)
    words[::2] = [word if word.isalpha() else _mask_word(word) for word in words[::2]]
    message = "".join(words)
    if not _MONTHS.isdisjoint(words):
        message = _DATE.sub(MASK, message)
    return _MASKS_IN_A_ROW.sub(MASK, message).strip()


@lru_cache(maxsize=4096)
def _mask_word(word: str) -> str:
    """Return the mask for a path and for a word with a digit, with the name of name=value and its punctuation."""
    if "0" not in word and "/" not in word and "=" not in word:
        return word
    core = word.rstrip(".:!?")
    punctuation = word[len(core) :]
    name, equals, value = core.partition("=")
    if equals and _is_plain(name):
        parameter = "." in value or not _is_plain(value) or (value and name in _ACCOUNT_NAMES)
        return f"{name}={MASK}{punctuation}" if parameter else word
    return word if _is_plain(core) else MASK + punctuation


def _is_plain(word: str) -> bool:
    return "0" not in word and not word.startswith("/")


def template_of(key: bytes) -> Template:
    """Return the template that all lines of this key have."""
    program, message = take_apart(clean(key))
    return make_template(*_name_of(ParsedLine(program, shorten_numbers(message))))


def _name_of(parsed: ParsedLine) -> tuple[str | None, str]:
    program = _DIGIT_RUN.sub(MASK, parsed.program) if parsed.program else None
    return program, mask(parsed.message)


def make_template(program: str | None, text: str) -> Template:
    """Name a template. The id is a hash of program and text, so no state is needed to keep it."""
    name = f"{program or ''}\0{text}".encode()
    return Template(id=f"t-{blake2b(name, digest_size=6).hexdigest()}", text=text, program=program)


class TemplateTable:
    """The templates of one run: the first `limit` have their own, all later ones share the overflow template."""

    def __init__(self, limit: int = MAX_TEMPLATES) -> None:
        self._limit = limit
        self._by_name: dict[tuple[str | None, str], Template] = {}
        self._overflow = make_template(None, OVERFLOW_TEXT)

    def admit(self, parsed: ParsedLine) -> Template:
        """Return the template of a key taken apart, with short numbers: its own, or the overflow template."""
        name = _name_of(parsed)
        template = self._by_name.get(name)
        if template is None:
            if len(self._by_name) >= self._limit:
                return self._overflow
            template = self._by_name[name] = make_template(*name)
        return template
