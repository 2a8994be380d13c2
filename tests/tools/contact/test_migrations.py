"""The contact server's tables: its own schema, its own versions."""

import pytest

from platform_api import migrations as platform
from ports.db import Database
from tools.servers.contact import migrations


@pytest.mark.proves("BOOK-101")
def test_models_and_migrations_agree(database_url: str) -> None:
    assert migrations.differences(database_url) == []
    assert platform.differences(database_url) == []


@pytest.mark.proves("BOOK-101")
async def test_migrating_twice_does_nothing(database: Database, database_url: str) -> None:
    async with database.begin() as session:
        assert await migrations.is_current(session)
