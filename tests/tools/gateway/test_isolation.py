"""Six ways for a tool server to be broken, and nobody else notices (SPEC 9)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.bench.gateway_roles import ToolServer
from tests.tools.gateway.wire import call, tool_error_of
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import MAYA, Gate, registry_of, running_gateway
from tools.gateway.settings import GatewaySettings

FAULTS = {
    "dead": "unavailable",
    "hanging": "tool_timed_out",
    "flooding": "result_too_large",
    "lying": "tool_quarantined",
    "crashing": "server_hung_up",
    "dripping": "tool_timed_out",
}
# whose time must run out; the others have time, also on a busy machine
SLOW = ("hanging", "dripping")
LISTED = ["echo.say", "dead.say", "hanging.say", "flooding.say", "crashing.say", "dripping.say"]


@pytest.fixture
async def broken() -> AsyncIterator[str]:
    """The broken servers' base address."""
    served = await asyncio.get_running_loop().create_server(ToolServer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{served.sockets[0].getsockname()[1]}"
    served.close()


@pytest.fixture
async def world(
    tmp_path: Path, redis: Redis, redis_url: str, index: Index, broken: str
) -> AsyncIterator[Gate]:
    addresses = {name: f"{broken}/{name}/mcp" for name in FAULTS} | {"dead": "http://127.0.0.1:1/mcp"}
    servers = [
        server(tool(f"{name}.say", timeout_s=0.5 if name in SLOW else 20), name=name, address=address)
        for name, address in addresses.items()
    ]
    async with running_gateway(
        tmp_path,
        redis,
        index,
        registry=registry_of([server(tool("echo.say")), *servers]),
        apps={"echo": Echo()},
        settings=GatewaySettings(result_limit=200_000),
        redis_url=redis_url,
    ) as gate:
        await gate.gateway.pins.compare_all()
        yield gate


async def listed(gate: Gate) -> list[str]:
    async with gate.client(MAYA) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.proves("GATE-013")
async def test_broken_servers_are_their_own_trouble(world: Gate) -> None:
    abused = [
        asyncio.create_task(call(world, MAYA, f"{name}.say", {"text": "hello"}))
        for name in FAULTS
        for _ in range(6)
    ]
    for _ in range(20):
        answer = await call(world, MAYA, "echo.say", {"text": "hello"})
        assert answer.json()["result"]["content"][0]["text"] == "hello"
    assert await listed(world) == LISTED

    outcomes: dict[str, set[str]] = {name: set() for name in FAULTS}
    for number, task in enumerate(abused):
        outcomes[list(FAULTS)[number // 6]].add(tool_error_of(await task)["code"])
    for name, outcome in FAULTS.items():
        assert outcome in outcomes[name]
    shown = await world.metrics()
    for name, outcome in FAULTS.items():
        labels = f'outcome="{outcome}",server="{name}",tool="{name}.say"'
        assert f"switchboard_gateway_calls_total{{{labels}}}" in shown
    # failing is for the breaker to see; a large answer or a lie is not, nor who never listed anything
    for name in ("hanging", "crashing", "dripping"):
        refused = tool_error_of(await call(world, MAYA, f"{name}.say", {"text": "hello"}))
        assert refused["retryAfter"] > 30
        # being slow for one person is shown as that: for others it may be quick
        state = "breaker_state" if name == "crashing" else "breaker_principals"
        level = "2.0" if name == "crashing" else "1.0"
        assert f'switchboard_gateway_{state}{{server="{name}"}} {level}' in await world.metrics()


@pytest.mark.proves("GATE-010")
async def test_after_a_minute_one_call_tries_the_server_again(world: Gate) -> None:
    for _ in range(6):
        await call(world, MAYA, "crashing.say", {"text": "hello"})
    assert tool_error_of(await call(world, MAYA, "crashing.say", {"text": "hello"}))["code"] == "unavailable"
    world.clock.move(seconds=61)
    tried = tool_error_of(await call(world, MAYA, "crashing.say", {"text": "hello"}))
    assert tried["code"] == "server_hung_up"


async def test_labels_are_those_of_the_registry_whatever_is_called(world: Gate) -> None:
    for number in range(20):
        await call(world, MAYA, f"no.such-{number}", {"text": "hello"})
    shown = await world.metrics()
    assert "no.such" not in shown
    assert 'outcome="unknown_tool",server="unknown",tool="unknown"' in shown
