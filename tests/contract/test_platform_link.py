"""What the gateway needs of the platform: one suite over the platform itself and over the twin that the
gateway's tests hold (SPEC 3b)."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey, principal_of
from kit.clock import SystemClock
from kit.errors import Unauthenticated, Unavailable
from knowledge.index import Index
from knowledge.search import Search
from launch.engines import RunningEngine
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ensure_dev_people
from ports.db import Database
from ports.redis import connect
from tests.engines import PostgresForTests
from tests.platform_api.people import People, platform_ports
from tests.tools.world import RELEASE, HashedWords, HeldPlatform, handbook, person, released
from tools.gateway.platform import EventsRefused, HttpPlatform, PlatformLink
from tools.gateway.recording import own_record

CLOCK = SystemClock()
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Linked:
    link: PlatformLink
    api_key: str
    owner: UUID


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with handbook() as index:
        yield index


@asynccontextmanager
async def the_platform(
    database: Database, redis: Redis, index: Index, folder: Path
) -> AsyncGenerator[Linked]:
    own, trusted = SigningKey.generate(), TrustedKeys()
    trusted.replace("gateway", own.jwks())
    ports = platform_ports(
        database,
        redis,
        folder,
        index=index,
        search=Search(index, HashedWords()),
        trusted=trusted,
        release=json.loads(RELEASE.read_text()),
        server_addresses={"docs": "inproc:docs"},
    )
    app = build_app(ports)
    await ensure_dev_people(ports.database)
    async with started(app), People(ports, app) as people:
        made = await people.maya.post("/api/v1/api-keys", json={"name": "contract"})
        async with AsyncClient(transport=ASGITransport(app)) as client:
            link = HttpPlatform("http://platform", client, Minter(own, "gateway", CLOCK))
            yield Linked(link, made.json()["key"], DEV_PEOPLE["maya"].id)


@asynccontextmanager
async def started(app: FastAPI) -> AsyncGenerator[None]:
    async with app.router.lifespan_context(app):
        yield


@pytest_asyncio.fixture(params=["platform", "twin"], scope="module", loop_scope="module")
async def linked(
    request: pytest.FixtureRequest,
    postgres: PostgresForTests,
    valkey: RunningEngine,
    index: Index,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Linked]:
    if request.param == "twin":
        maya = person("maya")
        yield Linked(HeldPlatform(released(), {"sb_1_secret": maya}, refuses="wrong"), "sb_1_secret", maya.id)
        return
    with postgres.database() as url:
        database, redis = Database(url, pool_size=5), connect(valkey.url, timeout_s=5)
        async with the_platform(database, redis, index, tmp_path_factory.mktemp("platform")) as linked:
            yield linked
        await database.close()
        await redis.aclose()


async def test_the_registry_comes_once_and_then_only_when_it_changes(linked: Linked) -> None:
    registry = await linked.link.registry(None)

    assert registry is not None
    assert registry.servers == released().servers
    assert await linked.link.registry(registry.version) is None
    assert await linked.link.registry("another") == registry


async def test_a_key_is_resolved_to_its_owner_for_a_minute_at_most(linked: Linked) -> None:
    resolved = await linked.link.resolve(linked.api_key)

    assert principal_of(resolved.claims).id == linked.owner
    assert principal_of(resolved.claims).may("query_kb")
    assert 0 < resolved.cache_s <= 60
    assert resolved.claims["keys"]


@pytest.mark.parametrize("api_key", ["sb_1_wrong", "sb_", "sb_x"])
async def test_a_key_that_is_not_valid_is_refused(linked: Linked, api_key: str) -> None:
    with pytest.raises(Unauthenticated):
        await linked.link.resolve(api_key)


async def test_records_are_taken_once(linked: Linked) -> None:
    lines = [own_record(CLOCK, "tool.call", {"tool": "docs.search"}).line() for _ in range(3)]

    first = await linked.link.events(lines[:2])
    again = await linked.link.events(lines)

    assert (first.accepted, first.repeated) == (2, 0)
    assert (again.accepted, again.repeated) == (1, 2)


async def test_records_that_are_not_right_are_refused_for_good(linked: Linked) -> None:
    wrong = own_record(CLOCK, "wrong", {}).line().replace(b'"at":"2', b'"at":"x')

    with pytest.raises(EventsRefused):
        await linked.link.events([wrong])


async def test_a_grant_that_nobody_knows_is_none(linked: Linked) -> None:
    assert await linked.link.grant("0" * 64) is None


async def test_a_platform_that_is_not_there_is_unavailable() -> None:
    async with AsyncClient(timeout=2) as client:
        link = HttpPlatform("http://127.0.0.1:9", client, Minter(SigningKey.generate(), "gateway", CLOCK))
        with pytest.raises(Unavailable):
            await link.registry(None)
