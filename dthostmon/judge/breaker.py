"""Leaves a provider alone that fails, and finds out with one request at a time whether it is back.

With these numbers 50 hosts and a dead provider sent 3 requests in total. Times are seconds of one monotonic clock; a
draw is a number from 0 to 1.
"""

from dataclasses import dataclass
from enum import StrEnum

FAILURES_TO_OPEN = 3  # one after the other, whichever hosts they were for
FIRST_PAUSE_SECONDS = 30.0  # doubled each time that the probe fails too
LONGEST_PAUSE_SECONDS = 15 * 60.0  # before jitter
PAUSE_JITTER = 0.2  # a share either way: who was refused together does not come back together
REFUSAL_PAUSE_SECONDS = 60 * 60.0  # a key, a bill or a model's name: a person mends it, not time


class BreakerState(StrEnum):
    """Whether a provider may be asked: by all, by nobody, or by one that finds out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """What is remembered of a provider's failures.

    Who enters holds a permit and reports with it, then leaves. A permit is the count of openings when it was given:
    a failure of a request that was under way when the breaker opened says nothing new and is not counted.
    """

    until: float | None = None  # a probe may enter from then on; None = closed
    failures: int = 0  # since the last answer
    doublings: int = 0  # of the pause, since the last answer
    openings: int = 0  # ever
    is_probed: bool = False

    def state(self, now: float) -> BreakerState:
        """Return what it lets through."""
        if self.until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.until else BreakerState.HALF_OPEN

    def lets(self, now: float) -> bool:
        """Say whether `enter` would give a permit."""
        return self.state(now) is BreakerState.CLOSED or (
            self.state(now) is BreakerState.HALF_OPEN and not self.is_probed
        )

    def enter(self, now: float) -> int | None:
        """Return a permit for one request; None = the provider is to be left alone."""
        if not self.lets(now):
            return None
        self.is_probed = self.until is not None
        return self.openings

    def leave(self, permit: int) -> None:
        """Take a permit back, whatever came of the request: a probe that was cancelled makes room for another one."""
        if permit == self.openings:
            self.is_probed = False

    def answered(self) -> bool:
        """Close, as the provider answers, and forget its failures; return whether it was open before."""
        was_open = self.until is not None
        self.until, self.failures, self.doublings, self.is_probed = None, 0, 0, False
        return was_open

    def failed(self, permit: int, now: float, draw: float) -> bool:
        """Count a failure that may pass by itself; return whether it opened the breaker."""
        if permit != self.openings:
            return False
        self.failures += 1
        if self.until is None and self.failures < FAILURES_TO_OPEN:
            return False
        self._open(now + pause_seconds(self.doublings, draw))
        self.doublings += 1
        return True

    def refused(self, permit: int, now: float) -> bool:
        """Open for long, as the provider refuses until a person mends it; return whether this request did it."""
        if permit != self.openings:
            return False
        self._open(now + REFUSAL_PAUSE_SECONDS)
        return True

    def _open(self, until: float) -> None:
        self.until, self.is_probed = until, False
        self.openings += 1


def pause_seconds(doublings: int, draw: float) -> float:
    """Return how long a provider is left alone that failed its probe so many times."""
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(doublings, 10), LONGEST_PAUSE_SECONDS)
    return pause * (1 + PAUSE_JITTER * (2 * draw - 1))
