"""Column types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

# A row, or a query for rows, of any columns.
AnyRow: TypeAlias = sa.Row[*tuple[Any, ...]]
AnySelect: TypeAlias = sa.Select[*tuple[Any, ...]]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# SQLite gives a column its rowid, and with it AUTOINCREMENT, only where the type reads INTEGER.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def in_utc(moment: datetime) -> datetime:
    """Return a time in UTC; ValueError for one without a zone, and for one that is in no year from 1 to 9999 there."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: pass an aware datetime")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} lies outside of the years 1 to 9999 in UTC") from None


def microseconds(moment: datetime) -> int:
    """Return the exact number of microseconds since 1970; ValueError as `in_utc`."""
    return (in_utc(moment) - EPOCH) // MICROSECOND


def moment(microseconds: int) -> datetime:
    """Return the UTC time that lies so many microseconds after 1970."""
    return EPOCH + microseconds * MICROSECOND


def safe_text(text: str) -> str:
    r"""Return text that both databases take: NUL becomes \x00, a lone surrogate its \udc.. escape, the rest stays."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\x00") if "\0" in text else text


def safe_json(value: Any) -> Any:
    """Apply `safe_text` to every text in a JSON value, keys included."""
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, Mapping):
        return {safe_text(key): safe_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [safe_json(item) for item in value]
    return value


class Instant(TypeDecorator[datetime]):
    """An aware time in UTC: timestamptz on PostgreSQL, microseconds on SQLite, which has no exact time that sorts."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type of the column."""
        postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True) if postgresql else sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn a time into what the column holds."""
        if value is None:
            return None
        return in_utc(value) if dialect.name == "postgresql" else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Turn what the column holds into a time."""
        if value is None:
            return None
        # asyncpg gives every time in UTC, but the first and the last one of the calendar without a zone
        return value.replace(tzinfo=UTC) if dialect.name == "postgresql" else moment(value)


class SafeText(TypeDecorator[str]):
    """Text that came from a host: PostgreSQL refuses NUL and lone surrogates, and one such line must not lose a run."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Clean a value on its way in."""
        return None if value is None else safe_text(value)


class SafeJson(TypeDecorator[Any]):
    """JSON whose texts came from a host. The column is `json`, not `jsonb`: it keeps the order that was written."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any | None, _dialect: Dialect) -> Any | None:
        """Clean a value on its way in."""
        return safe_json(value)
