"""What is known of a host's usual life, and what one visit adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dthostmon.model.finding import Evidence

TrailKey = tuple[str, ...]
ValueKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenTrail:
    """How often one thing was seen lately (seconds since 1970 -> count), with a few of its lines."""

    counts: Mapping[int, int]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Rates:
    """How many lines an hour a template has on a host.

    `hour` is the newest hour it was seen in (hours since 1970), `count` how many lines of it that hour had so far in
    `seconds` of watching. `recent` are the rates of the hours before in which it was seen, the newest first; `week` has
    the last rates of each hour of the week, WEEKS of them side by side; empty until there is enough to compare with.
    """

    hour: int
    count: int
    seconds: float
    recent: tuple[float, ...] = ()
    week: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """What a host's history has of a template; `normal_until` is until when somebody called it normal."""

    count: int
    first_seen: datetime
    rates: Rates | None = None
    normal_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a host, as far as one visit asks: of the templates that it saw.

    `runs` is counted no further than somebody asks. `trails` and `values` (when last seen, seconds since 1970) are what
    counting rules and first sights rest on. `elsewhere` are templates that hosts of the same role have.
    """

    runs: int = 0
    first_run_at: datetime | None = None
    last_run_at: datetime | None = None
    trails: Mapping[TrailKey, SeenTrail] = field(default_factory=dict)
    values: Mapping[ValueKey, int] = field(default_factory=dict)
    templates: Mapping[str, KnownTemplate] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HistoryUpdate:
    """What a visit changes of a host's history. None = as it was. `rates` are by template id."""

    trails: Mapping[TrailKey, SeenTrail] | None = None
    values: Mapping[ValueKey, int] | None = None
    rates: Mapping[str, Rates] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learning:
    """How long a host's life is learned before what is new means something: either is enough."""

    period: float = 3 * 86400
    runs: int = 20
