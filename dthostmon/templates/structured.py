"""Lines that are made of named members: JSON objects and logfmt.

Members are found by a scan and not by a parser, because a long line is cut within its object, and because the key of a
line, whose numbers are shortened, must fall into the same members as the line itself.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dthostmon.templates.levels import CRITICAL, DEBUG, ERROR, INFORMATION, LETTERS, WARNING, level_of

_JSON_MEMBER = re.compile(
    r'"((?:[^"\\]|\\.){1,80}+)"\s*+:\s*+(?:"((?:[^"\\]|\\.)*+)(?:"|$)|([^\s,{}\[\]"]++)|(?=[\[{]))', re.ASCII
)
_LOGFMT_MEMBER = re.compile(r'([A-Za-z_@][\w.@/-]{0,80}+)=(?:"((?:[^"\\]|\\.)*+)(?:"|$)|(\S*+))', re.ASCII)
_LOGFMT_START = re.compile(r"(?:time|ts|t|timestamp|level|lvl|at|logger|caller|msg)=", re.ASCII)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED_CHARACTERS = {"n": " ", "r": " ", "t": "\t", "b": " ", "f": " "}
_ESCAPED_ANSI = re.compile(r"\\u\d+[bB]\[[\d;]*+[A-Za-z]", re.ASCII)

_MESSAGES = ("msg", "message", "Message", "@m", "@mt", "log", "event", "text", "short_message")
_TIMES = frozenset(
    (
        "time",
        "ts",
        "t",
        "timestamp",
        "Timestamp",
        "@timestamp",
        "@t",
        "date",
        "datetime",
        "asctime",
        "time_local",
        "time_iso8601",
        "$date",
    )
)
_LEVELS = (
    "level",
    "severity",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
    "LogLevel",
    "@l",
    "PRIORITY",
    "priority",
    "s",
)
# syslog's numbers; the key of a line has a 7 for an 8 and a 9
_SYSLOG_NUMBERS = {str(number): min(number, DEBUG) for number in range(10)}
# the numbers of Node's loggers pino and bunyan, which tell process and host too: elsewhere a level may be of any scale
_NODE_NUMBERS = {"10": DEBUG, "20": DEBUG, "30": INFORMATION, "40": WARNING, "50": ERROR, "60": CRITICAL}
_NODE = frozenset(("pid", "hostname"))
_PROGRAMS = ("program", "app", "service", "application", "logger", "logger_name", "component")
_MONGODB = frozenset(("$date", "s", "c", "ctx"))
_JOURNAL_PROGRAMS = ("SYSLOG_IDENTIFIER", "PROGRAM", "_COMM")
_JOURNAL_PROCESSES = ("_PID", "SYSLOG_PID", "PID")
_STREAMS = frozenset(("stdout", "stderr"))


class Members(NamedTuple):
    """A line of named members as header and message; `time` is the text of its time.

    `is_printed` = the message is a line of its own, which a container printed.
    """

    program: str | None
    message: str
    level: int | None
    time: str | None
    pid: str | None = None
    unit: str | None = None
    is_printed: bool = False


def json_members(line: str) -> Members | None:
    """Take a JSON object apart: its message, then its other scalar members as ` key=value`; None where it has none."""
    pairs = [(name, _unescaped(text) if text is not None else bare) for name, text, bare in _json_scalars(line)]
    if not pairs:
        return None
    values = dict(reversed(pairs))
    if line.startswith('{"t":{"$date"') or values.keys() >= _MONGODB:
        return _mongodb(pairs, values)
    if "MESSAGE" in values:
        return _journal(values)
    if "log" in values and (values.get("stream") in _STREAMS or len(values) == 1):
        return Members(None, values["log"].rstrip(), None, values.get("time"), is_printed=True)
    return _members(pairs, values)


def _json_scalars(line: str) -> list[tuple[str, str | None, str]]:
    return [
        (found[1], found[2], found[3] or "")
        for found in _JSON_MEMBER.finditer(line)
        if found[2] is not None or found[3] is not None
    ]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_unescape, _ESCAPED_ANSI.sub("", text)) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    if code := found[1]:
        character = chr(int(code, 16))
        return character if character.isprintable() else " "
    return _ESCAPED_CHARACTERS.get(found[2], found[2])


def _members(pairs: Sequence[tuple[str, str]], values: Mapping[str, str]) -> Members:
    message_name = next((name for name in _MESSAGES if name in values), None)
    program_name = next((name for name in _PROGRAMS if values.get(name)), None)
    left_out = {message_name, program_name, *_TIMES}
    rest = [f"{name}={value}" for name, value in pairs if name not in left_out]
    message = " ".join([values[message_name], *rest] if message_name else rest)
    time = next((value for name, value in pairs if name in _TIMES), None)
    return Members(values[program_name] if program_name else None, message, _level(values), time)


def _journal(values: Mapping[str, str]) -> Members:
    """The journal's entries, and syslog's where their template names the same fields: the message stands alone."""
    program = next((values[name] for name in _JOURNAL_PROGRAMS if values.get(name)), None)
    pid = next((values[name] for name in _JOURNAL_PROCESSES if values.get(name)), None)
    time = values.get("__REALTIME_TIMESTAMP") or next((values[name] for name in _TIMES if name in values), None)
    return Members(program, values["MESSAGE"].rstrip(), _level(values), time, pid, values.get("_SYSTEMD_UNIT"))


def _mongodb(pairs: Sequence[tuple[str, str]], values: Mapping[str, str]) -> Members:
    """MongoDB names its members by letters: t time, s severity, c component."""
    rest = [f"{name}={value}" for name, value in pairs if name not in {"$date", "t", "msg"}]
    message = " ".join([values.get("msg", ""), *rest])
    return Members("mongod", message, LETTERS.get(values.get("s", "")[:1]), values.get("$date"))


def _level(values: Mapping[str, str]) -> int | None:
    for name in _LEVELS:
        if (value := values.get(name)) and (level := level_of(value)) is not None:
            return level
    return _numbered_level(values)


def _numbered_level(values: Mapping[str, str]) -> int | None:
    """Return the level of a number whose scale is known, and whose digits the key of a line keeps."""
    if "PRIORITY" in values:
        return _SYSLOG_NUMBERS.get(values["PRIORITY"])
    if "short_message" in values:  # Graylog's format
        return _SYSLOG_NUMBERS.get(values.get("level", ""))
    return _NODE_NUMBERS.get(values.get("level", "")) if values.keys() >= _NODE else None


def logfmt_members(line: str) -> Members | None:
    """Take a logfmt line apart: the members before its level or message are left out; None where it is no logfmt."""
    if not _LOGFMT_START.match(line):
        return None
    level, time, start = None, None, 0
    for found in _LOGFMT_MEMBER.finditer(line):
        name = found[1]
        value = found[2] if found[2] is not None else found[3]
        if name in _TIMES and time is None:
            time = value
            start = found.end() + 1 if found.start() == start else start
        elif name in _LEVELS and level is None:
            level = level_of(value)
    return Members(None, line[start:], level, time) if level is not None or time else None
