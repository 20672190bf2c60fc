"""Places in a list, as text."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.errors import DthostmonError
from dthostmon.store.pages import InvalidPageError, before, page
from dthostmon.store.tables import runs


def text_of(time: datetime, key: int) -> str:
    """Return the `next` of a page that ends at a place."""
    following = page([(time, key), (time, key)], 1, lambda place: place).next
    assert following is not None
    return following


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**63 - 1))
def test_a_place_comes_back_from_its_text(time: datetime, key: int):
    text = text_of(time, key)
    values = before(text, runs.c.started_at, runs.c.id).compile().params.values()
    assert set(values) == {time, key}
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


def test_the_first_page_starts_anywhere():
    assert before(None, runs.c.started_at, runs.c.id).compare(sa.true())


def test_a_last_page_has_no_next():
    assert page([1, 2], 2, lambda item: (datetime.now(UTC), item)).next is None


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_refused(text: str):
    with suppress(InvalidPageError):
        before(text, runs.c.started_at, runs.c.id)


def test_a_refusal_is_one_of_our_errors_and_a_value_error():
    assert issubclass(InvalidPageError, DthostmonError)
    assert issubclass(InvalidPageError, ValueError)


def test_a_place_outside_of_the_calendar_is_refused():
    with pytest.raises(InvalidPageError):
        before("gAAAAAAAAAAAAAAAAAAAAQ", runs.c.started_at, runs.c.id)
