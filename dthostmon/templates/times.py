"""When a line says it was written.

A stamp without a year is of the last year in which it is not more than a day in the future: clocks differ, logs do not
tell the future. A stamp without a zone is in the zone of its host.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from dthostmon.templates.headers import take_apart

FUTURE = timedelta(days=1)
_LONGEST_STAMP = 64

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_CLOCK = r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)[:.](?P<second>\d\d)(?:[.,:](?P<fraction>\d{1,9}))?"
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d))?"
_MONTH = r"(?P<month>[A-Z][a-z][a-z])"
_STAMPS = tuple(
    re.compile(expression, re.ASCII)
    for expression in (
        rf"{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) (?:(?P<year>\d{{4}}) )?{_CLOCK}{_ZONE}(?![\d:])",
        rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})(?:T|_|-| {{1,2}}){_CLOCK}{_ZONE}",
        rf"[A-Z][a-z][a-z] {_MONTH} {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}(?: [A-Z]{{3,5}})?(?: (?P<year>\d{{4}})\b)?",
        rf"(?P<day>\d{{1,2}})[-/ ]{_MONTH}[-/ ](?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}",
        rf"(?P<short_year>\d\d)/(?P<month>\d\d)/(?P<day>\d\d) {_CLOCK}",
        rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)[- T]{_CLOCK}",
        rf"(?P<month>\d\d)[-./]?(?P<day>\d\d) {_CLOCK}",
    )
)
_GROUP_NAME = re.compile(r"\?P<\w+>")
# the first two, which a line may begin with, without groups: most lines are asked for their stamp alone
_LEADING = re.compile("|".join(_GROUP_NAME.sub("?:", stamp.pattern) for stamp in _STAMPS[:2]), re.ASCII)
_COMPACT = re.compile(
    r"(?P<short_year>\d\d)(?P<month>\d\d)(?P<day>\d\d) (?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?!\d)", re.ASCII
)
_EPOCH = re.compile(r"(\d{9,10})(?:[.,](\d{1,9}))?$|(\d{13})(?:\d{3}){0,2}$", re.ASCII)
_PRIORITY = re.compile(r"<\d{1,3}>(?:\d{1,2} )?", re.ASCII)


def read_time(line: str, reference: datetime, zone: tzinfo) -> datetime | None:
    """Return when a cleaned line says it was written, in UTC; None where it does not say, or says what cannot be."""
    try:
        return _read(line, reference, zone)
    except (ValueError, OverflowError):  # the 31st of February; the year 1 east of Greenwich
        return None


def leading_stamps(lines: Iterable[str]) -> list[str | None]:
    """Return the stamp that each cleaned line begins with, from which `read_time` reads the same; None where it must
    search for one.
    """
    return [found[0] if found else None for found in map(_LEADING.match, lines)]


def _read(line: str, reference: datetime, zone: tzinfo) -> datetime | None:
    start = priority.end() if line[:1] == "<" and (priority := _PRIORITY.match(line)) else 0
    if found := _STAMPS[0].match(line, start) or _STAMPS[1].match(line, start):
        return _at(found, reference, zone)
    if text := take_apart(line).time:
        return _of_stamp(text[:_LONGEST_STAMP], reference, zone)
    found = _COMPACT.match(line)
    return _at(found, reference, zone) if found else None


def _of_stamp(text: str, reference: datetime, zone: tzinfo) -> datetime | None:
    if epoch := _EPOCH.match(text):
        return _of_epoch(epoch)
    for stamp in _STAMPS:
        if found := stamp.match(text):
            return _at(found, reference, zone)
    return None


def _of_epoch(found: re.Match[str]) -> datetime:
    seconds, fraction, milliseconds = found.groups()
    if milliseconds:
        return datetime.fromtimestamp(int(milliseconds) // 1000, UTC).replace(microsecond=int(milliseconds[-3:]) * 1000)
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=_microseconds(fraction))


def _at(found: re.Match[str], reference: datetime, zone: tzinfo) -> datetime | None:
    fields = found.groupdict()
    month = _MONTHS.get(fields["month"]) if fields["month"].isalpha() else int(fields["month"])
    if month is None:
        return None
    clock = (
        int(fields["hour"]),
        int(fields["minute"]),
        min(int(fields["second"]), 59),
        _microseconds(fields.get("fraction")),
    )
    day, where = int(fields["day"]), _zone(fields.get("zone"), zone)
    if (year := _year(fields)) is not None:
        return datetime(year, month, day, *clock, tzinfo=where).astimezone(UTC)
    for year in _years(reference, where):
        if (month, day) == (2, 29) and not _is_leap(year):
            continue
        at = datetime(year, month, day, *clock, tzinfo=where).astimezone(UTC)
        if at <= reference + FUTURE:
            return at
    return None


def _year(fields: dict[str, str | None]) -> int | None:
    if short := fields.get("short_year"):
        return 2000 + int(short)
    year = fields.get("year")
    return int(year) if year else None


def _years(reference: datetime, where: tzinfo) -> Iterator[int]:
    year = reference.astimezone(where).year
    return iter((year + 1, year, year - 1))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _microseconds(digits: str | None) -> int:
    return int(digits[:6].ljust(6, "0")) if digits else 0


def _zone(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:].lstrip(":") or 0))
    return timezone(-offset if text[0] == "-" else offset)
