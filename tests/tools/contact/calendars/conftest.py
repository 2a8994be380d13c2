"""One migrated database for all of these tests; each has an organisation of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from ports.db import Database
from tests.engines import PostgresForTests
from tests.tools.contact.calendars import backends
from tests.tools.contact.calendars.backends import Backend
from tests.tools.contact.calendars.world import MovedNow
from tools.servers.contact.migrations import upgrade


@pytest.fixture(scope="module")
def calendar_url(postgres: PostgresForTests) -> Iterator[str]:
    with postgres.database("template1") as url:
        upgrade(url)
        yield url


@pytest.fixture
async def contact_database(calendar_url: str) -> AsyncIterator[Database]:
    database = Database(calendar_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
def now() -> MovedNow:
    return MovedNow()


@pytest.fixture
async def backend(request: pytest.FixtureRequest, calendar_url: str, now: MovedNow) -> AsyncIterator[Backend]:
    opened = {"builtin": backends.builtin}[request.param]
    async with opened(calendar_url, now) as running:
        yield running
