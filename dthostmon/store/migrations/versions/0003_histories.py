"""What is known of a host's usual life: counts within windows, rates, silences; when a finding's lines were written."""

import sqlalchemy as sa
from alembic import op

from dthostmon.store.columns import Instant, Key

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("hosts", sa.Column("role", sa.Text()))
    op.add_column("hosts", sa.Column("learned_since", Instant()))
    op.create_table(
        "histories",
        sa.Column(
            "host_id",
            Key,
            sa.ForeignKey("hosts.id", ondelete="CASCADE", name=op.f("fk_histories_host_id")),
            primary_key=True,
            nullable=False,
        ),
        sa.Column("trails", sa.JSON(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_histories")),
    )
    op.add_column("logs", sa.Column("first_lines_at", Instant()))
    op.add_column("logs", sa.Column("last_lines_at", Instant()))
    op.add_column("logs", sa.Column("longest_silence", sa.Double()))
    op.add_column("logs", sa.Column("open_records", sa.JSON()))
    op.add_column("findings", sa.Column("first_seen", Instant()))
    op.add_column("findings", sa.Column("last_seen", Instant()))
    op.add_column("templates", sa.Column("rates", sa.JSON()))
    op.add_column("templates", sa.Column("week", sa.LargeBinary()))
    op.add_column("templates", sa.Column("normal_until", Instant()))
    op.create_index(op.f("ix_templates_template_id"), "templates", ["template_id"])
