"""The time zone that a host writes its logs in."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from dthostmon.model import Identity

_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)")


def zone_of(identity: Identity | None) -> tzinfo:
    """Return the zone that a host told, UTC where it told none that exists here."""
    name = identity.timezone if identity else None
    if not name:
        return UTC
    if _OFFSET.fullmatch(name):
        return zone_of_offset(name)
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such zone, no name of one, or no data of zones on this machine
        return UTC


def zone_of_offset(text: str) -> tzinfo:
    """Return the zone of an offset such as `+0200`, UTC where it is none."""
    offset = _OFFSET.fullmatch(text.strip())
    if offset is None:
        return UTC
    minutes = int(offset[2]) * 60 + int(offset[3])
    return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes)) if minutes < 1440 else UTC
