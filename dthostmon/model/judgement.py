"""What a model said of a host, after it was checked, and what asking it took."""

from dataclasses import dataclass
from enum import StrEnum

from dthostmon.model.finding import Evidence, Severity


class Confidence(StrEnum):
    """How sure a model says it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class SentRecord:
    """A record that a model was sent, as far as its opinion is weighed by it. `id` is the one that the model knows.

    `lines` are those of the Evidence of findings, so that both are known to rest on the same line, and as people are
    shown them, not as they were redacted and sent. `is_novel`: its template is new on this host; `is_suspicious`: a
    rule with a finding of WARN or worse matched it.
    """

    id: str
    lines: tuple[Evidence, ...]
    is_novel: bool = False
    is_suspicious: bool = False


@dataclass(frozen=True, slots=True)
class OpinionFinding:
    """One thing that a model holds for worth telling. `evidence` are ids of records that were sent to it."""

    evidence: tuple[str, ...]
    kind: str
    severity: Severity
    description: str
    recommended_action: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's answer, within the bounds of the contract. `score` is 0 to 100.

    `dropped` counts what the answer held beyond the contract: findings without evidence, ids that were not sent.
    """

    summary: str
    findings: tuple[OpinionFinding, ...]
    score: int
    severity: Severity
    recommendations: tuple[str, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that one answer took, as its provider counted them.

    `cached` are a part of `prompt`, `reasoning` a part of `completion`; both may cost another price.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """What counts against the budget."""
        return self.prompt + self.completion

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
        )
