"""A labelled case: lines as a host writes them, and what an experienced administrator would want to hear of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dthostmon.model import Severity

DEFAULT_LOG = "/var/log/syslog"


@dataclass(frozen=True, slots=True)
class CaseVisit:
    """What a host wrote before one visit. `at` None = shortly after the last of the lines."""

    lines: tuple[str, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Some visits of one host, and their label. `severity` None = a quiet case: nobody needs to hear of it.

    `evidence` are the places of the lines that show the trouble, counted through all visits; none where a log falls
    silent. Cases that name the same
    `host` are replayed on it one after the other; without a name a case has a host of its own.
    """

    suite: str
    id: str
    kind: str
    severity: Severity | None
    log: str
    visits: tuple[CaseVisit, ...]
    evidence: frozenset[int]
    host: str | None = None

    @property
    def is_incident(self) -> bool:
        """Whether somebody should hear of it."""
        return self.severity is not None

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of all visits."""
        return tuple(line for visit in self.visits for line in visit.lines)

    @property
    def quiet_lines(self) -> int:
        """How many of the lines show no trouble."""
        return len(self.lines) - len(self.evidence)

    def labelled(self) -> Iterator[tuple[str, bool]]:
        """Yield each line, and whether it shows the trouble."""
        for index, line in enumerate(self.lines):
            yield line, index in self.evidence
