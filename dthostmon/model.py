"""The nouns: frozen values that travel between the layers.

Text in these values is display-safe for databases and JSON (no NUL, no lone surrogates); bytes are the very bytes of
the host. Times are aware datetimes in UTC, durations are seconds, sizes are bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import pairwise

from dthostmon.errors import ErrorKind

MAX_JUMPS = 5  # hosts that one connection may lead through


class Severity(IntEnum):
    """How much a finding matters; ordered, so `max` works."""

    INFO = 1
    WARN = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name


class RunStatus(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class TransportKind(StrEnum):
    """How a host is reached."""

    SSH = "ssh"
    SFTP = "sftp"
    LOCAL = "local"


class FindingSource(StrEnum):
    """What part of the judgement made a finding."""

    RULE = "rule"
    NOVELTY = "novelty"
    BURST = "burst"
    THRESHOLD = "threshold"
    CHANGE = "change"
    AI = "ai"


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a measured percentage becomes a finding; None = no finding of that severity."""

    info: float | None = None
    warn: float | None = None
    critical: float | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Percentages for cpu, memory and disk; `failed_logins` is a count per run."""

    cpu: Levels = Levels(60, 80, 95)
    memory: Levels = Levels(None, 85, 95)
    disk: Levels = Levels(None, 80, 90)
    failed_logins: int = 5


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How to log in to one host. `retries` are the pauses in seconds before the 2nd, 3rd, … try.

    `certificate` None = the one beside the key, where there is one. `agent` is the socket of an ssh-agent that holds
    the keys: None = the key file is used, "" = an agent is wanted and the environment names none. `config` is an
    ssh_config where `hostname` is looked up, `explicit` names the fields here that stand over it. `jump` are the hosts
    to connect through, the outermost first, each without a jump of its own.
    """

    hostname: str
    port: int
    user: str
    key: str
    passphrase: str = field(repr=False)
    known_hosts: str
    connect_timeout: float
    retries: tuple[float, ...]
    certificate: str | None = None
    agent: str | None = None
    config: str | None = None
    explicit: frozenset[str] = frozenset()
    host_key_alias: str | None = None
    jump: tuple["SshAccess", ...] = ()

    @property
    def entry(self) -> "SshAccess":
        """What this machine itself connects to: the outermost jump host, or the host where there is none."""
        return self.jump[0] if self.jump else self


@dataclass(frozen=True, slots=True)
class Host:
    """One machine with its effective settings: host over site over global. `ssh` is None for `local` alone."""

    name: str
    transport: TransportKind
    ssh: SshAccess | None
    site: str | None
    tags: tuple[str, ...]
    logs: tuple[str, ...]
    probes: tuple[str, ...]
    thresholds: Thresholds
    interval: float
    timeout: float
    look_back: int
    max_lag: int = 256 * 2**20
    enabled: bool = True

    @property
    def address(self) -> str:
        """What a person would type to reach it."""
        return self.ssh.hostname if self.ssh else "this machine"


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
class HostState:
    """What the store knows of a host before a visit.

    `cursors` are those of files and `streams` those of other logs, by path; `patterns` are the log patterns that were
    visited before, `cpu_times` the counters that the last visit saw, `client_addresses` are where the host has seen us
    come from.
    """

    cursors: Mapping[str, Cursor]
    patterns: frozenset[str]
    cpu_times: tuple[int, ...] | None = None
    streams: Mapping[str, StreamCursor] = field(default_factory=dict)
    client_addresses: frozenset[str] = frozenset()


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
class DiskUsage:
    """One real mount. Percentages are of what an unprivileged user can fill, as df shows; None = not told."""

    mount: str
    device: str
    filesystem: str
    size: int
    used: int
    percent: float | None
    inodes_percent: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the machine was doing; None = unknown, never 0.

    `cpu_percent` is the mean since the visit before (the first visit takes half a second's sample), so that a short
    burst is no finding. `cpu_times` are the kernel's counters now, in ticks since boot: user, nice, system, idle,
    iowait, irq, softirq, steal; the next visit compares with them.
    """

    cpu_percent: float | None
    memory_percent: float | None
    swap_percent: float | None
    load1: float | None
    load5: float | None
    load15: float | None
    disks: tuple[DiskUsage, ...]
    cpu_times: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the machine is; None = unknown."""

    os: str | None
    kernel: str | None
    architecture: str | None
    uptime: float | None
    timezone: str | None
    cpus: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the probes told. A probe that could not tell is None and named in `unknown` with its reason.

    `client_address` is where the host sees us come from; None where it cannot tell.
    """

    identity: Identity | None = None
    metrics: Metrics | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    client_address: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """The masked form of a line. `id` depends on nothing but program and text, so it is the same on every host and
    release.
    """

    id: str
    text: str
    program: str | None


@dataclass(frozen=True, slots=True)
class TemplateCount:
    """How often a template was seen in one run, with the first line that showed it."""

    template: Template
    count: int
    sample: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line that a finding rests on, cleaned for display."""

    path: str
    line: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth telling. `fields` are the captured values (user, address, unit, …). `id` is given by the
    store.
    """

    kind: str
    severity: Severity
    title: str
    source: FindingSource
    rule: str | None = None
    count: int = 1
    evidence: tuple[Evidence, ...] = ()
    recommended_action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class LogsReading:
    """All logs of one visit. `patterns` were visited now; `problems` are findings about the reading itself (an
    unreadable log, say).
    """

    logs: tuple[LogReading, ...]
    patterns: frozenset[str]
    problems: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of the score: 100 + the points of all reasons = the score."""

    text: str
    points: int


@dataclass(frozen=True, slots=True)
class Grade:
    """The result of scoring: `score` is 0 to 100."""

    score: int
    severity: Severity
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One check of one host. A failed or skipped run has no score: unknown is not healthy."""

    host: str
    site: str | None
    status: RunStatus
    started_at: datetime
    duration: float
    severity: Severity
    score: int | None = None
    reasons: tuple[Reason, ...] = ()
    error: str | None = None
    error_kind: ErrorKind | None = None
    judged_by: str = "rules"
    summary: str = ""
    recommendations: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    logs: tuple[Coverage, ...] = ()
    facts: Facts = Facts()
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything one run wants stored in its one transaction."""

    run: Run
    logs: tuple[LogReading, ...] = ()
    patterns: frozenset[str] = frozenset()
    templates: tuple[TemplateCount, ...] = ()
    client_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cycle:
    """One pass over the due hosts."""

    id: str
    started_at: datetime
    duration: float
    runs: tuple[Run, ...]

    @property
    def ok(self) -> int:
        """How many hosts were checked."""
        return sum(run.status is RunStatus.OK for run in self.runs)

    @property
    def failed(self) -> int:
        """How many hosts could not be checked."""
        return sum(run.status is RunStatus.FAILED for run in self.runs)

    @property
    def skipped(self) -> int:
        """How many hosts were passed over: their check before was still running."""
        return sum(run.status is RunStatus.SKIPPED for run in self.runs)
