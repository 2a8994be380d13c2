"""Brings a database up to date. Synchronous: call it before a loop runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, text

from platform_api.migrations.tables import METADATA
from ports.db import sync_url

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_QUEUE = "procrastinate_"


def upgrade(url: str) -> None:
    """To the newest revision. Two processes that start together take turns; again does nothing."""
    engine = create_engine(sync_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('platform_api.migrations'))"))
            if _revision(connection) != newest():
                # lazy: Alembic costs 0.4 s, and most starts find nothing to do
                from alembic import command

                command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this release needs: files are named by theirs, and numbered."""
    return max(path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


def new_revision(url: str, message: str) -> None:
    """Write the file of a revision from the difference between models and database."""
    # lazy: see `upgrade`
    from alembic import command

    engine = create_engine(sync_url(url))
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)
    engine.dispose()


def differences(url: str) -> list[Any]:
    """What the models have and the database lacks, or the other way round; empty when they agree."""
    # lazy: see `upgrade`
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            options = {"compare_type": True, "include_name": ours}
            return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    finally:
        engine.dispose()


def ours(name: str | None, kind: str, _: Any) -> bool:
    """The queue's tables are its own library's business."""
    return not (kind == "table" and name is not None and name.startswith(_QUEUE))


def _revision(connection: Connection) -> str | None:
    """None for a database without our tables."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _config(connection: Connection) -> "Config":
    # lazy: see `upgrade`
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config
