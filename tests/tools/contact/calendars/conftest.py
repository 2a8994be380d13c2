"""One migrated database for all of these tests; each has an organisation of its own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from ports.db import Database
from tests.engines import PostgresForTests
from tests.tools.contact.calendars import backends
from tests.tools.contact.calendars.backends import Backend
from tests.tools.contact.calendars.radicale import Radicale, running_radicale
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


@pytest.fixture(scope="module")
def radicale() -> Iterator[Radicale]:
    with running_radicale() as running:
        yield running


@pytest.fixture
def caldav_server(radicale: Radicale) -> Radicale:
    """With calendars of this test's own."""
    return replace(radicale, tag=uuid4().hex)


@pytest.fixture
async def backend(request: pytest.FixtureRequest, calendar_url: str, now: MovedNow) -> AsyncIterator[Backend]:
    if request.param == "caldav":
        opened = backends.caldav(calendar_url, now, request.getfixturevalue("caldav_server"))
    else:
        by_name = {"builtin": backends.builtin, "graph": backends.graph, "google": backends.google}
        opened = by_name[request.param](calendar_url, now)
    async with opened as running:
        yield running
