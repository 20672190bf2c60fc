"""The first tables: hosts, logs, cursors, runs and what hangs on them, cycles, API keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

# Frozen copies of the column types: what a migration did must not change when the code does.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TEXT = sa.Text()
JSON = sa.JSON()
NUMBERED = {"sqlite_autoincrement": True}


def _id() -> sa.Column[int]:
    return sa.Column("id", KEY, sa.Identity(), primary_key=True)


def _host(*, key: bool = False) -> sa.Column[int]:
    return sa.Column("host_id", KEY, sa.ForeignKey("hosts.id", ondelete="CASCADE"), nullable=False, primary_key=key)


def _log(*, key: bool = False) -> sa.Column[int]:
    return sa.Column("log_id", KEY, sa.ForeignKey("logs.id", ondelete="CASCADE"), nullable=False, primary_key=key)


def _run(*, key: bool = False) -> sa.Column[int]:
    return sa.Column("run_id", KEY, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, primary_key=key)


def _required(kind: TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _optional(kind: TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]


def upgrade() -> None:
    """Make all tables, parents first."""
    _make_hosts_and_logs()
    _make_runs()
    _make_parts_of_runs()
    _make_templates_and_chunks()
    _make_cycles_and_keys()


def _make_hosts_and_logs() -> None:
    op.create_table(
        "hosts",
        _id(),
        *_required(TEXT, "name"),
        *_optional(JSON, "cpu_times"),
        sa.UniqueConstraint("name", name="uq_hosts_name"),
        **NUMBERED,
    )
    op.create_table("patterns", _host(key=True), sa.Column("pattern", TEXT, primary_key=True))
    op.create_table(
        "logs",
        _id(),
        _host(),
        *_required(sa.String(64), "digest"),
        *_required(TEXT, "path"),
        sa.UniqueConstraint("host_id", "digest", name="uq_logs_host_id_digest"),
        **NUMBERED,
    )
    op.create_table(
        "cursors",
        _log(key=True),
        *_required(sa.BigInteger(), "version"),
        *_required(JSON, "current"),
        *_optional(JSON, "previous"),
    )


def _make_runs() -> None:
    op.create_table(
        "runs",
        _id(),
        _host(),
        *_required(INSTANT, "started_at"),
        *_required(sa.Double(), "duration"),
        *_optional(TEXT, "site"),
        *_required(TEXT, "status"),
        *_optional(TEXT, "error_kind", "error"),
        *_required(sa.SmallInteger(), "severity"),
        *_optional(sa.SmallInteger(), "score"),
        *_required(TEXT, "judged_by", "summary"),
        *_optional(
            sa.Double(),
            "cpu_percent",
            "memory_percent",
            "swap_percent",
            "load1",
            "load5",
            "load15",
            "worst_disk_percent",
        ),
        *_required(JSON, "reasons", "recommendations"),
        *_optional(JSON, "identity"),
        *_required(JSON, "unknown"),
        sa.UniqueConstraint("host_id", "started_at", name="uq_runs_host_id_started_at"),
        **NUMBERED,
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_table(
        "host_last",
        _host(key=True),
        sa.Column("run_id", KEY, sa.ForeignKey("runs.id"), nullable=False),
        sa.UniqueConstraint("run_id", name="uq_host_last_run_id"),
    )


def _make_parts_of_runs() -> None:
    op.create_table(
        "disks",
        _run(key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        *_required(TEXT, "mount", "device", "filesystem"),
        *_required(sa.BigInteger(), "size", "used"),
        *_optional(sa.Double(), "percent", "inodes_percent"),
    )
    op.create_table(
        "coverage",
        _run(key=True),
        _log(key=True),
        *_required(sa.Integer(), "position"),
        *_required(sa.BigInteger(), "bytes_appeared", "bytes_analysed", "bytes_skipped", "bytes_pending"),
        *_optional(TEXT, "skip_reason"),
        *_required(sa.BigInteger(), "lines"),
        *_required(sa.Boolean(), "rotated"),
    )
    op.create_index("ix_coverage_log_id", "coverage", ["log_id"])
    op.create_table(
        "findings",
        _id(),
        _run(),
        _host(),
        *_required(INSTANT, "found_at"),
        *_required(TEXT, "kind"),
        *_required(sa.SmallInteger(), "severity"),
        *_required(TEXT, "source"),
        *_optional(TEXT, "rule"),
        *_required(sa.BigInteger(), "count"),
        *_required(TEXT, "title", "recommended_action"),
        *_required(JSON, "fields", "evidence"),
        **NUMBERED,
    )
    op.create_index("ix_findings_run_id", "findings", ["run_id"])
    op.create_index("ix_findings_host_id_found_at", "findings", ["host_id", "found_at"])
    op.create_index("ix_findings_found_at", "findings", ["found_at"])


def _make_templates_and_chunks() -> None:
    op.create_table(
        "templates",
        _host(key=True),
        sa.Column("template_id", TEXT, primary_key=True),
        *_required(sa.BigInteger(), "count"),
        *_required(INSTANT, "first_seen", "last_seen"),
        *_optional(TEXT, "program"),
        *_required(TEXT, "text", "sample"),
    )
    op.create_table(
        "chunks",
        _id(),
        _host(),
        _log(),
        *_required(INSTANT, "read_at"),
        *_required(sa.Integer(), "position"),
        *_required(TEXT, "codec"),
        *_required(sa.BigInteger(), "raw_size"),
        *_required(sa.LargeBinary(), "data"),
        **NUMBERED,
    )
    op.create_index("ix_chunks_read_at", "chunks", ["read_at"])
    op.create_index("ix_chunks_host_id_id", "chunks", ["host_id", "id"])
    op.create_index("ix_chunks_log_id", "chunks", ["log_id"])


def _make_cycles_and_keys() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", TEXT, primary_key=True),
        *_required(INSTANT, "started_at"),
        *_required(sa.Double(), "duration"),
        *_required(sa.BigInteger(), "hosts", "ok", "failed", "skipped"),
    )
    op.create_index("ix_cycles_started_at", "cycles", ["started_at"])
    op.create_table(
        "api_keys",
        _id(),
        *_required(TEXT, "name", "scope", "secret_hash"),
        *_required(INSTANT, "created_at"),
        *_optional(INSTANT, "expires_at", "revoked_at"),
        **NUMBERED,
    )
    active = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_api_keys_active_name", "api_keys", ["name"], unique=True, sqlite_where=active, postgresql_where=active
    )
