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
def waits() -> list[float]:
    """What the client would have slept, in seconds."""
    return []


@pytest.fixture
async def client(platform: ScriptedPlatform, waits: list[float]) -> AsyncIterator[Switchboard]:
    async def note(seconds: float) -> None:
        waits.append(seconds)

    async with Switchboard(platform.url, "token-of-maya", sleep=note) as switchboard:
        yield switchboard
