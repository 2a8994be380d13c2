"""The registry outlives a platform that is down, changes while running, and holds servers to their word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.gateway.wire import call, error_of, tool_error_of
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import MAYA, Gate, HeldPlatform, registry_of, released, running_gateway, served


@pytest.fixture
def echo() -> Echo:
    return Echo(lists=[definition("echo.say"), definition("echo.other")])


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    registry = registry_of([server(tool("echo.say"), tool("echo.other"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": echo}) as gate:
        yield gate


async def names(gate: Gate) -> list[str]:
    async with gate.client(MAYA) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.proves("GATEWAY-013")
@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Now it does something else."},
        {"title": "Another"},
        {"inputSchema": {"type": "object"}},
        {"annotations": {"destructiveHint": True}},
        {"name": "echo.renamed"},
    ],
    ids=["description", "title", "schema", "annotations", "name"],
)
async def test_a_changed_definition_is_quarantined_and_nothing_else(
    world: Gate, echo: Echo, changed: dict[str, object]
) -> None:
    assert await names(world) == ["echo.say", "echo.other"]
    echo.lists[0] = definition("echo.say") | changed
    await world.gateway.pins.compare_all()

    assert await names(world) == ["echo.other"]
    refused = await call(world, MAYA, "echo.say", {"text": "hello"})
    assert tool_error_of(refused)["code"] == "tool_quarantined"
    assert (await call(world, MAYA, "echo.other", {"text": "hello"})).json()["result"]["content"]
    [event] = await world.audited("tool.quarantined")
    assert event["tool"] == "echo.say"
    assert "switchboard_gateway_quarantined_tools 1.0" in await world.metrics()


async def test_a_tool_that_is_what_was_approved_again_is_back(world: Gate, echo: Echo) -> None:
    echo.lists = []
    await world.gateway.pins.compare_all()
    assert await names(world) == []

    echo.lists = [definition("echo.say"), definition("echo.other")]
    await world.gateway.pins.compare_all()

    assert await names(world) == ["echo.say", "echo.other"]
    assert len(await world.audited("tool.released")) == 2


async def test_a_server_is_compared_before_its_first_call(tmp_path: Path, redis: Redis, index: Index) -> None:
    changed = Echo(lists=[definition("echo.say", description="Not what was approved.")])
    registry = registry_of([server(tool("echo.say"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": changed}) as gate:
        response = await call(gate, MAYA, "echo.say", {"text": "hello"})

        assert tool_error_of(response)["code"] == "tool_quarantined"
        assert changed.calls == []


async def test_a_tool_that_nobody_approved_is_not_there(world: Gate, echo: Echo) -> None:
    echo.lists.append(definition("echo.extra"))
    await world.gateway.pins.compare_all()

    assert "echo.extra" not in await names(world)
    assert error_of(await call(world, MAYA, "echo.extra", {"text": "hello"}))["code"] == -32602


async def test_a_definition_that_differs_from_its_own_hash_is_left_out(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    wrong = tool("echo.say").model_copy(update={"definition": definition("echo.say", title="Altered")})
    registry = registry_of([server(wrong, tool("echo.other"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": Echo()}) as gate:
        assert "echo.say" not in gate.gateway.holder.current.tools


@pytest.mark.proves("GATEWAY-014")
async def test_a_new_registry_is_taken_over_without_a_restart(world: Gate) -> None:
    world.platform.current = registry_of([server(tool("echo.other"))])
    await world.gateway.holder.refresh()

    assert await names(world) == ["echo.other"]


@pytest.mark.proves("GATEWAY-015")
async def test_a_gateway_starts_from_its_own_copy_while_the_platform_is_down(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with running_gateway(tmp_path, redis, index):
        pass
    down = HeldPlatform(released(), down=True)
    async with running_gateway(tmp_path, redis, index, platform=down) as gate:
        async with gate.client(MAYA) as client:
            assert len((await client.list_tools()).tools) == 2
            assert not (await client.call_tool("docs.search", {"query": "leave"})).is_error
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            assert (await http.get(f"{gate.url}/health/ready")).status_code == 200


async def test_without_any_registry_the_gateway_is_alive_but_not_ready(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    down = HeldPlatform(released(), down=True)
    async with (
        running_gateway(tmp_path, redis, index, platform=down) as gate,
        httpx.AsyncClient(trust_env=False, verify=False) as http,
    ):
        assert (await http.get(f"{gate.url}/health/live")).status_code == 200
        assert (await http.get(f"{gate.url}/health/ready")).status_code == 503
        assert await names(gate) == []
        down.down = False
        await gate.gateway.holder.refresh()
        assert (await http.get(f"{gate.url}/health/startup")).status_code == 200


async def test_a_torn_copy_on_disk_is_passed_over(tmp_path: Path, redis: Redis, index: Index) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "registry.json").write_bytes(b'{"version": "half')
    async with running_gateway(tmp_path, redis, index) as gate:
        assert len(await names(gate)) == 2


@pytest.mark.proves("GATEWAY-016")
async def test_a_dead_server_holds_up_neither_the_list_nor_the_others(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    dead = server(tool("dead.say"), name="dead", address="http://127.0.0.1:9/mcp")
    registry = registry_of([dead, server(tool("echo.say"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": Echo()}) as gate:
        assert await names(gate) == ["dead.say", "echo.say"]
        assert tool_error_of(await call(gate, MAYA, "dead.say", {"text": "hello"}))["code"] == "unavailable"
        assert (await call(gate, MAYA, "echo.say", {"text": "hello"})).json()["result"]["content"]


async def test_a_server_is_reached_over_http_as_well(tmp_path: Path, redis: Redis, index: Index) -> None:
    echo = Echo()
    async with served(echo) as url:
        registry = registry_of([server(tool("echo.say"), address=f"{url}/mcp")])
        async with running_gateway(tmp_path, redis, index, registry=registry) as gate:
            answers = await asyncio.gather(
                *(call(gate, MAYA, "echo.say", {"text": f"hello {n}"}) for n in range(20))
            )
            told = [answer.json()["result"]["content"][0]["text"] for answer in answers]
            assert told == [f"hello {n}" for n in range(20)]


async def test_an_answer_over_the_limit_is_cut_off(tmp_path: Path, redis: Redis, index: Index) -> None:
    echo = Echo(raw=b'{"jsonrpc":"2.0","id":1,"result":{"content":["' + b"a" * 4_100_000 + b'"]}}')
    async with served(echo) as url:
        servers = [
            server(tool("echo.say")),
            server(tool("far.say"), name="far", address=f"{url}/mcp"),
        ]
        echo.lists = [definition("echo.say"), definition("far.say")]
        apps = {"echo": echo}
        async with running_gateway(tmp_path, redis, index, registry=registry_of(servers), apps=apps) as gate:
            for name in ("echo.say", "far.say"):
                error = tool_error_of(await call(gate, MAYA, name, {"text": "hello"}))
                assert "larger than 4000000 bytes" in error["text"]
