"""A gateway with the docs server in it, on loopback. No test writes to the index, so it is shared."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.world import Gate, handbook, running_gateway


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    with handbook() as index:
        yield index


@pytest.fixture
async def gate(tmp_path: Path, redis: Redis, index: Index) -> AsyncIterator[Gate]:
    async with running_gateway(tmp_path, redis, index) as gate:
        yield gate
