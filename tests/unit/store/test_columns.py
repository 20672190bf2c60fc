"""Values on their way into a column and out of it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.store.columns import microseconds, moment, safe_json, safe_text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_survives_to_the_microsecond(time: datetime):
    assert moment(microseconds(time)) == time


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stored_times_sort_as_times_do(one: datetime, other: datetime):
    assert (microseconds(one) < microseconds(other)) == (one < other)


def test_a_time_of_another_zone_is_the_same_moment():
    zone = timezone(timedelta(hours=5, minutes=30))
    assert moment(microseconds(datetime(2024, 1, 1, 5, 30, tzinfo=zone))) == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        microseconds(datetime(2024, 1, 1))  # noqa: DTZ001 - the very mistake


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_outside_of_the_calendar_is_refused(text: str):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        microseconds(datetime.fromisoformat(text))


def test_text_without_anything_harmful_stays_the_same_object():
    text = "an ordinary line"
    assert safe_text(text) is text


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_becomes_storable(text: str):
    safe = safe_text(text)
    assert "\0" not in safe
    assert safe.encode("utf-8").decode("utf-8") == safe


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_good_text_is_not_changed(text: str):
    assert safe_text(text) == text


def test_json_is_cleaned_to_its_depth():
    value = {"a\0": ["\udc80", 1, None, 2.5, True, {"b": "\0"}]}
    assert safe_json(value) == {"a\\x00": ["\\udc80", 1, None, 2.5, True, {"b": "\\x00"}]}
    assert "\\u0000" not in json.dumps(safe_json(value))
