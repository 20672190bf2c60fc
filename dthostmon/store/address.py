"""Where a database is, as the configuration names it, as the driver wants it, and as a message may show it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from dthostmon.errors import StoreError

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+asyncpg"}
MASK = "***"
HARMLESS = {"host", "port", "user", "ssl", "sslmode"}  # of the options in a query
OPTIONS = {"sqlite": frozenset[str](), "postgresql": HARMLESS | {"password"}}
FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed `database.url`. `masked` has no secret; `file` is None on PostgreSQL."""

    url: URL = field(repr=False)
    masked: str
    file: Path | None

    @property
    def driver_url(self) -> URL:
        """The URL with the driver named in it; it calls libpq's `sslmode` plainly `ssl`."""
        options = {"ssl" if name == "sslmode" else name: value for name, value in self.url.query.items()}
        return self.url.set(drivername=DRIVERS[self.url.drivername], query=options)


def parse(text: str) -> Address:
    """Read a database URL; StoreError, which never quotes it (it may hold a password), where it has no known form."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(f"database.url is not a database address. Write {FORMS}.") from None
    if url.drivername not in DRIVERS:
        raise StoreError(f"database.url names {url.drivername!r}, which is not supported. Write {FORMS}.")
    if not url.database or url.database == ":memory:":
        raise StoreError(f"database.url names no database. Write {FORMS}.")
    unknown = sorted(url.query.keys() - OPTIONS[url.drivername])
    if unknown:
        known = f"known are {', '.join(sorted(OPTIONS['postgresql']))} of PostgreSQL"
        raise StoreError(f"database.url has the option {unknown[0]!r}, which does nothing here; {known}. Remove it.")
    file = Path(url.database) if url.drivername == "sqlite" else None
    return Address(url, _masked(url), file)


def _masked(url: URL) -> str:
    shown = url.set(query={}).render_as_string(hide_password=True)
    values = {name: value if name in HARMLESS else MASK for name, value in url.query.items()}
    return f"{shown}?{urlencode(values, doseq=True, safe='*/')}" if values else shown
