"""More of what a machine is doing, and what is remembered of it to judge and to foresee."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MEASURED = (
    *("cpu_user", "cpu_system", "cpu_iowait", "cpu_steal", "cpu_idle"),
    *("pressure_cpu", "pressure_memory", "pressure_memory_full", "pressure_io", "pressure_io_full"),
    *("disk_read_rate", "disk_write_rate", "network_receive_rate", "network_send_rate", "temperature"),
)
COUNTED = (
    *("memory_total", "memory_available", "swap_total", "swap_free"),
    *("blocked", "open_files", "open_files_limit"),
)


def upgrade() -> None:
    """Add the columns."""
    for name in MEASURED:
        op.add_column("runs", sa.Column(name, sa.Double()))
    for name in COUNTED:
        op.add_column("runs", sa.Column(name, sa.BigInteger()))
    op.add_column("disks", sa.Column("read_only", sa.Boolean()))
    for name in ("counters", "recent", "outlook"):
        op.add_column("hosts", sa.Column(name, sa.JSON()))
