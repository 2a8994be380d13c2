"""An admin flushes what is kept of searches."""

from dataclasses import replace
from uuid import uuid4

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis
from sqlalchemy import text

from knowledge.search import CachedSearch, Search
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import ensure_dev_people
from ports.redis import CacheDoor, CacheSettings, connect
from tests.platform_api.library.steps import HANDBOOK, base_of, upload
from tests.platform_api.people import People
from tests.platform_api.reading import embedder
from tests.platform_api.work import Work

FLUSH = "/api/v1/admin/cache/flush"


@pytest.fixture
def ports(ports: PlatformPorts, redis: Redis) -> PlatformPorts:
    door = CacheDoor(redis, CacheSettings(deadline_ms=5000))
    return replace(ports, search=CachedSearch(Search(ports.index, embedder()), door))


async def hit(client: AsyncClient, ports: PlatformPorts) -> bool:
    answer = await client.post("/api/v1/documents/query", json={"query": "annual leave"})
    await ports.search.settled()  # type: ignore[attr-defined]  # the fixture's search has a cache
    return answer.json()["cache_hit"]


@pytest.mark.proves("CACHE-006")
async def test_after_a_flush_the_organisation_is_answered_anew(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK))
    await worker.finish()

    for scope in ("all", "documents", base):
        assert [await hit(people.maya, ports) for _ in range(2)] == [False, True]
        flushed = await people.ada.post(FLUSH, params={"scope": scope})
        assert (flushed.status_code, flushed.json()) == (200, {"scopes": ["documents"]})

    assert not await hit(people.maya, ports)
    async with ports.database.begin() as session:
        told = await session.scalars(
            text("SELECT data->>'scope' FROM audit_records WHERE type = 'cache.flushed'")
        )
        assert set(told) == {"all", "documents", base}


@pytest.mark.proves("CACHE-006")
async def test_who_may_not_flush_changes_nothing(people: People, ports: PlatformPorts) -> None:
    await hit(people.maya, ports)

    refused = await people.maya.post(FLUSH)
    elsewhere = await people.ada.post(FLUSH, params={"scope": str(uuid4())})
    odd = await people.ada.post(FLUSH, params={"scope": "everything"})

    assert (refused.status_code, elsewhere.status_code, odd.status_code) == (403, 404, 422)
    assert await hit(people.maya, ports)


async def test_a_flush_that_redis_does_not_take_says_so(ports: PlatformPorts) -> None:
    away = replace(ports, redis=connect("redis://127.0.0.1:1/0"))
    await ensure_dev_people(ports.database)
    async with People(away, build_app(away)) as people:
        answer = await people.ada.post(FLUSH)

    assert (answer.status_code, answer.json()["code"]) == (503, "cache_unavailable")
