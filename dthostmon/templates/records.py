"""Lines that belong together: a traceback, a kernel's trace or a statement with its details is one record.

A record has a head, and every line that continues it counts for the head's template. Which line is which is a question
of the lines before it in the same log, so what is open at the end of a piece is carried on to the next one.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from dthostmon.model import Template
from dthostmon.templates.headers import ParsedLine

MAX_OPEN_PROGRAMS = 64
ERROR_LEVEL = 3


class Part(Enum):
    """What a line may be in a record, seen by itself."""

    HEAD = 0
    INDENTED = 1  # continues a line with a header or an open trace
    DETAIL = 2  # continues whatever its program wrote before
    IN_TRACE = 4  # continues an open trace only
    TRACE = 3  # begins a trace, unless one is open or an error was just told: then it continues that


class Line(NamedTuple):
    """A line of a log, as far as its record asks for it: a tuple, because one is made for each distinct line."""

    template: Template
    part: Part = Part.HEAD
    program: str | None = None
    level: int | None = None
    has_header: bool = False


@dataclass(frozen=True, slots=True)
class OpenRecords:
    """What the next line of a log may continue: the last record of all, and that of each program, the newest last."""

    last: Line | None = None
    by_program: Mapping[str, Line] = field(default_factory=dict)


_INDENTED_DETAIL = re.compile(r"\s+(?:at \S|File \"|\.\.\. \d+ (?:more|common frames))", re.ASCII)
_CONTINUING = re.compile(
    r"(?:Caused by|Suppressed): |\.\.\. \d+ (?:more|common frames)|goroutine \d+ \[|\[signal SIG"
    r"|created by (?=\S*\.)[\w./()*-]+(?: in goroutine \d+)?$|During handling of the above exception"
    r"|The above exception was the direct cause"
    r"|(?P<trace>Traceback \(most recent call last\):|panic: |fatal error: |Exception in thread |Unhandled exception"
    r"|[A-Za-z_][\w$.]*+(?=:|$)(?:(?<=[a-z]Exception)|(?<=[a-z]Error)|(?<=[a-z]Throwable)|(?<=[a-z]Interrupt))"
    r"|(?=[\w/*-]*+\.)[\w./*()-]+\([^()]*\)$)",
    re.ASCII,
)
_KERNEL = re.compile(
    r"(?P<in_trace>\s|[CR][A-Z0-9]{1,2}: |[DEFGCS]S: |RIP: |Code: |PKRU: |Modules linked in: |CPU: \d+ |Hardware name: "
    r"|---\[ end trace|\"echo \d+ > |task:)"
    r"|(?P<trace>Call Trace:|BUG: |Oops|WARNING: CPU|INFO: task |general protection|watchdog: BUG|Kernel panic"
    r"|-+\[ cut here|[^\s:]+ invoked oom-killer)",
    re.ASCII,
)
_POSTGRESQL_DETAIL = re.compile(r".{0,120}?\b(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  ", re.ASCII)


def line_of(parsed: ParsedLine, template: Template) -> Line:
    """Return what a line's record asks for."""
    program, message, level, _, _, time, body = parsed
    has_header = program is not None or time is not None or body > 0
    part = Part.HEAD if body else _part(program, message, has_header=has_header)
    return Line(template, part, program, level, has_header)


def _part(program: str | None, message: str, *, has_header: bool) -> Part:
    if program == "kernel":
        return _kernel_part(message)
    if program == "postgres" and _POSTGRESQL_DETAIL.match(message):
        return Part.DETAIL
    if not message or message.isspace():
        return Part.HEAD if has_header else Part.IN_TRACE
    if message[0] in " \t":
        return _indented_part(program, message, has_header=has_header)
    found = _CONTINUING.match(message)
    if found is None:
        return Part.HEAD
    return Part.TRACE if found["trace"] is not None else Part.DETAIL


def _kernel_part(message: str) -> Part:
    found = _KERNEL.match(message)
    if found is None:
        return Part.HEAD
    return Part.TRACE if found["trace"] is not None else Part.IN_TRACE


def _indented_part(program: str | None, message: str, *, has_header: bool) -> Part:
    """Some programs begin their own lines with a blank: it says nothing behind the name of a program."""
    if _INDENTED_DETAIL.match(message):
        return Part.DETAIL
    is_deep = not has_header or message[0] == "\t"
    return Part.INDENTED if program is None and is_deep else Part.HEAD


class RecordKeeper:
    """Follows the records of one log, line after line."""

    def __init__(self, before: OpenRecords) -> None:
        self._last = before.last
        self._by_program = dict(before.by_program)

    @property
    def open(self) -> OpenRecords:
        """What the next line may continue."""
        return OpenRecords(self._last, self._by_program)

    def templates(self, lines: Iterable[Line]) -> Iterator[Template]:
        """Yield the template that each line counts for, in order."""
        for line in lines:
            if line.part is not Part.HEAD and (head := self._continued(line)):
                yield head.template
            else:
                self._begin(line)
                yield line.template

    def take_heads(self, newest_first: Iterable[Line], programs: Collection[str | None]) -> None:
        """Take lines of these programs, none of which continues another: only the last of each is of interest."""
        newest: dict[str | None, Line] = {}
        for line in newest_first:
            newest.setdefault(line.program, line)
            if len(newest) == len(programs):
                break
        for line in reversed(newest.values()):
            self._begin(line)

    def _begin(self, line: Line) -> None:
        self._last = line
        if line.program is not None:
            self._by_program.pop(line.program, None)
            self._by_program[line.program] = line
            if len(self._by_program) > MAX_OPEN_PROGRAMS:
                del self._by_program[next(iter(self._by_program))]

    def _continued(self, line: Line) -> Line | None:
        """Return the head of the record that a line continues, None where it begins one."""
        head = self._last if line.program is None else self._by_program.get(line.program)
        if head is None or line.part is Part.DETAIL:
            return head
        if head.part is Part.TRACE or line.part is Part.IN_TRACE:
            return head if head.part is Part.TRACE else None
        if line.part is Part.INDENTED:
            return head if head.has_header else None
        return head if head.level is not None and head.level <= ERROR_LEVEL else None
