"""When what grows on a host will be full."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fullness:
    """One mount, or the memory where `mount` is None, is full between two times if it goes on as it did.

    `percent` is how full it was when that was computed.
    """

    mount: str | None
    percent: float
    earliest_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a host's future since it was computed last."""

    computed_at: datetime
    fullness: tuple[Fullness, ...] = ()
