"""Lines that are made of named members: JSON objects and logfmt.

Members are found by a scan and not by a parser, because a long line is cut within its object, and because the key of a
line, whose numbers are shortened, must fall into the same members as the line itself.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from dthostmon.templates.levels import LETTERS, level_of

_JSON_MEMBER = re.compile(
    r'"((?:[^"\\]|\\.){1,80}+)"\s*+:\s*+(?:"((?:[^"\\]|\\.)*+)(?:"|$)|([^\s,{}\[\]"]++)|(?=[\[{]))', re.ASCII
)
_LOGFMT_MEMBER = re.compile(r'([A-Za-z_@][\w.@/-]{0,80}+)=(?:"((?:[^"\\]|\\.)*+)(?:"|$)|(\S*+))', re.ASCII)
_LOGFMT_START = re.compile(r"(?:time|ts|t|timestamp|level|lvl|at|logger|caller|msg)=", re.ASCII)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED_CHARACTERS = {"n": " ", "r": " ", "t": " ", "b": " ", "f": " "}

_MESSAGES = ("msg", "message", "MESSAGE", "log", "event", "text", "short_message")
_TIMES = frozenset(
    ("time", "ts", "t", "timestamp", "@timestamp", "date", "datetime", "asctime", "time_local", "time_iso8601", "$date")
)
_LEVELS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "PRIORITY", "priority", "s")
_PROGRAMS = ("program", "app", "service", "application", "logger", "logger_name", "component")


class Members(NamedTuple):
    """A line of named members as header and message; `time` is the text of its time."""

    program: str | None
    message: str
    level: int | None
    time: str | None


def json_members(line: str) -> Members | None:
    """Take a JSON object apart: its message, then its other scalar members as ` key=value`; None where it has none."""
    pairs = [(name, _unescaped(text) if text is not None else bare) for name, text, bare in _json_scalars(line)]
    if not pairs:
        return None
    if line.startswith('{"t":{"$date"'):
        return _mongodb(pairs)
    return _members(pairs)


def _json_scalars(line: str) -> list[tuple[str, str | None, str]]:
    return [
        (found[1], found[2], found[3] or "")
        for found in _JSON_MEMBER.finditer(line)
        if found[2] is not None or found[3] is not None
    ]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    if code := found[1]:
        character = chr(int(code, 16))
        return character if character.isprintable() else " "
    return _ESCAPED_CHARACTERS.get(found[2], found[2])


def _members(pairs: Sequence[tuple[str, str]]) -> Members:
    values = dict(reversed(pairs))
    message_name = next((name for name in _MESSAGES if name in values), None)
    program_name = next((name for name in _PROGRAMS if values.get(name)), None)
    left_out = {message_name, program_name, *_TIMES}
    rest = [f"{name}={value}" for name, value in pairs if name not in left_out]
    message = " ".join([values[message_name], *rest] if message_name else rest)
    time = next((value for name, value in pairs if name in _TIMES), None)
    return Members(values[program_name] if program_name else None, message, _level(values), time)


def _mongodb(pairs: Sequence[tuple[str, str]]) -> Members:
    """MongoDB names its members by letters: t time, s severity, c component."""
    values = dict(reversed(pairs))
    rest = [f"{name}={value}" for name, value in pairs if name not in {"$date", "t", "msg"}]
    message = " ".join([values.get("msg", ""), *rest])
    return Members("mongod", message, LETTERS.get(values.get("s", "")[:1]), values.get("$date"))


def _level(values: dict[str, str]) -> int | None:
    for name in _LEVELS:
        if (value := values.get(name)) and (level := level_of(value)) is not None:
            return level
    return None


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
