"""The internal contract (SPEC 3b), asked by the gateway's own client."""

import asyncio
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis
from ulid import ULID

from access.grants import keys_of
from access.principal import Principal
from access.services import GATEWAY, PLATFORM
from access.tokens import Minter, SigningKey, Verifier
from kit.clock import SystemClock
from kit.errors import Unauthenticated, Unavailable
from kit.wire.internal import AuditEvent
from platform_api.app import PlatformPorts
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.identity.grants import Grants
from platform_api.toolbox.registry import RegistryWatch, seed_registry
from tests.platform_api.people import People
from tools.gateway.platform import HttpPlatform

TOOL = {
    "name": "docs.search",
    "definition": {"name": "docs.search", "inputSchema": {"type": "object"}},
    "definition_hash": "0" * 64,
    "approved_by": "release",
    "category": "docs",
    "risk": "read",
    "cost_tier": "free",
    "privacy_compatible": True,
}
RELEASE = [{"name": "docs", "audience": "server:docs", "tools": [TOOL]}]
ADDRESS = {"docs": "inproc:docs"}


@pytest.mark.proves("CONTRACT-001")
async def test_the_registry_is_read_once_and_then_only_when_it_changes(
    ports: PlatformPorts, gateway: HttpPlatform
) -> None:
    await seed_registry(ports.database, RELEASE, ADDRESS)
    first = await gateway.registry(None)
    assert first is not None
    assert [(server.name, server.address) for server in first.servers] == [("docs", "inproc:docs")]
    assert first.servers[0].tools[0].name == "docs.search"
    assert await gateway.registry(first.version) is None

    await seed_registry(ports.database, RELEASE, {"docs": "http://docs:8000/mcp"})
    second = await gateway.registry(first.version)
    assert second is not None
    assert second.version != first.version


async def test_seeding_again_changes_nothing_and_an_unknown_address_offers_nothing(
    ports: PlatformPorts, gateway: HttpPlatform
) -> None:
    await seed_registry(ports.database, RELEASE, ADDRESS)
    first = await gateway.registry(None)
    await seed_registry(ports.database, RELEASE, ADDRESS)
    assert first is not None
    assert await gateway.registry(first.version) is None

    await seed_registry(ports.database, RELEASE, {})
    emptied = await gateway.registry(first.version)
    assert emptied is not None
    assert emptied.servers == []


async def test_a_long_poll_ends_with_304_when_nothing_changes(
    people: People, gateway: HttpPlatform, anyone: AsyncClient
) -> None:
    registry = await gateway.registry(None)
    assert registry is not None
    token = gateway._minter.mint(GATEWAY, "platform")  # pyright: ignore[reportPrivateUsage]  # as the gateway itself would
    answer = await anyone.get(
        "/internal/v1/registry?wait=0.01",
        headers={"If-None-Match": f'"{registry.version}"', "Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 304
    assert answer.headers["etag"] == f'"{registry.version}"'


async def test_an_api_key_is_resolved_to_its_owner(people: People, gateway: HttpPlatform) -> None:
    created = (await people.maya.post("/api/v1/api-keys", json={"name": "cli"})).json()
    resolved = await gateway.resolve(created["key"])
    assert resolved.claims["nam"] == "Maya"
    assert resolved.cache_s == 60
    assert any(key.startswith("g:") and key.endswith("/operations") for key in resolved.claims["keys"])
    with pytest.raises(Unauthenticated):
        await gateway.resolve(f"{created['key']}x")


async def test_events_are_kept_once_however_often_they_arrive(people: People, gateway: HttpPlatform) -> None:
    batch = [event(), event(), event(organisation_id="")]
    first = await gateway.events(batch)
    again = await gateway.events([*batch, event(data={"argument": "a\x00b"})])
    assert (first.accepted, first.repeated) == (3, 0)
    assert (again.accepted, again.repeated) == (1, 3)


def event(**changes: object) -> bytes:
    """As the gateway's spool holds it."""
    fields = {
        "id": str(ULID()),
        "at": "2026-11-21T10:00:00+00:00",
        "kind": "audit",
        "type": "tool.called",
        "organisation_id": "11111111-1111-4111-8111-111111111111",
        "actor": "user:1",
    }
    return AuditEvent.model_validate(fields | changes).model_dump_json().encode()


@pytest.mark.proves("CONTRACT-002")
async def test_a_long_list_of_keys_travels_by_grant_also_when_redis_has_lost_it(
    people: People, gateway: HttpPlatform, redis: Redis
) -> None:
    ports = people.ports
    crowd = Principal(ORGANISATION_ID, GATEWAY.id, groups=frozenset(f"group {n}" for n in range(100)))
    await Grants(ports.database, redis, ports.clock).keep(crowd)
    token = ports.minter.mint(crowd, "gateway")
    verified = Verifier(ports.trusted.find, "gateway", ports.clock).verify(token)

    assert len(token) < 2000
    assert await keys_of(verified, redis) == crowd.access_keys
    await redis.flushall()
    assert await keys_of(verified, redis, gateway.grant) == crowd.access_keys
    assert await gateway.grant("0" * 64) is None


async def test_nobody_but_the_gateway_is_answered(people: People, anyone: AsyncClient) -> None:
    for path in ("/internal/v1/registry", f"/internal/v1/grants/{'0' * 64}"):
        assert (await anyone.get(path)).status_code == 401
        assert (await people.ada.get(path)).status_code == 401


async def test_a_stranger_who_calls_himself_gateway_is_refused(people: People, app: FastAPI) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        stranger = HttpPlatform(
            "http://platform", client, Minter(SigningKey.generate(), "gateway", SystemClock())
        )
        with pytest.raises(Unavailable, match="401"):
            await stranger.registry(None)


@pytest.mark.proves("GOV-209")
async def test_what_the_gateway_signs_for_people_opens_nothing_at_the_platform(
    people: People, app: FastAPI
) -> None:
    """Its key signs for everyone towards tool servers; here it speaks for nobody but the gateway itself."""
    key = SigningKey.generate()
    people.ports.trusted.replace("gateway", key.jwks())
    minter = Minter(key, "gateway", SystemClock())
    ada = Principal(ORGANISATION_ID, DEV_PEOPLE["ada"].id, name="Ada", roles=frozenset({"OrgAdmin"}))
    posing = [ada, replace(ada, kind="service"), replace(GATEWAY, id=ada.id), PLATFORM]
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        for who in posing:
            sent = {"authorization": f"Bearer {minter.mint(who, 'platform')}"}
            for path in ("/internal/v1/registry", "/api/v1/me", "/api/v1/tools"):
                assert (await client.get(path, headers=sent)).status_code == 401, (who.name, path)
        sent = {"authorization": f"Bearer {minter.mint(GATEWAY, 'platform')}"}
        assert (await client.get("/internal/v1/registry", headers=sent)).status_code == 200
        assert (await client.get("/api/v1/me", headers=sent)).status_code == 401


async def test_nobody_waits_for_a_gateway_that_has_gone_away(ports: PlatformPorts) -> None:
    """A process that stops waits for its open requests."""
    asked: list[bool] = []

    async def gone() -> bool:
        asked.append(len(asked) == 2)
        return asked[-1]

    watch = RegistryWatch(ports.database)
    known = (await watch.current()).version
    async with asyncio.timeout(20):
        assert await watch.changed(known, 25, gone) is None
    assert asked == [False, False, True]
