"""Keyset pages: a page starts after a row and not after a count, so new rows shift nothing and no page is slow."""

import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from dthostmon.errors import DthostmonError
from dthostmon.store.columns import microseconds, moment

T = TypeVar("T")

PLACE = struct.Struct(">qq")


class InvalidPageError(DthostmonError, ValueError):
    """`after` is not what a page gave as its `next`."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some values, and the text that asks for those after them; `next` is None on the last page."""

    items: tuple[T, ...]
    next: str | None


def page(found: Sequence[T], limit: int, place: Callable[[T], tuple[datetime, int]]) -> Page[T]:
    """Cut a page from up to `limit` + 1 values: the one too many tells that there is a next page."""
    items = tuple(found[:limit])
    return Page(items, _encode(*place(items[-1])) if len(found) > limit and items else None)


def before(after: str | None, time: sa.Column[Any], key: sa.Column[int]) -> sa.ColumnElement[bool]:
    """Return the condition for the rows that come after a place, where the newest come first."""
    if after is None:
        return sa.true()
    started_at, last = _decode(after)
    return (time < started_at) | ((time == started_at) & (key < last))


def _encode(at: datetime, key: int) -> str:
    return base64.urlsafe_b64encode(PLACE.pack(microseconds(at), key)).rstrip(b"=").decode()


def _decode(after: str) -> tuple[datetime, int]:
    try:
        padded = after.encode("ascii") + b"=" * (-len(after) % 4)
        at, key = PLACE.unpack(base64.b64decode(padded, altchars=b"-_", validate=True))
        return moment(at), key
    except (UnicodeEncodeError, binascii.Error, struct.error, OverflowError):
        raise InvalidPageError(
            f"after={after[:80]!r} is no place in a list. Pass the `next` of the page before, unchanged."
        ) from None
