"""What Alembic runs: the contact server's tables, on the connection that `run.py` opened."""

from alembic import context

from tools.servers.contact.migrations.run import ours
from tools.servers.contact.migrations.tables import METADATA
from tools.servers.contact.store.base import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_name=ours,
    include_schemas=True,
    version_table_schema=SCHEMA,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
