"""What Alembic runs: our tables, on the connection that `run.py` opened, in its transaction."""

from alembic import context

from platform_api.migrations.run import ours
from platform_api.migrations.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_name=ours,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
