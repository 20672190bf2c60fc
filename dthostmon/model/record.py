"""Records of several lines: what a log's next line may continue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from dthostmon.model.finding import Template


class RecordPart(IntEnum):
    """What a line may be in a record, seen by itself. A number, because those are hashed fast."""

    HEAD = 0
    INDENTED = 1  # continues a line with a header or an open trace
    DETAIL = 2  # continues whatever its program wrote before
    IN_TRACE = 4  # continues an open trace only
    TRACE = 3  # begins a trace, unless one is open or an error was just told: then it continues that


class RecordLine(NamedTuple):
    """A line of a log, as far as its record asks for it: a tuple, because one is made for each distinct line."""

    template: Template
    part: RecordPart = RecordPart.HEAD
    program: str | None = None
    level: int | None = None
    has_header: bool = False


@dataclass(frozen=True, slots=True)
class OpenRecords:
    """What the next line of a log may continue: the last record of all, and that of each program, the newest last."""

    last: RecordLine | None = None
    by_program: Mapping[str, RecordLine] = field(default_factory=dict)
