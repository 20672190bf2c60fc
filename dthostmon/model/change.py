"""What changed on a host between two visits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from dthostmon.model.finding import Severity
from dthostmon.model.thing import Thing, ThingKind


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that appeared (`before` is None), went (`after` is None), or is not as it was."""

    before: Thing | None
    after: Thing | None

    @property
    def thing(self) -> Thing:
        """The thing as it is, or as it was."""
        thing = self.after or self.before
        if thing is None:
            raise ValueError("a difference is of something")
        return thing


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed, told to people.

    `before` and `after` are None where it was not there. `sentence` says it in words. `expected` where its cause is
    visible, which `cause` then names. `seen_at` is the visit that saw it, `happened_at` when the host says that it
    happened; None where it does not say. `diff` is a unified diff of a file's text. `words` are what relates it to
    other things: programs, units, packages, paths, users, ports. `id` is given by the store.
    """

    kind: ThingKind
    subject: str
    before: str | None
    after: str | None
    sentence: str
    severity: Severity
    expected: bool
    seen_at: datetime
    cause: str = ""
    happened_at: datetime | None = None
    diff: str = ""
    words: tuple[str, ...] = ()
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A change that a person said is to be expected: by kind (None = any) and a glob of subjects; `why` is told."""

    kind: ThingKind | None
    subject: str
    why: str

    def covers(self, kind: ThingKind, subject: str) -> bool:
        """Tell whether it is about a change."""
        return self.kind in {None, kind} and fnmatchcase(subject, self.subject)


@dataclass(frozen=True, slots=True)
class ChangePolicy:
    """What a configuration says of changes: other severities by the id of the table's entry, and what is expected."""

    severities: Mapping[str, Severity] = field(default_factory=dict, hash=False)
    expectations: tuple[Expectation, ...] = ()
