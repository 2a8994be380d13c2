"""A gateway with the docs server in it, on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.tools.world import Gate, running_gateway


@pytest.fixture
async def gate(tmp_path: Path, redis: Redis) -> AsyncIterator[Gate]:
    async with running_gateway(tmp_path, redis) as gate:
        yield gate
