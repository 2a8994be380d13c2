"""Somebody of a channel who is not linked: documents for everyone, and no other tool (SPEC 6)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from kit.wire.tools import RELEASE
from knowledge.index import Index
from tests.tools.gateway.wire import call
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import MAYA, Gate, registry_of, running_gateway

GUEST = replace(MAYA, kind="guest", roles=frozenset(), groups=frozenset(), acting_via="slack")
NAMES = ("echo.read", "echo.write", "echo.theirs")


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index) -> AsyncIterator[Gate]:
    tools = (
        tool("echo.read", approved_by=RELEASE),
        tool("echo.write", approved_by=RELEASE, risk="write"),
        tool("echo.theirs", approved_by="user:ada"),
    )
    apps: Any = {"echo": Echo(lists=[definition(name) for name in NAMES])}
    registry = registry_of([server(*tools)])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps=apps) as gate:
        yield gate


@pytest.mark.proves("SEC-106")
async def test_a_guest_is_offered_what_the_release_brings_to_read_and_calls_nothing_else(world: Gate) -> None:
    async with world.client(GUEST) as client:
        assert [one.name for one in (await client.list_tools()).tools] == ["echo.read"]
    answers = [await call(world, GUEST, name, {"text": "hello"}) for name in NAMES]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    unknown = await call(world, GUEST, "echo.nothing", {"text": "hello"})
    assert answers[1].json() == answers[2].json() == unknown.json()


async def test_the_same_person_linked_is_offered_all(world: Gate) -> None:
    async with world.client(replace(GUEST, kind="user")) as client:
        assert {one.name for one in (await client.list_tools()).tools} == set(NAMES)
