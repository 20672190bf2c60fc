"""What came of asking the models about a host: an opinion and whose, or why there is none."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from dthostmon.errors import ProviderErrorKind
from dthostmon.model import Opinion, Usage


class RulesOnlyReason(StrEnum):
    """Why no model judged although no provider failed."""

    NO_PROVIDER = "no-provider"
    BREAKER_OPEN = "breaker-open"
    BUDGET = "budget"
    DEADLINE = "deadline"


Reason: TypeAlias = RulesOnlyReason | ProviderErrorKind
"""Why no model judged, as run, mail, API and metrics name it; where providers failed, how the last one did."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a provider. `kind` is how it failed, None where its answer could be used.

    `seconds` counts from when it was sent, not the wait for a place.
    """

    provider: str
    kind: ProviderErrorKind | None
    seconds: float
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Asked:
    """An opinion with the names of the provider and the model that gave it, or the reason why there is none.

    `is_shared` marks an opinion that another request brought: from the cache, or asked for another host with the very
    same records. It took nothing, so no attempts are told with it.
    """

    opinion: Opinion | None = None
    provider: str = ""
    model: str = ""
    reason: Reason | None = None
    attempts: tuple[Attempt, ...] = ()
    is_shared: bool = False

    @property
    def usage(self) -> Usage:
        """What all attempts took together."""
        return sum((attempt.usage for attempt in self.attempts), Usage())


def judged_by(asked: Asked) -> str:
    """Return who judged, as people read it: `rules+NAME/MODEL` or `rules-only:REASON`."""
    if asked.reason is not None:
        return f"rules-only:{asked.reason}"
    return f"rules+{asked.provider}/{asked.model}"
