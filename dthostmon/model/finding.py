"""What was understood: templates, evidence, findings, and the grade that they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How much a finding matters; ordered, so `max` works."""

    INFO = 1
    WARN = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name


class FindingSource(StrEnum):
    """What part of the judgement made a finding."""

    RULE = "rule"
    NOVELTY = "novelty"
    BURST = "burst"
    THRESHOLD = "threshold"
    CHANGE = "change"
    AI = "ai"


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
    """How often a template was seen in one run, with the first line that showed it and that line's log.

    `level` is the syslog level (0 emergency to 7 debug) that its lines say they have; None where they say none.
    """

    template: Template
    count: int
    sample: str
    path: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line that a finding rests on, cleaned for display.

    `id` names the line: the same bytes in the same log have the same id. `time` is when the line says it was written.
    """

    path: str
    line: str
    id: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriorChange:
    """What changed on the host before a finding, and what the two have in common: `unit nginx`; empty = only the time.

    `at` is when it happened where the host says so, else when it was seen.
    """

    kind: str
    subject: str
    sentence: str
    at: datetime
    expected: bool
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth telling. `fields` are the captured values (user, address, unit, …). `id` is given by the
    store. `first_seen` and `last_seen` are what its lines say; None where they say nothing. `changes` are what changed
    on the host before, the likeliest cause first.
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
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    changes: tuple[PriorChange, ...] = ()


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
