"""What alembic runs: the migrations, on the connection (and inside the transaction) that `upgrade` gives it."""

from alembic import context

from dthostmon.store.dialect_options import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
