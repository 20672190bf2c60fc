"""Lines that belong together: a traceback, a kernel's trace or a statement with its details is one record.

A record has a head, and every line that continues it counts for the head's template. Which line is which is a question
of the lines before it in the same log, so what is open at the end of a piece is carried on to the next one.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter

from dthostmon.model import OpenRecords, RecordLine, RecordPart, Template
from dthostmon.templates.headers import ParsedLine

MAX_OPEN_PROGRAMS = 64
ERROR_LEVEL = 3

_PROGRAM = attrgetter("program")

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


def parts_of(lines: Sequence[ParsedLine]) -> list[RecordPart]:
    """Return what each line may be in a record."""
    parts = [RecordPart.HEAD] * len(lines)
    text = "\n" + "\n".join([line.message for line in lines])
    place, position = 0, 0
    for found in _CANDIDATE.finditer(text):
        place += text.count("\n", position, found.start())
        position = found.start()
        parts[place] = _part(lines[place], found)
    programs = list(map(_PROGRAM, lines))
    for program in _OWN_PARTS.keys() & set(programs):
        part_of = _OWN_PARTS[program]
        for place in [place for place, other in enumerate(programs) if other == program]:
            parts[place] = part_of(lines[place].message)
    return parts


def _part(line: ParsedLine, found: re.Match[str]) -> RecordPart:
    if line.body:
        return RecordPart.HEAD
    if found["trace"] is not None:
        return RecordPart.TRACE
    if found["other"] is None:
        return RecordPart.DETAIL
    if line.message.isspace() or not line.message:
        return RecordPart.HEAD if line.has_header else RecordPart.IN_TRACE
    return _indented_part(line)


def _indented_part(line: ParsedLine) -> RecordPart:
    """Some programs begin their own lines with a blank: it says nothing behind the name of a program."""
    if _INDENTED_DETAIL.match(line.message):
        return RecordPart.DETAIL
    is_deep = not line.has_header or line.message[0] == "\t"
    return RecordPart.INDENTED if line.program is None and is_deep else RecordPart.HEAD


def _kernel_part(message: str) -> RecordPart:
    found = _KERNEL.match(message)
    if found is None:
        return RecordPart.HEAD
    return RecordPart.TRACE if found["trace"] is not None else RecordPart.IN_TRACE


def _postgresql_part(message: str) -> RecordPart:
    return RecordPart.DETAIL if _POSTGRESQL_DETAIL.match(message) else RecordPart.HEAD


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

    def templates(self, lines: Iterable[RecordLine]) -> Iterator[Template]:
        """Yield the template that each line counts for, in order."""
        for line in lines:
            if line.part is not RecordPart.HEAD and (head := self._continued(line)):
                yield head.template
            else:
                self._begin(line)
                yield line.template

    def take_heads(self, newest_first: Iterable[RecordLine], programs: Collection[str | None]) -> None:
        """Take lines of these programs, none of which continues another: only the last of each is of interest."""
        newest: dict[str | None, RecordLine] = {}
        for line in newest_first:
            newest.setdefault(line.program, line)
            if len(newest) == len(programs):
                break
        for line in reversed(newest.values()):
            self._begin(line)

    def _begin(self, line: RecordLine) -> None:
        self._last = line
        if line.program is not None:
            self._by_program.pop(line.program, None)
            self._by_program[line.program] = line
            if len(self._by_program) > MAX_OPEN_PROGRAMS:
                del self._by_program[next(iter(self._by_program))]

    def _continued(self, line: RecordLine) -> RecordLine | None:
        """Return the head of the record that a line continues, None where it begins one."""
        head = self._last if line.program is None else self._by_program.get(line.program)
        if head is None or line.part is RecordPart.DETAIL:
            return head
        if head.part is RecordPart.TRACE or line.part is RecordPart.IN_TRACE:
            return head if head.part is RecordPart.TRACE else None
        if line.part is RecordPart.INDENTED:
            return head if head.has_header else None
        return head if head.level is not None and head.level <= ERROR_LEVEL else None
