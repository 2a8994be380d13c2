from collections.abc import AsyncIterator

import pytest
from switchboard_sdk import Switchboard

from tests import scripted_platform
from tests.scripted_platform import ScriptedPlatform


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with scripted_platform.running() as running:
        yield running


@pytest.fixture
async def client(platform: ScriptedPlatform) -> AsyncIterator[Switchboard]:
    async def at_once(seconds: float) -> None:
        return None

    async with Switchboard(platform.url, "token", sleep=at_once) as switchboard:
        yield switchboard
