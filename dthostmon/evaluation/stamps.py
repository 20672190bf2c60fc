"""When a line was written, as far as its usual stamps tell: a replayed visit comes shortly after it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

DEFAULT_MOMENT = datetime(2026, 7, 28, 12, 0, tzinfo=UTC)  # for lines without any stamp
VISITED_AFTER = timedelta(seconds=30)

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?\d*(Z|[+-]\d\d:?\d\d)?")
_SYSLOG = re.compile(r"\b(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)")
_ACCESS = re.compile(r"\b\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")
_SEARCHED_CHARACTERS = 200


def visited_at(lines: Sequence[str]) -> datetime:
    """Return a moment shortly after the latest stamp of the lines."""
    stamps = [stamp for line in lines if (stamp := _stamp(line[:_SEARCHED_CHARACTERS]))]
    return max(stamps, default=DEFAULT_MOMENT) + VISITED_AFTER


def _stamp(line: str) -> datetime | None:
    try:
        if found := _ISO.search(line):
            return _utc(datetime.fromisoformat(found[0]))
        if found := _ACCESS.search(line):
            return _utc(datetime.strptime(found[0], "%d/%b/%Y:%H:%M:%S %z"))
        if found := _SYSLOG.search(line):
            stamp = f"{DEFAULT_MOMENT.year} {found['stamp']}"
            return datetime.strptime(stamp, "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
