"""Admins with a server to govern."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from knowledge.index.edge import open_edge
from knowledge.search import Search
from platform_api.app import PlatformPorts
from ports.db import Database
from tests.loopback import listening
from tests.platform_api.people import People, platform_ports
from tests.platform_api.reading import embedder
from tests.platform_api.toolbox.listing import ListingGateway
from tools.gateway.platform import HttpPlatform


@pytest.fixture
async def listing() -> AsyncIterator[ListingGateway]:
    gateway = ListingGateway()
    async with listening(gateway.app()) as gateway.url:
        yield gateway


@pytest.fixture
async def ports(
    database: Database, redis: Redis, tmp_path: Path, listing: ListingGateway
) -> AsyncIterator[PlatformPorts]:
    index = open_edge(tmp_path / "index", embedder().version, embedder().dimensions)
    search = Search(index, embedder())
    yield platform_ports(database, redis, tmp_path, index=index, search=search, gateway_url=listing.url)
    await index.close()


@pytest.fixture
async def server(people: People) -> dict[str, Any]:
    """`files`, registered by ada and looked at once: its tools are pending."""
    return await registered(people.ada)


@pytest.fixture
async def gateway(people: People, app: FastAPI) -> AsyncIterator[HttpPlatform]:
    """The gateway's link, with its own key."""
    key = SigningKey.generate()
    people.ports.trusted.replace("gateway", key.jwks())
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        yield HttpPlatform("http://platform", client, Minter(key, "gateway", SystemClock()))


async def registered(admin: AsyncClient, name: str = "files", **fields: Any) -> dict[str, Any]:
    body = {"name": name, "address": f"http://{name}.example/mcp"} | fields
    made = await admin.post("/api/v1/mcp-servers", json=body)
    assert made.status_code == 201, made.text
    looked = await admin.get(f"/api/v1/mcp-servers/{made.json()['id']}/definitions")
    assert looked.status_code == 200, looked.text
    return looked.json()["server"]


async def approved(admin: AsyncClient, server: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    answer = await admin.post(f"/api/v1/mcp-servers/{server['id']}/approve", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]
