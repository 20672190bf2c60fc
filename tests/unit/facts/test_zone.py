"""The zone of a host's logs is one that exists here, whatever the host says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dthostmon.facts import zone_of
from dthostmon.model import Identity

NOBODY = Identity(None, None, None, None, None, None)
SUMMER = datetime(2026, 7, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "hours"),
    [("Europe/Berlin", 2), ("UTC", 0), ("+0530", 5.5), ("-0800", -8), ("Etc/GMT+5", -5)],
)
def test_a_zone_is_read_by_name_and_by_offset(told: str, hours: float) -> None:
    zone = zone_of(replace(NOBODY, timezone=told))
    assert SUMMER.astimezone(zone).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    "told", [None, "", "Mars/Olympus", "x" * 5000, "../../etc/passwd", "/etc/passwd", "a\0b", "+9999"]
)
def test_what_is_no_zone_is_utc(told: str | None) -> None:
    assert zone_of(replace(NOBODY, timezone=told)) is UTC
    assert zone_of(None) is UTC
