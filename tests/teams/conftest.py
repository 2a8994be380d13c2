"""A Teams of its own for each test, one platform for all of them; what the bot sends breaks no limit."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.core import deliveries
from launch.child import running
from tests.e2e.conftest import Place, data_folder
from tests.teams.office import Office, bot_key, office
from tests.teams.simulator import ACME, Teams
from tests.unlimited import without_limits

SETTINGS = {"SWITCHBOARD_IDENTITY__TRUSTED_WORKSPACES": f'["teams:{ACME}"]'}


@pytest.fixture
async def teams() -> AsyncIterator[Teams]:
    async with Teams.running() as running_teams:
        yield running_teams
        assert not running_teams.violations, running_teams.violations


@pytest.fixture(scope="session")
def platform() -> Iterator[Place]:
    """`switchboard up` with the handbook, trusting the simulated tenant's addresses."""
    before = os.environ.copy()
    without_limits()
    os.environ.update(SETTINGS)
    with data_folder() as data, asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patched:
        # A platform that is told to stop finishes what bots have asked: not for 20 s each.
        patched.setattr(deliveries, "WAIT_S", 1.0)
        opened = running(data)
        started = runner.run(opened.__aenter__())
        os.environ.clear()
        os.environ.update(before)
        try:
            place = Place(started)
            counts = runner.run(place.load_handbook("company"))
            assert counts == {"ready": sum(counts.values())}, counts
            yield place
        finally:
            runner.run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def key(platform: Place) -> str:
    """The bot's, for the platform."""
    return asyncio.run(bot_key(platform))


@pytest.fixture
async def here(teams: Teams, platform: Place, key: str) -> AsyncIterator[Office]:
    """Bot, Teams, platform: all running."""
    async with office(teams, platform, key) as opened:
        yield opened
