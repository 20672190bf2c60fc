"""A key that a host refused: when it may be offered again.

Who offers it again and again is locked out by the host (fail2ban), and with it all that come from the same address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dthostmon.errors import ErrorKind, VisitError

MAX_PAUSE_SECONDS = 3600.0
EARLY_SHARE = 0.1  # of the interval: so much sooner the next cycle may come to a host than the last one did


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the host said, the pause that follows and when it ends; both in seconds, `due` on the monotonic clock."""

    error: VisitError
    pause: float
    due: float

    def holds(self, moment: float, interval: float) -> bool:
        """Tell whether it is too early to try again."""
        return moment < self.due - EARLY_SHARE * interval

    def repeated(self, due: datetime) -> VisitError:
        """Say it again without having asked the host again. The time is not in the message: that names a finding."""
        when = f"{due:%Y-%m-%d %H:%M:%S} UTC"
        fix = f"{self.error.fix} It is tried again after {when}, or at once by `dthostmon monitor`."
        return VisitError(ErrorKind.AUTH, self.error.message, fix)

    def due_at(self, moment: float, now: datetime) -> datetime:
        """Tell when it is due on a wall clock that shows `now` at the monotonic `moment`."""
        return now + timedelta(seconds=self.due - moment)


def refused(error: VisitError, before: Refusal | None, interval: float, begun: float) -> Refusal:
    """Make the next refusal: the pause is the interval, then doubles up to an hour, from when the try `begun`."""
    pause = max(interval, min(2 * before.pause, MAX_PAUSE_SECONDS)) if before else interval
    return Refusal(error, pause, begun + pause)
