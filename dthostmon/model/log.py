"""Logs: how far each was read, what was new, what is lost, and what became of every byte."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from dthostmon.model.facts import Counters
from dthostmon.model.finding import Finding
from dthostmon.model.outlook import Outlook
from dthostmon.model.record import OpenRecords
from dthostmon.model.thing import Thing


@dataclass(frozen=True, slots=True)
class FilePosition:
    """How far one file was read.

    `path` is where the bytes were found: the log's own path, or the name that a rotation gave the file. All before
    `offset` was taken; up to `examined` there is an unfinished line; up to `size` there is a backlog that a cap left.
    `fingerprint` is the hex SHA-256 of the up to 256 bytes before `offset`, `head` that of the first `head_size` bytes.
    `is_in_line`: the offset stands within a line that was too long to be held. `unchanged`, `absent` and `held` count
    the visits in a row that found the file as it was, that did not find it, and that could not tell what became of it.
    """

    path: str
    offset: int
    examined: int
    size: int
    mtime: float
    inode: int | None
    fingerprint: str
    unchanged: int = 0
    absent: int = 0
    held: int = 0
    head: str = ""
    head_size: int = 0
    is_in_line: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one log was read: its file of now and, after a rotation, the one before, which a program may still be
    writing.

    `version` grows by one with each save and is what the compare-and-swap compares; 0 = never stored.
    """

    path: str
    current: FilePosition
    previous: FilePosition | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a log that is no file was read: a journal or a container's output.

    `token` is where its host reads on: journald's cursor of the last entry taken, or the stamp from which a container's
    lines are asked for again; empty = nothing was there yet. `source` is the id of the container. `recent` are digests
    of the lines from `token` on that were taken already.
    """

    token: str
    source: str = ""
    recent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamCursor:
    """How far one log that is no file was read. `version` is that of `Cursor`."""

    path: str
    position: StreamPosition
    version: int = 0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a log had lines: at first, at last, and the longest time in seconds that visits found it without any."""

    first_at: datetime
    last_at: datetime
    longest_silence: float = 0.0


@dataclass(frozen=True, slots=True)
class HostState:
    """What the store knows of a host before a visit.

    `cursors` are those of files and `streams` those of other logs, by path; `patterns` are the log patterns that were
    visited before, `rhythms` tell when logs had lines and `open_records` what their next lines may continue (by path),
    `cpu_times` the counters that the last visit saw, `client_addresses` are where the host has seen us come from,
    `marks` name the states of its inventories by probe, `lasting` are the things of these that each visit looks at,
    `accepted` the names of states that somebody called normal, `recent` the last percentages of what is judged by
    several visits (by name, the oldest first), `outlook` is when something will be full.
    """

    cursors: Mapping[str, Cursor]
    patterns: frozenset[str]
    cpu_times: tuple[int, ...] | None = None
    streams: Mapping[str, StreamCursor] = field(default_factory=dict)
    client_addresses: frozenset[str] = frozenset()
    rhythms: Mapping[str, Rhythm] = field(default_factory=dict)
    open_records: Mapping[str, OpenRecords] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    lasting: Mapping[str, tuple[Thing, ...]] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    counters: Counters | None = None
    recent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A piece of a log that was never read and never will be; `bytes` is None where nobody can tell how much it was."""

    bytes: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class LogReading:
    """What one visit found in one log.

    `data` holds whole lines only (a flushed tail may lack its last newline). `breaks` are the places in `data` where
    a file ended within a line, so that the next file's first line is not joined to it; `continued` (place -> bytes) is
    where the rest of a line stands whose start was taken before. `bytes_appeared` comes from
    file sizes and cursors, never from `data`; a log that is no file has no sizes, there the reader counts its lines as
    it makes them. `bytes_pending` is there and not read yet: a half-written line, or the
    backlog behind a cap; None = there is more, and its host cannot tell how much. `gaps` are what is lost. `cursor` is
    None where nothing could be read; `unreadable` then says why.
    """

    path: str
    data: bytes
    cursor: Cursor | StreamCursor | None
    bytes_appeared: int
    bytes_pending: int | None = 0
    gaps: tuple[Gap, ...] = ()
    unreadable: str | None = None
    rotated: bool = False
    breaks: tuple[int, ...] = ()
    continued: Mapping[int, int] = field(default_factory=dict)

    @property
    def bytes_skipped(self) -> int:
        """How many of the bytes that appeared are lost."""
        return sum(gap.bytes or 0 for gap in self.gaps)

    @property
    def skip_reason(self) -> str | None:
        """Why something was not read; None where all was."""
        reasons = dict.fromkeys([*([self.unreadable] if self.unreadable else []), *(gap.reason for gap in self.gaps)])
        return "; ".join(reasons) or None

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The data of each file by itself, so that its lines are lines: the rest of a line is none."""
        edges = (0, *self.breaks, len(self.data))
        starts = {start: start + self.continued.get(start, 0) for start in edges}
        return tuple(self.data[starts[start] : end] for start, end in pairwise(edges) if starts[start] < end)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The ledger of one log in one run: appeared = analysed + skipped; pending stands beside them."""

    path: str
    bytes_appeared: int
    bytes_analysed: int
    bytes_skipped: int
    bytes_pending: int | None
    skip_reason: str | None
    lines: int
    rotated: bool
    gaps: tuple[Gap, ...] = ()

    @property
    def bytes_unexplained(self) -> int:
        """0 unless a line was lost or counted twice."""
        return self.bytes_appeared - self.bytes_analysed - self.bytes_skipped


@dataclass(frozen=True, slots=True)
class LogsReading:
    """All logs of one visit. `patterns` were visited now; `problems` are findings about the reading itself (an
    unreadable log, say).
    """

    logs: tuple[LogReading, ...]
    patterns: frozenset[str]
    problems: tuple[Finding, ...] = ()
