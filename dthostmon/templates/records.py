"""Lines that belong together: a traceback, a kernel's trace or a statement with its details is one record.

A record has a head, and every line that continues it counts for the head's template. Which line is which is a question
of the lines before it in the same log, so what is open at the end of a piece is carried on to the next one.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
_CONTINUING = (
    r"(?:Caused by|Suppressed): |\.\.\. \d+ (?:more|common frames)|goroutine \d+ \[|\[signal SIG"
    r"|created by (?=\S*\.)[\w./()*-]+(?: in goroutine \d+)?(?=\n|$)|During handling of the above exception"
    r"|The above exception was the direct cause"
    r"|(?P<trace>Traceback \(most recent call last\):|panic: |fatal error: |Exception in thread |Unhandled exception"
    r"|[A-Za-z_][\w$.]*+(?=:|\n|$)(?:(?<=[a-z]Exception)|(?<=[a-z]Error)|(?<=[a-z]Throwable)|(?<=[a-z]Interrupt))"
    r"|(?=[\w/*-]*+\.)[\w./*()-]+\([^()\n]*\)(?=\n|$))"
)
# of lines that stand together as one text: the few that may continue one before them, or hold nothing
_CANDIDATE = re.compile(rf"\n(?:(?P<other>[ \t]|(?=\n|\Z))|{_CONTINUING})", re.ASCII)
_KERNEL = re.compile(
    r"(?P<in_trace>\s|[CR][A-Z0-9]{1,2}: |[DEFGCS]S: |RIP: |Code: |PKRU: |Modules linked in: |CPU: \d+ |Hardware name: "
    r"|---\[ end trace|\"echo \d+ > |task:)"
    r"|(?P<trace>Call Trace:|BUG: |Oops|WARNING: CPU|INFO: task |general protection|watchdog: BUG|Kernel panic"
    r"|-+\[ cut here|[^\s:]+ invoked oom-killer)",
    re.ASCII,
)
_POSTGRESQL_DETAIL = re.compile(r".{0,120}?\b(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  ", re.ASCII)


def parts_of(lines: Sequence[ParsedLine]) -> list[Part]:
    """Return what each line may be in a record."""
    parts = [Part.HEAD] * len(lines)
    text = "\n" + "\n".join([line.message for line in lines])
    place, position = 0, 0
    for found in _CANDIDATE.finditer(text):
        place += text.count("\n", position, found.start())
        position = found.start()
        parts[place] = _part(lines[place], found)
    for place, line in enumerate(lines):
        if line.program in _OWN_PARTS:
            parts[place] = _OWN_PARTS[line.program](line.message)
    return parts


def line_of(parsed: ParsedLine, part: Part, template: Template) -> Line:
    """Return what a line's record asks for."""
    return Line(template, part, parsed.program, parsed.level, _has_header(parsed))


def _has_header(line: ParsedLine) -> bool:
    return line.program is not None or line.time is not None or line.body > 0


def _part(line: ParsedLine, found: re.Match[str]) -> Part:
    if line.body:
        return Part.HEAD
    if found["trace"] is not None:
        return Part.TRACE
    if found["other"] is None:
        return Part.DETAIL
    if line.message.isspace() or not line.message:
        return Part.HEAD if _has_header(line) else Part.IN_TRACE
    return _indented_part(line)


def _indented_part(line: ParsedLine) -> Part:
    """Some programs begin their own lines with a blank: it says nothing behind the name of a program."""
    if _INDENTED_DETAIL.match(line.message):
        return Part.DETAIL
    is_deep = not _has_header(line) or line.message[0] == "\t"
    return Part.INDENTED if line.program is None and is_deep else Part.HEAD


def _kernel_part(message: str) -> Part:
    found = _KERNEL.match(message)
    if found is None:
        return Part.HEAD
    return Part.TRACE if found["trace"] is not None else Part.IN_TRACE


def _postgresql_part(message: str) -> Part:
    return Part.DETAIL if _POSTGRESQL_DETAIL.match(message) else Part.HEAD


_OWN_PARTS = {"kernel": _kernel_part, "postgres": _postgresql_part}


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
