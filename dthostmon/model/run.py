"""One check of one host, and one pass over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dthostmon.errors import ErrorKind
from dthostmon.model.change import Change
from dthostmon.model.facts import Facts
from dthostmon.model.finding import Finding, Reason, Severity, TemplateCount
from dthostmon.model.history import HistoryUpdate
from dthostmon.model.judgement import Usage
from dthostmon.model.log import Coverage, LogReading, Rhythm
from dthostmon.model.outlook import Outlook
from dthostmon.model.record import OpenRecords
from dthostmon.model.thing import StoredInventory

NOTHING_KNOWN = Facts()
NOTHING_LEARNED = HistoryUpdate()


class RunStatus(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """One check of one host. A failed or skipped run has no score: unknown is not healthy.

    `usage` is what asking models took, None where none was asked; `cost` is None too where no price is known.
    `judged_at` is when a model judged it, where that was later than the run.
    """

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
    usage: Usage | None = None
    cost: float | None = None
    judged_at: datetime | None = None
    summary: str = ""
    recommendations: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    logs: tuple[Coverage, ...] = ()
    facts: Facts = NOTHING_KNOWN
    changes: tuple[Change, ...] = ()
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything one run wants stored in its one transaction. `rhythms` and `open_records` are by path, of the
    logs that had lines; `inventories` by probe, of those that are not as they were. `unjudged` is what there was to
    ask a model, where none answered: a JSON document. `recent` and `outlook` are as in `HostState`; None = as they
    were.
    """

    run: Run
    logs: tuple[LogReading, ...] = ()
    patterns: frozenset[str] = frozenset()
    templates: tuple[TemplateCount, ...] = ()
    client_addresses: frozenset[str] = frozenset()
    role: str | None = None
    learned: HistoryUpdate = NOTHING_LEARNED
    rhythms: Mapping[str, Rhythm] = field(default_factory=dict)
    open_records: Mapping[str, OpenRecords] = field(default_factory=dict)
    inventories: Mapping[str, StoredInventory] = field(default_factory=dict)
    unjudged: Mapping[str, object] | None = None
    recent: Mapping[str, tuple[float, ...]] | None = None
    outlook: Outlook | None = None


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
