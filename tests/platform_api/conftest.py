"""The platform as `launch` would build it, on real engines, asked over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from knowledge.index.edge import open_edge
from knowledge.search import Search
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import ensure_dev_people
from ports.db import Database
from tests.platform_api.people import People, platform_ports
from tests.platform_api.reading import embedder
from tests.platform_api.work import Work


@pytest.fixture
async def ports(database: Database, redis: Redis, tmp_path: Path) -> AsyncIterator[PlatformPorts]:
    """Real engines; documents are read in process (see tests/platform_api/reading.py)."""
    index = open_edge(tmp_path / "index", embedder().version, embedder().dimensions)
    search = Search(index, embedder())
    yield platform_ports(database, redis, tmp_path, index=index, search=search)
    await index.close()


@pytest.fixture
def worker(ports: PlatformPorts) -> Work:
    """Runs what is queued, when asked: `await worker.finish()`."""
    return Work(ports)


@pytest.fixture
def app(ports: PlatformPorts) -> FastAPI:
    return build_app(ports)


@pytest.fixture
async def people(ports: PlatformPorts, app: FastAPI) -> AsyncIterator[People]:
    """maya, tom and ada, signed in: `await people.maya.get("/api/v1/me")`."""
    await ensure_dev_people(ports.database)
    async with People(ports, app) as people:
        yield people


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Somebody who has not signed in."""
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        yield client
