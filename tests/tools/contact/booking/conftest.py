from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ports.db import Database
from tests.tools.contact.booking.offices import World, build


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    world = build(database, tmp_path)
    yield world
    await world.contact.stop()
