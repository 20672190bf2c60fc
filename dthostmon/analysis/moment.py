"""When a visit is, and so when the lines are that name no year or no zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from dthostmon import templates


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a visit, and the zone that the host writes its lines in."""

    now: datetime
    zone: tzinfo = UTC

    def of(self, line: str) -> datetime | None:
        """Return when a line says it was written, in UTC; None where it does not say."""
        return templates.read_time(line, self.now, self.zone)
