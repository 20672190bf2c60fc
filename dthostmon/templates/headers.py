r"""Lines taken apart into header and message.

The key of a line is the line with shortened numbers, and both must be taken apart at the same place: no expression here
may ask for the value of a digit or for how many there are. `\d+` is a number, and nothing else speaks of digits.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from dthostmon.templates.levels import (
    LETTERS,
    LEVEL,
    POSTGRESQL,
    first_level,
    leading_level,
    level_of,
    level_of_priority,
)
from dthostmon.templates.masks import ACCESS_STATUS
from dthostmon.templates.structured import Members, json_members, logfmt_members


class ParsedLine(NamedTuple):
    """A line without its header: a tuple, because one is made for each distinct line.

    `program`, `pid`, `unit` and `time` (the text of the stamp) are None where the line does not tell. `level` is a
    syslog severity, 0 to 7. `message[body:]` is what the line says, without the level, thread and logger that
    frameworks put before it.
    """

    program: str | None
    message: str
    level: int | None = None
    pid: str | None = None
    unit: str | None = None
    time: str | None = None
    body: int = 0

    @property
    def has_header(self) -> bool:
        """Whether anything but its message was recognised: a program, a time, a level before it."""
        return self.program is not None or self.time is not None or self.body > 0


_made = partial(tuple.__new__, ParsedLine)  # half the time of a call, of which there is one for each distinct line
CACHED_HEADERS = 4096
LONGEST_HEADER = 160

_MONTH = r"[A-Z][a-z][a-z]"
_CLOCK = r"\d+:\d+:\d+(?:[.,:]\d+)?"
_UPPER_LEVEL = r"(?:TRACE|DEBUG|FINE(?:R|ST)?|VERBOSE|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?|FATAL)"
_ZONE = rf"(?: ?(?:Z\b|(?!{_UPPER_LEVEL}\b)[A-Z]{{3,5}}(?=[ \]])|[+-]\d+(?::\d+)?))?"
_ISO_STAMP = rf"\d+-\d+-\d+(?:T| {{1,2}}){_CLOCK}{_ZONE}"
_SYSLOG_STAMP = rf"{_MONTH} +\d+ (?:\d+ )?{_CLOCK}(?: {_MONTH}[a-z]?)?"
_STAMP = (
    rf"(?:{_ISO_STAMP}"
    rf"|(?:{_MONTH} )?{_MONTH} +\d+ {_CLOCK}(?: (?!{_UPPER_LEVEL}\b)[A-Z]{{3,5}})?(?: \d+\b)?"
    rf"|\d+[-/.](?:\d+|{_MONTH})[-/.]\d+[ T_:-]{{1,2}}{_CLOCK}{_ZONE}"
    r"|\d+-\d+-\d+-\d+\.\d+\.\d+(?:\.\d+)?"
    rf"|\d+ {_MONTH} \d+ {_CLOCK}"
    rf"|\d+[-./]\d+ {_CLOCK}|\d+-{_CLOCK})"
)
_TAG = r"(?P<program>[^\s:\[\]]+)(?:\[(?P<pid>\d*)\](?: \(\[?\d+\]?\))?)?:(?: |$)"
# names of programs with blanks are names only with their process behind them
_LONG_TAG = r"(?P<program>[A-Z][\w.-]*(?: [A-Z][\w.-]*){1,3})\[(?P<pid>\d+)\](?: \(\[?\d+\]?\))?:(?: |$)"

_PRIORITY = re.compile(r"<\d+>", re.ASCII)
_RFC_3164 = re.compile(
    rf"(?P<time>{_SYSLOG_STAMP}) (?P<host>[^\s:]+) (?:[a-z0-9]+\.(?P<level>[a-z]+) )?{_TAG}", re.ASCII
)
_RFC_3164_LONG = re.compile(rf"(?P<time>{_SYSLOG_STAMP}) (?P<host>[^\s:]+) {_LONG_TAG}", re.ASCII)
_ISO_SYSLOG = re.compile(
    rf"(?P<time>\d+-\d+-\d+[T ]{_CLOCK}(?:[+-]\d+(?::\d+)?)?) (?!{LEVEL}\b)[^\s:\[\]]+ {_TAG}", re.ASCII
)
_ISO_SYSLOG_UTC = re.compile(
    rf"(?P<time>\d+-\d+-\d+T{_CLOCK}Z) (?!{LEVEL}\b)[^\s:\[\]]+ "
    r"(?P<program>[^\s:\[\]]+(?=\[)|kernel)(?:\[(?P<pid>\d*)\])?:(?: |$)",
    re.ASCII,
)
_RFC_5424 = re.compile(
    r"\d+ (?P<time>\S+) \S+ (?P<program>\S+) (?P<pid>\S+) \S+ (?:-|(?P<data>(?:\[(?:[^\]\\]|\\.)*+\])++))(?: |$)",
    re.ASCII,
)
_UNIT = re.compile(r'\[journal@\d+ unit="((?:[^"\\]|\\.)*+)"\]', re.ASCII)
_RING_BUFFER = re.compile(r"\[ *(?P<time>\d+\.\d+)\](?:\[ *[TC]\d+\])? ", re.ASCII)
_ACCESS = re.compile(
    r'(?!\d+-\d+-\d+T)(?:\S+ )?\S+ \S+ \S[^"\[\n]{0,80}?\[(?P<time>\d+/[A-Z][a-z][a-z]/\d+:\d+:\d+:\d+ [+-]\d+)\] "',
    re.ASCII,
)
_NGINX_ERROR = re.compile(
    r"(?P<time>\d+/\d+/\d+ \d+:\d+:\d+) \[(?P<level>[a-z]+)\] (?P<pid>\d+)#\d+: (?:(?=\*)|)", re.ASCII
)
_APACHE_ERROR = re.compile(
    rf"\[(?P<time>{_MONTH} {_MONTH} +\d+ {_CLOCK} \d+)\] (?=\[(?:\w*:)?(?P<level>[a-z]+)\d*\](?: \[pid (?P<pid>\d+))?)",
    re.ASCII,
)
_POSTGRESQL = re.compile(
    rf"(?P<time>{_ISO_STAMP}) (?=[^\n]{{0,120}}?\b(?P<level>{'|'.join(POSTGRESQL)}|DEBUG\d*|DETAIL|HINT|CONTEXT"
    r"|STATEMENT|QUERY|LOCATION):  )(?:(?=\[(?P<pid>\d+)\]))?",
    re.ASCII,
)
_MYSQL = re.compile(
    rf"(?P<time>\d+-\d+-\d+[T ] ?{_CLOCK}(?:Z|[+-]\d+:\d+)?) \d+ (?=\[(?P<level>ERROR|Warning|Note|System)\])", re.ASCII
)
_REDIS = re.compile(
    r"(?P<pid>\d+):[A-Z] (?P<time>\d+ [A-Z][a-z][a-z] \d+ \d+:\d+:\d+\.\d+) (?P<mark>[-.*#]) ", re.ASCII
)
_REDIS_LEVELS = {".": 7, "-": 6, "*": 5, "#": 4}
_AUDIT = re.compile(r"(?:node=\S+ )?type=\S+ msg=audit\((?P<time>\d+\.\d+):\d+\):", re.ASCII)
_GLOG = re.compile(r"(?P<level>[IWEF])(?P<time>\d+ \d+:\d+:\d+\.\d+) +(?P<pid>\d+) ", re.ASCII)
_CONTAINER_STREAM = re.compile(r"(?:stdout|stderr) [FP] ")
# what compose prints before a container's line: its name, padded
_COMPOSE = re.compile(r"[a-z][\w.-]*+ {2,}+\| ", re.ASCII)
_PRIORITY_OF_MESSAGE = re.compile(r"<(\d+)>(?=\S)", re.ASCII)
# two characters with which a message may begin that tells its level
_TELLING_STARTS = frozenset(
    (
        *("ti", "ts", "t=", "le", "lv", "ms", '{"', "{ "),
        *("EM", "PA", "AL", "CR", "FA", "SE", "ER", "WA", "NO", "IN", "DE", "TR"),
        *(f"{letter}{digit}" for letter in "IWEF<" for digit in "0123456789"),
        *(f"{bracket}{letter}" for bracket in "[<(" for letter in "ACDEFINPSTVWacdeinstw"),
    )
)
# logcat: stamp, process, thread, one letter for the level, tag
_LETTERED = re.compile(
    rf"(?P<time>{_STAMP}) +(?P<pid>\d+) +\d+ (?P<level>[VDIWEF]) (?P<program>[^\s:][^:\n]{{0,60}}?) *: ?", re.ASCII
)
# a label or numbers before the stamp, and columns with numbers behind it: nodes, processes, threads
_COLUMN = r"[^\s\d]*+\d\S*+"
_STAMPED = re.compile(rf"\[?(?P<time>{_STAMP}|{_CLOCK})\]?(?:[,|]|(?=\s|$|\[))[ \t]?", re.ASCII)
_COLUMNS_AND_STAMP = re.compile(
    rf"(?:-|[A-Z]+|{_COLUMN}) +(?:(?:{_COLUMN}|[A-Z_]{{2,}}) +){{0,3}}?\[?(?P<time>{_STAMP})\]?[,|]?(?: |$)", re.ASCII
)
_SYSLOG_ITSELF = re.compile(
    rf"(?P<time>{_SYSLOG_STAMP}) [^\s:]+ (?=-- MARK --|-{{0,3}} ?last message repeated |message repeated )", re.ASCII
)
_BRACKET = r"\[(?:[^\[\]]|\[[^\[\]]*+\])*+\]"
_LOGGER = r"[A-Za-z_][\w$]*+(?:[.$/-][\w$@-]++)*+"
_DOTTED = r"[A-Za-z_][\w$]*+(?:[.$][\w$@-]++)++"
_NO_EXCEPTION = r"(?![^\s:]*(?:Exception|Error|Throwable)\b)"
# in lower case a level stands in brackets, before a colon or comma, or in a column of its own: "Error loading" is prose
_PRELUDE = re.compile(
    rf"[ \t|]*+(?:(?:{_COLUMN}|[A-Z_]{{2,}}+|-|{_BRACKET}|{_LOGGER}(?= - ))[ \t|]*+){{0,6}}?"
    rf"(?:(?P<upper>{_UPPER_LEVEL})(?![\w.=])|[\[<(](?P<bracketed>{LEVEL}) *[\])>]|(?P<level>{LEVEL})(?=[:,|\t]|  ))"
    rf"[:,]?[ \t|]*(?:- )?(?:{_BRACKET} *)*(?:- )?"
    rf"(?:{_NO_EXCEPTION}(?:{_DOTTED}(?:: ?|  ?(?=\[))|[A-Za-z_]\w*+(?:\.[\w$]++){{2,}}+ |{_LOGGER} +- )"
    rf"(?:{_BRACKET} *)?(?:- )?)?",
    re.ASCII,
)
_LABELLED_SYSLOG = re.compile(
    rf"(?:-|[A-Z]+|{_COLUMN}) +(?:\S+ +){{1,3}}?(?P<time>{_SYSLOG_STAMP}) [^\s:]+ {_TAG}", re.ASCII
)


def take_apart(line: str) -> ParsedLine:
    """Take the header off a cleaned line. What is not recognised is a message without a program."""
    first = line[:1]
    if first == "<" and (priority := _PRIORITY.match(line)):
        return _with_priority(line, priority)
    if first.isupper() and (found := _RFC_3164.match(line)):
        return _rfc_3164(line, found)
    for look in _LOOKS_BY_START.get(first if not first.isdigit() else "0", _OTHER_LOOKS):
        if parsed := look(line):
            return parsed
    return ParsedLine(None, line, first_level(line))


class _SyslogHeaders(dict[str, ParsedLine | None]):
    """The headers that lines with shortened numbers have before their first ': ', taken apart: they are few.

    None is for those that are no syslog header, or not by themselves. Full, it forgets: that changes no result.
    """

    def __missing__(self, header: str) -> ParsedLine | None:
        found = _RFC_3164.fullmatch(header)
        parsed = _rfc_3164(header, found) if found else None
        if len(self) >= CACHED_HEADERS:
            self.clear()
        self[header] = parsed
        return parsed


_HEADERS = _SyslogHeaders()


def take_apart_all(lines: Sequence[str]) -> list[ParsedLine]:
    """Take many lines apart, with shortened numbers: most of their headers are the same."""
    parsed = []
    for line in lines:
        end = line.find(": ", 0, LONGEST_HEADER) + 2
        if end > 1 and "A" <= line < "[" and (known := _HEADERS[line[:end]]):
            program, message, level = known.program, line[end:], known.level
            if program == "kernel" or message[:2] in _TELLING_STARTS:
                program, message, own_level = _inner(program, message)
                level = own_level if level is None else level
            parsed.append(_made((program, message, level, None, None, None, 0)))
        else:
            parsed.append(take_apart(line))
    return parsed


def _with_priority(line: str, priority: re.Match[str]) -> ParsedLine:
    level = level_of_priority(priority[0][1:-1])
    rest = line[priority.end() :]
    if found := _RFC_5424.match(rest):
        return _rfc_5424(rest, found, level)
    parsed = take_apart(rest) if not rest.startswith("<") else ParsedLine(None, rest)
    return parsed if level is None else parsed._replace(level=level)


def _rfc_5424(rest: str, found: re.Match[str], level: int | None) -> ParsedLine:
    program, pid, data = _said(found["program"]), _said(found["pid"]), found["data"]
    unit = unit_found[1] if data and (unit_found := _UNIT.match(data)) else None
    program, message, own_level = _inner_text(_named(program), rest[found.end() :])
    level = own_level if level is None else level
    return ParsedLine(program, message, level, pid, unit, _said(found["time"]))


def _said(word: str) -> str | None:
    return None if word == "-" else word


def _named(tag: str | None) -> str | None:
    return tag.rpartition("/")[2] if tag and tag.startswith("/") else tag


def _syslog(line: str, found: re.Match[str]) -> ParsedLine:
    tag, pid, time = found.group("program", "pid", "time")
    program, message, level = _inner(_named(tag), line[found.end() :])
    return ParsedLine(program, message, level, pid or None, None, time)


def _rfc_3164(line: str, found: re.Match[str]) -> ParsedLine:
    parsed = _syslog(line, found)
    level = level_of(found["level"]) if found["level"] else None
    return parsed if level is None else parsed._replace(level=level)


def _inner(program: str | None, message: str) -> tuple[str | None, str, int | None]:
    """Take off what a program writes before its message although syslog knows it: uptime, time= of logfmt, JSON."""
    if program == "kernel":
        if stamp := _RING_BUFFER.match(message):
            return program, message[stamp.end() :], None
    elif message[:2] in _TELLING_STARTS:
        return _telling(program, message)
    return program, message, None


def _inner_text(program: str | None, message: str) -> tuple[str | None, str, int | None]:
    """Do the same for a message without a tag before it: there, the key of a line has lost the number of a <PRI>."""
    is_priority = message[:1] == "<" and message[1:2].isdigit()
    return (program, message, None) if is_priority else _inner(program, message)


def _telling(program: str | None, message: str) -> tuple[str | None, str, int | None]:
    if priority := _PRIORITY_OF_MESSAGE.match(message):
        level = level_of_priority(priority[1])
        return program, message if level is None else message[priority.end() :], level
    if message.startswith(("time=", "{")):
        members = json_members(message) if message[0] == "{" else logfmt_members(message)
        if members:
            return program, members.message, members.level
    return program, message, _own_level(program, message)


def _own_level(program: str | None, message: str) -> int | None:
    """Return the level that a message begins with; where a program writes none to syslog, that is all there is."""
    if found := _GLOG.match(message):
        return LETTERS[found["level"]]
    if program and program.startswith("postgres"):
        return POSTGRESQL.get(message.partition(":")[0])
    if members := logfmt_members(message):
        return members.level
    return leading_level(message)


def _read(expression: re.Pattern[str], program: str | None) -> Callable[[str], ParsedLine | None]:
    """Return a look for a form that names its program by its shape."""
    names = expression.groupindex

    def look(line: str) -> ParsedLine | None:
        found = expression.match(line)
        if found is None:
            return None
        level = level_of(found["level"]) if "level" in names and found["level"] else None
        pid = found["pid"] if "pid" in names else None
        return ParsedLine(program, line[found.end() :], level, pid, None, found["time"])

    return look


def _ring_buffer(line: str) -> ParsedLine | None:
    found = _RING_BUFFER.match(line)
    return ParsedLine("kernel", line[found.end() :], time=found["time"]) if found else None


def _syslog_look(expression: re.Pattern[str]) -> Callable[[str], ParsedLine | None]:
    def look(line: str) -> ParsedLine | None:
        found = expression.match(line)
        return _syslog(line, found) if found else None

    return look


def _json(line: str) -> ParsedLine | None:
    members = json_members(line)
    if members and members.is_printed:
        return _behind(members.message, members.time)
    return _from_members(members) if members else None


def _json_within(line: str) -> ParsedLine | None:
    """Take an object apart that stands in a line of another form: what it holds is text."""
    members = json_members(line)
    return _from_members(members) if members else None


def _logfmt(line: str) -> ParsedLine | None:
    members = logfmt_members(line)
    return _from_members(members) if members else None


def _from_members(members: Members) -> ParsedLine:
    program, message, level = _inner_text(members.program, members.message)
    level = level if members.level is None else members.level
    return ParsedLine(program, message, level, members.pid, members.unit, members.time)


def _access(line: str) -> ParsedLine | None:
    found = _ACCESS.match(line)
    if found is None or not ACCESS_STATUS.search(line, found.end()):
        return None
    return ParsedLine("http-access", line, time=found["time"])


def _postgresql(line: str) -> ParsedLine | None:
    found = _POSTGRESQL.match(line)
    if found is None:
        return None
    level = POSTGRESQL.get(found["level"], level_of(found["level"]))
    return ParsedLine("postgres", line[found.end() :], level, found["pid"], None, found["time"])


def _redis(line: str) -> ParsedLine | None:
    found = _REDIS.match(line)
    if found is None:
        return None
    level = _REDIS_LEVELS[found["mark"]]
    return ParsedLine("redis-server", line[found.end() :], level, found["pid"], None, found["time"])


def _audit(line: str) -> ParsedLine | None:
    found = _AUDIT.match(line)
    return ParsedLine("auditd", line, time=found["time"]) if found else None


def _glog(line: str) -> ParsedLine | None:
    found = _GLOG.match(line)
    if found is None:
        return None
    message = line[found.end() :]
    body = message.find("] ") + 2 if "] " in message[:80] else 0
    return ParsedLine(None, message, LETTERS[found["level"]], found["pid"], None, found["time"], body)


def _lettered(line: str) -> ParsedLine | None:
    found = _LETTERED.match(line)
    if found is None:
        return None
    return ParsedLine(found["program"], line[found.end() :], LETTERS[found["level"]], found["pid"], None, found["time"])


def _stamped(line: str) -> ParsedLine | None:
    """A time that names no program; what stands behind the stamp of a container or of a wrapper may be any form."""
    found = _STAMPED.match(line) or _COLUMNS_AND_STAMP.match(line)
    if found is None:
        return None
    message = line[found.end() :]
    if stream := _CONTAINER_STREAM.match(message):
        message = message[stream.end() :]
    return _behind(message, found["time"])


def _behind(message: str, time: str | None) -> ParsedLine:
    """Take apart what a container or a wrapper was told: the time that it noted has a zone, and stays."""
    inner = _inside(message)
    if inner:
        return inner._replace(time=time or inner.time)
    return _plain(message, time)


def _compose(line: str) -> ParsedLine | None:
    found = _COMPOSE.match(line)
    if found is None:
        return None
    message = line[found.end() :]
    return _inside(message) or _stamped(message) or _plain(message, None)


def _columns(line: str) -> ParsedLine | None:
    """Columns of numbers before a level are a header, whatever they mean."""
    parsed = _plain(line, None)
    return parsed if parsed.body else None


def _plain(message: str, time: str | None) -> ParsedLine:
    found = _PRELUDE.match(message)
    if found is None or found.end() == len(message):
        return ParsedLine(None, message, first_level(message), time=time)
    level = found["upper"] or found["bracketed"] or found["level"]
    return ParsedLine(None, message, level_of(level), time=time, body=found.end())


def _inside(message: str) -> ParsedLine | None:
    """Return what is behind a stamp taken apart, where it is a form of its own."""
    first = message[:1]
    if first == "{":
        return _json_within(message)
    looks = _INNER_LOOKS if first.isdigit() or first == "[" else (_logfmt, _glog, _access)
    return next((parsed for look in looks if (parsed := look(message))), None)


_nginx_error = _read(_NGINX_ERROR, "nginx")
_apache_error = _read(_APACHE_ERROR, "apache")
_mysql = _read(_MYSQL, "mysqld")
_labelled_syslog = _syslog_look(_LABELLED_SYSLOG)
_INNER_LOOKS = (_nginx_error, _postgresql, _mysql, _redis, _access, _apache_error)
_CAPITAL_LOOKS = (
    _syslog_look(_RFC_3164_LONG),
    _read(_SYSLOG_ITSELF, None),
    _access,
    _glog,
    _labelled_syslog,
    _stamped,
)
_OTHER_LOOKS = (_logfmt, _access)
_LOOKS_BY_START: dict[str, tuple[Callable[[str], ParsedLine | None], ...]] = {
    "0": (
        _syslog_look(_ISO_SYSLOG),
        _syslog_look(_ISO_SYSLOG_UTC),
        *_INNER_LOOKS,
        _lettered,
        _labelled_syslog,
        _stamped,
        _columns,
    ),
    "[": (_ring_buffer, _apache_error, _stamped),
    "{": (_json,),
    "-": (_labelled_syslog, _stamped),
    **dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _CAPITAL_LOOKS),
    **dict.fromkeys("abcdefghijklmnopqrstuvwxyz", (_compose, _audit, _logfmt, _access, _stamped)),
}
