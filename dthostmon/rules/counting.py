"""What a rule makes of many of its lines, of a first one, and of lines that follow each other."""

from dataclasses import dataclass

from dthostmon.model import Severity


@dataclass(frozen=True, slots=True)
class Escalation:
    """What many of a rule's lines mean: from `count` of them `within` so many seconds that agree in `by`, `severity`.

    `count` is a number or the name of a threshold setting.
    """

    count: int | str
    within: float
    severity: Severity
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class First:
    """What it means that the values of `by` were never seen together on this host.

    `severity` holds once the host's baseline is learned, `learning` until then; None = nothing is told of it then.
    The field `network` is made of the address (see `fields.network_of`).
    """

    by: tuple[str, ...]
    severity: Severity
    learning: Severity | None


@dataclass(frozen=True, slots=True)
class Clearing:
    """What shows that a rule's lines were no trouble: a line of one of `rules`, or of rules of one of `kinds`.

    It stands no more than `within` seconds before or after the last of them, and agrees in the fields of `by`.
    """

    rules: tuple[str, ...]
    kinds: tuple[str, ...]
    within: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a sequence: `count` lines of one of `rules`, or of rules whose kind is one of `kinds`."""

    rules: tuple[str, ...]
    kinds: tuple[str, ...]
    count: int


@dataclass(frozen=True, eq=False)
class RuleSequence:
    """What it means that lines follow each other `within` so many seconds and agree in the fields of `by`.

    All steps come in their order; a line of the last one completes the sequence.
    """

    id: str
    kind: str
    severity: Severity
    within: float
    by: tuple[str, ...]
    steps: tuple[Step, ...]
    title: str
    meaning: str
    recommended_action: str
    matching_samples: tuple[tuple[str, ...], ...] = ()
    other_samples: tuple[tuple[str, ...], ...] = ()
