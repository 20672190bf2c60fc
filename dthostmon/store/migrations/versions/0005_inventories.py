"""What is on hosts, what changed there, and which changes stand beside a finding."""

import sqlalchemy as sa
from alembic import op

from dthostmon.store.columns import Instant, Key

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables and the column."""
    op.create_table(
        "inventories",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("stored_at", Instant(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_inventories")),
    )
    op.create_table(
        "host_inventories",
        sa.Column("host_id", Key, nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("lasting", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "probe", name=op.f("pk_host_inventories")),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], ondelete="CASCADE", name=op.f("fk_host_inventories_host_id")
        ),
        sa.ForeignKeyConstraint(["digest"], ["inventories.digest"], name=op.f("fk_host_inventories_digest")),
    )
    op.create_index(op.f("ix_host_inventories_digest"), "host_inventories", ["digest"])
    op.create_table(
        "changes",
        sa.Column("id", Key, sa.Identity(), nullable=False),
        sa.Column("host_id", Key, nullable=False),
        sa.Column("run_id", Key, nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("happened_at", Instant()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("expected", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], ondelete="CASCADE", name=op.f("fk_changes_host_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE", name=op.f("fk_changes_run_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_changes_host_id_seen_at"), "changes", ["host_id", "seen_at"])
    op.create_index(op.f("ix_changes_run_id"), "changes", ["run_id"])
    op.create_index(op.f("ix_changes_seen_at"), "changes", ["seen_at"])
    op.add_column("hosts", sa.Column("accepted", sa.JSON()))
    op.add_column("findings", sa.Column("changes", sa.JSON()))
