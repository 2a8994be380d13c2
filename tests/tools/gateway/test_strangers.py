"""Who guesses credentials is slowed by address, and nobody valid behind that address is (SPEC 11)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from kit.wire import mcp
from knowledge.index import Index
from tests.tools.gateway.wire import CLIENT
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import MAYA, METRICS_TOKEN, TOM, Gate, registry_of, running_gateway
from tools.gateway.settings import GatewaySettings

MOST = 5


@pytest.fixture(params=["in Redis", "by itself"])
async def world(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, request: pytest.FixtureRequest
) -> AsyncIterator[Gate]:
    settings = GatewaySettings(address_refusals_per_min=MOST)
    where = redis_url if request.param == "in Redis" else None
    async with running_gateway(
        tmp_path,
        redis,
        index,
        registry=registry_of([server(tool("echo.say"))]),
        apps={"echo": Echo()},
        settings=settings,
        redis_url=where,
    ) as gate:
        gate.platform.people["sb_good"] = replace(MAYA, id=uuid4())
        yield gate


async def come(gate: Gate, credential: str) -> httpx.Response:
    params = mcp.stateless_params({"name": "echo.say", "arguments": {"text": "hi"}}, CLIENT)
    headers = mcp.stateless_headers("tools/call", "echo.say")
    if credential:
        headers["authorization"] = f"Bearer {credential}"
    async with httpx.AsyncClient(timeout=10, trust_env=False, verify=False) as http:
        return await http.post(f"{gate.url}/mcp", content=mcp.request("tools/call", params), headers=headers)


@pytest.mark.proves("GATE-215")
async def test_guessing_is_slowed_and_valid_credentials_are_served(world: Gate) -> None:
    statuses = [(await come(world, f"sb_{number}")).status_code for number in range(MOST)]
    assert statuses == [401] * MOST
    refused = [await come(world, wrong) for wrong in ("sb_again", "a.b.c", "sb_again")]
    assert [one.status_code for one in refused] == [429] * 3
    assert all(1 <= int(one.headers["retry-after"]) <= 120 for one in refused)
    for good in (world.token(MAYA), world.token(TOM), "sb_good"):
        assert "result" in (await come(world, good)).json()
    # one who has none yet still learns how to sign in
    newcomer = await come(world, "")
    assert newcomer.status_code == 401
    assert "resource_metadata" in newcomer.headers["www-authenticate"]


@pytest.mark.proves("GATE-215")
async def test_what_is_refused_so_writes_no_record_and_ends_with_the_minute(world: Gate) -> None:
    for number in range(MOST + 4):
        await come(world, f"sb_{number}")
    assert len(await world.audited()) == MOST + 1
    world.clock.move(seconds=125)
    assert (await come(world, "sb_later")).status_code == 401


@pytest.mark.proves("GATE-215")
async def test_metrics_are_for_who_has_their_token(world: Gate) -> None:
    async with httpx.AsyncClient(base_url=world.url, trust_env=False, verify=False) as http:
        for wrong in ({}, {"authorization": f"Bearer {world.token(MAYA)}"}, {"authorization": METRICS_TOKEN}):
            answer = await http.get("/metrics", headers=wrong)
            assert answer.status_code == 401
            assert "switchboard" not in answer.text
    assert "switchboard_gateway" in await world.metrics()


@pytest.mark.proves("GATE-215")
async def test_without_a_token_nobody_reads_metrics(tmp_path: Path, redis: Redis, index: Index) -> None:
    async with running_gateway(tmp_path, redis, index, metrics_token="") as gate:
        async with httpx.AsyncClient(base_url=gate.url, trust_env=False, verify=False) as http:
            for given in ("", "Bearer", "Bearer x"):
                answer = await http.get("/metrics", headers={"authorization": given})
                assert answer.status_code == 403
                assert "SWITCHBOARD_GATEWAY__METRICS_TOKEN" in answer.text
