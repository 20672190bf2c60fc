"""Database addresses."""

from pathlib import Path

import pytest

from dthostmon.errors import StoreError
from dthostmon.store.address import parse


def test_an_sqlite_address_has_a_file():
    assert parse("sqlite:///rel.db").file == Path("rel.db")
    assert parse("sqlite:////var/lib/abs.db").file == Path("/var/lib/abs.db")
    assert parse("sqlite:////var/lib/abs.db").driver_url.drivername == "sqlite+pysqlite"


def test_a_postgresql_address_is_shown_without_its_password():
    address = parse("postgresql://me:s%40cret@db.example.org:5433/hosts")
    assert address.masked == "postgresql://me:***@db.example.org:5433/hosts"
    assert "cret" not in repr(address)
    assert address.file is None
    assert address.driver_url.password == "s@cret"  # noqa: S105 - of nothing real


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("password=hunter2", "password=***"),
        ("password=hunter2&password=hunter2", "password=***"),
    ],
)
def test_a_query_is_shown_without_its_secrets(query: str, shown: str):
    address = parse(f"postgresql://me@db.example.org/hosts?{query}")
    assert address.masked == f"postgresql://me@db.example.org/hosts?{shown}"
    assert "hunter2" in str(address.driver_url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dthostmon.db",
        "mysql://me:secret@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://me:secret@host",
        "postgresql://me:secret@host:port/db",
        "postgresql+psycopg://me:secret@host/db",
    ],
)
def test_any_other_address_is_refused_without_quoting_it(url: str):
    with pytest.raises(StoreError, match="Write sqlite:///FILE or postgresql://USER") as refusal:
        parse(url)
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("url", ["postgresql://h/d?connect_timeout=5", "sqlite:///x.db?mode=ro"])
def test_an_option_that_does_nothing_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="does nothing here"):
        parse(url)


def test_sslmode_is_what_the_driver_calls_ssl() -> None:
    assert parse("postgresql://u@h/d?sslmode=require").driver_url.query == {"ssl": "require"}
