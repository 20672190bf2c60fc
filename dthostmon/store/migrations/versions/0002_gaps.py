"""What is lost of a log, piece by piece, and logs that cannot tell how much is pending."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give the ledger its gaps; a batch, since SQLite changes no column in place."""
    with op.batch_alter_table("coverage") as coverage:
        coverage.add_column(sa.Column("gaps", sa.JSON()))
        coverage.alter_column("bytes_pending", existing_type=sa.BigInteger(), nullable=True)
