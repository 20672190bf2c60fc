"""The tables as queries need them; `dialect_options` adds what one database alone has of them.

`migrations/versions` holds how a database gets there; a test keeps the two the same.
"""

from datetime import datetime

import sqlalchemy as sa

from dthostmon.store.columns import Instant, Key, SafeJson, SafeText

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


# Columns of a run's metrics, besides the first few.
MEASURED = (
    *("cpu_user", "cpu_system", "cpu_iowait", "cpu_steal", "cpu_idle"),
    *("pressure_cpu", "pressure_memory", "pressure_memory_full", "pressure_io", "pressure_io_full"),
    *("disk_read_rate", "disk_write_rate", "network_receive_rate", "network_send_rate", "temperature"),
)
COUNTED = (
    *("memory_total", "memory_available", "swap_total", "swap_free"),
    *("blocked", "open_files", "open_files_limit"),
)


def _id() -> sa.Column[int]:
    return sa.Column("id", Key, sa.Identity(), primary_key=True)


def _of(target: sa.Table, *, key: bool = False, index: bool = False) -> sa.Column[int]:
    """Make a reference whose row goes with the row that it points to."""
    name = target.name.removesuffix("s") + "_id"
    return sa.Column(
        name, Key, sa.ForeignKey(target.c.id, ondelete="CASCADE"), primary_key=key, nullable=False, index=index
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, SafeText, nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _float(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double)


def _instant(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Instant, nullable=nullable, index=index)


hosts = sa.Table(
    "hosts",
    metadata,
    _id(),
    sa.Column("name", SafeText, nullable=False, unique=True),
    sa.Column("cpu_times", SafeJson),
    sa.Column("client_addresses", SafeJson),
    _text("role", nullable=True),
    _instant("learned_since", nullable=True),
    sa.Column("accepted", SafeJson),
    sa.Column("counters", sa.JSON(none_as_null=True)),
    sa.Column("recent", SafeJson),
    sa.Column("outlook", SafeJson),
)

# What counting rules and first sights remember of a host: read and written as a whole.
histories = sa.Table(
    "histories",
    metadata,
    _of(hosts, key=True),
    sa.Column("trails", SafeJson, nullable=False),
    sa.Column("values", SafeJson, nullable=False),
)

patterns = sa.Table("patterns", metadata, _of(hosts, key=True), sa.Column("pattern", SafeText, primary_key=True))

# A path may be longer than an index entry of PostgreSQL; its digest never is.
logs = sa.Table(
    "logs",
    metadata,
    _id(),
    _of(hosts),
    sa.Column("digest", sa.String(64), nullable=False),
    _text("path"),
    _instant("first_lines_at", nullable=True),
    _instant("last_lines_at", nullable=True),
    _float("longest_silence"),
    sa.Column("open_records", SafeJson),
    sa.UniqueConstraint("host_id", "digest"),
)

# Positions are JSON because sizes and inodes of a host are unsigned 64-bit numbers, and the databases' are signed.
cursors = sa.Table(
    "cursors",
    metadata,
    _of(logs, key=True),
    _integer("version"),
    sa.Column("current", SafeJson, nullable=False),
    sa.Column("previous", SafeJson),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _of(hosts),
    _instant("started_at", index=True),
    sa.Column("duration", sa.Double, nullable=False),
    _text("site", nullable=True),
    _text("status"),
    _text("error_kind", nullable=True),
    _text("error", nullable=True),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("score", sa.SmallInteger),
    _text("judged_by"),
    _text("summary"),
    _float("cpu_percent"),
    _float("memory_percent"),
    _float("swap_percent"),
    _float("load1"),
    _float("load5"),
    _float("load15"),
    _float("worst_disk_percent"),
    *(_float(name) for name in MEASURED),
    *(sa.Column(name, sa.BigInteger) for name in COUNTED),
    sa.Column("reasons", SafeJson, nullable=False),
    sa.Column("recommendations", SafeJson, nullable=False),
    sa.Column("identity", SafeJson),
    sa.Column("unknown", SafeJson, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("completion_tokens", sa.BigInteger),
    sa.Column("cached_tokens", sa.BigInteger),
    sa.Column("reasoning_tokens", sa.BigInteger),
    _float("cost"),
    _instant("judged_at", nullable=True),
    sa.UniqueConstraint("host_id", "started_at"),
)

# What is on a host, by content: an unchanged visit stores nothing, and hosts of one image share what they have.
inventories = sa.Table(
    "inventories",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    _instant("stored_at"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

host_inventories = sa.Table(
    "host_inventories",
    metadata,
    _of(hosts, key=True),
    sa.Column("probe", SafeText, primary_key=True),
    _text("mark"),
    sa.Column("digest", sa.String(64), sa.ForeignKey(inventories.c.digest), nullable=False, index=True),
    sa.Column("lasting", SafeJson, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    _id(),
    _of(hosts),
    sa.Column("run_id", Key, sa.ForeignKey(runs.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _instant("seen_at", index=True),
    _instant("happened_at", nullable=True),
    _text("kind"),
    _text("subject"),
    _text("before", nullable=True),
    _text("after", nullable=True),
    _text("sentence"),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("expected", sa.Boolean, nullable=False),
    _text("cause"),
    _text("diff"),
    sa.Column("words", SafeJson, nullable=False),
    sa.Index(None, "host_id", "seen_at"),
)

# The fleet overview reads this instead of looking for the newest among millions of runs.
host_last = sa.Table(
    "host_last",
    metadata,
    _of(hosts, key=True),
    sa.Column("run_id", Key, sa.ForeignKey(runs.c.id), nullable=False, unique=True),
)

disks = sa.Table(
    "disks",
    metadata,
    _of(runs, key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _text("mount"),
    _text("device"),
    _text("filesystem"),
    _integer("size"),
    _integer("used"),
    _float("percent"),
    _float("inodes_percent"),
    sa.Column("read_only", sa.Boolean),
)

coverage = sa.Table(
    "coverage",
    metadata,
    _of(runs, key=True),
    _of(logs, key=True, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    _integer("bytes_appeared"),
    _integer("bytes_analysed"),
    _integer("bytes_skipped"),
    sa.Column("bytes_pending", sa.BigInteger),
    sa.Column("gaps", SafeJson),
    _text("skip_reason", nullable=True),
    _integer("lines"),
    sa.Column("rotated", sa.Boolean, nullable=False),
)

findings = sa.Table(
    "findings",
    metadata,
    _id(),
    _of(runs, index=True),
    _of(hosts),
    _instant("found_at"),
    _text("kind"),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    _text("source"),
    _text("rule", nullable=True),
    _integer("count"),
    _text("title"),
    _text("recommended_action"),
    sa.Column("fields", SafeJson, nullable=False),
    sa.Column("evidence", SafeJson, nullable=False),
    sa.Column("changes", SafeJson),
    _instant("first_seen", nullable=True),
    _instant("last_seen", nullable=True),
    sa.Index(None, "host_id", "found_at"),
    sa.Index(None, "found_at"),
)

templates = sa.Table(
    "templates",
    metadata,
    _of(hosts, key=True),
    sa.Column("template_id", SafeText, primary_key=True),
    _integer("count"),
    _instant("first_seen"),
    _instant("last_seen"),
    _text("program", nullable=True),
    _text("text"),
    _text("sample"),
    sa.Column("rates", sa.JSON(none_as_null=True)),
    sa.Column("week", sa.LargeBinary),
    _instant("normal_until", nullable=True),
    sa.Index(None, "template_id"),
)

# No reference to the run: logs may be kept longer. `data` comes last, so that SQLite finds the rest without its pages.
chunks = sa.Table(
    "chunks",
    metadata,
    _id(),
    _of(hosts),
    _of(logs),
    _instant("read_at", index=True),
    sa.Column("position", sa.Integer, nullable=False),
    _text("codec"),
    _integer("raw_size"),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index(None, "host_id", "id"),
    sa.Index(None, "log_id"),
)

cycles = sa.Table(
    "cycles",
    metadata,
    sa.Column("id", SafeText, primary_key=True),
    _instant("started_at", index=True),
    sa.Column("duration", sa.Double, nullable=False),
    _integer("hosts"),
    _integer("ok"),
    _integer("failed"),
    _integer("skipped"),
)

token_days = sa.Table("token_days", metadata, sa.Column("day", SafeText, primary_key=True), _integer("tokens"))

opinions = sa.Table(
    "opinions",
    metadata,
    sa.Column("key", SafeText, primary_key=True),
    sa.Column("opinion", SafeJson, nullable=False),
    _text("provider"),
    _text("model"),
    _instant("answered_at", index=True),
)

# What a model would have been asked about a run, where none answered.
questions = sa.Table(
    "questions",
    metadata,
    _of(runs, key=True),
    sa.Column("evidence", SafeJson, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    _text("name"),
    _text("scope"),
    _text("secret_hash"),
    _instant("created_at"),
    _instant("expires_at", nullable=True),
    _instant("revoked_at", nullable=True),
)
