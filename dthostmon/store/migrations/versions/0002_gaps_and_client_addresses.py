"""What is lost of a log, piece by piece; logs that cannot tell how much is pending; where hosts see us come from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; the ledger's in a batch, since SQLite changes no column in place."""
    with op.batch_alter_table("coverage") as coverage:
        coverage.add_column(sa.Column("gaps", sa.JSON()))
        coverage.alter_column("bytes_pending", existing_type=sa.BigInteger(), nullable=True)
    op.add_column("hosts", sa.Column("client_addresses", sa.JSON()))
