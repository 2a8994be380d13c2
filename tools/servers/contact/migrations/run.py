"""Brings the schema `contact` up to date. Synchronous: call it before a loop runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession

from ports.db import sync_url
from ports.queue import apply_schema
from tools.servers.contact.migrations.tables import METADATA
from tools.servers.contact.store.base import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtext('contact.migrations'))")
_REVISION: Final = text(f"SELECT version_num FROM {SCHEMA}.alembic_version")  # noqa: S608  ours
_THERE: Final = text(f"SELECT to_regclass('{SCHEMA}.alembic_version')")


def upgrade(url: str) -> None:
    """Schema, tables and queue, to the newest revision. Two that start together take turns."""
    engine = create_engine(sync_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(_TAKE_TURNS)
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            if _revision(connection) != newest():
                # lazy: Alembic costs 0.4 s, and most starts find nothing to do
                from alembic import command

                apply_schema(connection)
                command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this release needs: files are named by theirs, and numbered."""
    return max(path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


async def is_current(session: AsyncSession) -> bool:
    """Whether the database is at this release's revision."""
    if await session.scalar(_THERE) is None:
        return False
    return await session.scalar(_REVISION) == newest()


def differences(url: str) -> list[Any]:
    """What the models have and the database lacks, or the other way round; empty when they agree."""
    # lazy: see `upgrade`
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            options: dict[str, Any] = {
                "compare_type": True,
                "include_schemas": True,
                "include_name": ours,
                "version_table_schema": SCHEMA,
            }
            return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    finally:
        engine.dispose()


def ours(name: str | None, kind: str, _: Any) -> bool:
    """The platform's tables, in another schema of the same database, are its own business."""
    return name == SCHEMA if kind == "schema" else True


def _revision(connection: Connection) -> str | None:
    """None for a database without our tables."""
    return connection.scalar(_REVISION) if connection.scalar(_THERE) is not None else None


def _config(connection: Connection) -> "Config":
    # lazy: see `upgrade`
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config
