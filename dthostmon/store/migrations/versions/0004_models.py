"""What asking models took, what they answered, and what is left to ask."""

import sqlalchemy as sa
from alembic import op

from dthostmon.store.columns import Instant, Key

revision = "0004"
down_revision = "0003"

TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")


def upgrade() -> None:
    """Add the columns and the tables."""
    for name in TOKENS:
        op.add_column("runs", sa.Column(name, sa.BigInteger()))
    op.add_column("runs", sa.Column("cost", sa.Double()))
    op.add_column("runs", sa.Column("judged_at", Instant()))
    op.create_table(
        "token_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_token_days")),
    )
    op.create_table(
        "opinions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("opinion", sa.JSON(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_opinions")),
    )
    op.create_index(op.f("ix_opinions_answered_at"), "opinions", ["answered_at"])
    op.create_table(
        "questions",
        sa.Column(
            "run_id",
            Key,
            sa.ForeignKey("runs.id", ondelete="CASCADE", name=op.f("fk_questions_run_id")),
            nullable=False,
        ),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_questions")),
    )
