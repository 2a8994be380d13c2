"""The tables are those of the models, and the record takes no change."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from platform_api import migrations
from platform_api.audit.models import AuditRecordRow
from platform_api.migrations import differences, upgrade
from platform_api.migrations.run import newest
from ports.db import Database


def test_models_and_migrations_agree(database_url: str) -> None:
    assert differences(database_url) == []


def test_migrating_again_does_nothing(database_url: str) -> None:
    upgrade(database_url)
    assert differences(database_url) == []


def test_the_newest_file_is_where_the_revisions_end() -> None:
    """A database at that revision is taken to need nothing."""
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [newest()]


@pytest.mark.proves("TENANT-001")
async def test_every_table_of_ours_carries_the_organisation(database: Database) -> None:
    async with database.begin() as session:
        rows = await session.execute(
            text(
                "SELECT table_name FROM information_schema.tables t WHERE table_schema = 'public'"
                " AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'procrastinate_%'"
                " AND NOT EXISTS (SELECT 1 FROM information_schema.columns c WHERE"
                " c.table_name = t.table_name AND c.column_name = 'organisation_id')"
            )
        )
        # registry_state counts the changes of all: one number, of nobody
        assert {name for (name,) in rows} == {"organisations", "alembic_version", "registry_state"}


@pytest.mark.proves("AUDIT-001")
@pytest.mark.parametrize(
    "change", ["UPDATE audit_records SET actor = 'x'", "DELETE FROM audit_records", "TRUNCATE audit_records"]
)
async def test_a_record_once_written_takes_no_change(database: Database, change: str) -> None:
    async with database.begin() as session:
        session.add(
            AuditRecordRow(
                id="0" * 26, at=datetime.now(UTC), kind="audit", type="test", actor="user:1", data={}
            )
        )
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.begin() as session:
            await session.execute(text(change))
