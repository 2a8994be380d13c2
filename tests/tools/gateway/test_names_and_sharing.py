"""Several servers behind one endpoint: names that two of them have, and who sees what they share."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from redis.asyncio import Redis

from kit.wire.tools import RegisteredServer
from knowledge.index import Index
from tests.tools.bridged import DEFINITIONS, SETTINGS, registered
from tests.tools.everything import app_of, everything
from tests.tools.gateway.listening import Stream
from tests.tools.gateway.wire import call, error_of
from tests.tools.upstreams import Echo, definition
from tests.tools.world import MAYA, TOM, Gate, person, registry_of, running_gateway, served
from tools.gateway.protocol.naming import plain
from tools.gateway.protocol.shared import fits

ADMIN = person("ada", role="OrgAdmin")
SIMPLE = [one for one in DEFINITIONS if one["name"] in ("test_simple_text", "test_touch")]


def speaking(name: str, *tools: str) -> Echo:
    """An echo that says its own name."""
    return Echo(
        lists=[definition(tool) for tool in tools],
        answers=lambda params: {
            "content": [{"type": "text", "text": f"{name} {params['name']}"}],
            "resultType": "complete",
        },
    )


@asynccontextmanager
async def gate_of(
    folder: Path, redis: Redis, index: Index, *servers: RegisteredServer, **apps: Any
) -> AsyncGenerator[Gate]:
    registry = registry_of(list(servers))
    async with running_gateway(folder, redis, index, registry=registry, apps=apps, settings=SETTINGS) as gate:
        yield gate


async def told(gate: Gate, name: str, path: str = "/mcp") -> str:
    response = await call(gate, MAYA, name, {"text": "x"}, path=path)
    return response.json()["result"]["content"][0]["text"]


@pytest.mark.proves("GATE-113")
async def test_a_name_that_two_servers_have_stays_with_the_first(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    servers = [
        registered(name, f"inproc:{name}", [definition("notes.add"), definition(f"{name}.own")], shares=[])
        for name in ("beta", "alpha")
    ]
    apps = {name: speaking(name, "notes.add", f"{name}.own") for name in ("alpha", "beta")}
    async with gate_of(tmp_path, redis, index, *servers, **apps) as gate:
        async with gate.client(MAYA) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
        async with gate.client(MAYA, path="/servers/beta/mcp") as client:
            own = {tool.name for tool in (await client.list_tools()).tools}

        assert names == {"notes.add", "beta.notes.add", "alpha.own", "beta.own"}
        assert own == {"notes.add", "beta.own"}
        assert await told(gate, "notes.add") == "alpha notes.add"
        assert await told(gate, "beta.notes.add") == "beta notes.add"
        assert await told(gate, "notes.add", "/servers/beta/mcp") == "beta notes.add"
        refused = await call(gate, MAYA, "beta.notes.add", {"text": "x"}, path="/servers/alpha/mcp")
        assert error_of(refused)["data"]["code"] == "unknown_tool"


@pytest.mark.proves("GATE-113")
async def test_a_new_server_does_not_take_a_name_of_the_release(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    new = registered("aaa", "inproc:aaa", [definition("notes.add")], shares=[])
    ours = registered("zzz", "inproc:zzz", [definition("notes.add")], shares=[])
    ours = ours.model_copy(
        update={"tools": [tool.model_copy(update={"approved_by": "release"}) for tool in ours.tools]}
    )
    apps = {name: speaking(name, "notes.add") for name in ("aaa", "zzz")}
    async with gate_of(tmp_path, redis, index, new, ours, **apps) as gate:
        assert await told(gate, "notes.add") == "zzz notes.add"
        assert await told(gate, "aaa.notes.add") == "aaa notes.add"


@pytest.mark.proves("GATE-113")
async def test_clients_that_take_no_dots_get_plain_names(tmp_path: Path, redis: Redis, index: Index) -> None:
    server = registered("echo", "inproc:echo", [definition("notes.add"), definition("notes_add")], shares=[])
    async with gate_of(
        tmp_path, redis, index, server, echo=speaking("echo", "notes.add", "notes_add")
    ) as gate:
        async with gate.client(MAYA, path="/mcp?names=plain") as client:
            names = sorted(tool.name for tool in (await client.list_tools()).tools)
            said = [(await client.call_tool(name, {"text": "x"})).content[0].text for name in names]

    assert names[0] == "notes_add"
    assert names[1].startswith("notes_add_")
    assert said == ["echo notes_add", "echo notes.add"]


@given(st.sets(st.text(min_size=1, max_size=80), max_size=12))
@pytest.mark.proves("GATE-113")
def test_plain_names_are_plain_and_lead_back_to_each(names: set[str]) -> None:
    made = plain(names)

    assert set(made.values()) == names
    for short in made:
        assert 0 < len(short) <= 64
        assert all(char.isascii() and (char.isalnum() or char in "_-") for char in short)


@pytest.mark.parametrize(
    ("template", "uri", "whether"),
    [
        ("test://template/{id}/data", "test://template/7/data", True),
        ("test://template/{id}/data", "test://other/7/data", False),
        ("file:///{+path}", "file:///a/b*c[1]", True),
        ("file:///x[1]/{a}", "file:///x[1]/y", True),
    ],
)
def test_a_uri_fits_its_template(template: str, uri: str, whether: bool) -> None:
    assert fits(template, uri) is whether


@asynccontextmanager
async def two_sharing(folder: Path, redis: Redis, index: Index, **second: Any) -> AsyncGenerator[Gate]:
    """Two servers that share the same prompts and resources; `second` is how the second is registered."""
    async with served(app_of(everything(), "new")) as one, served(app_of(everything(), "old")) as two:
        servers = [
            registered("one", f"{one}/mcp", SIMPLE),
            registered("two", f"{two}/mcp", [], **second),
        ]
        async with gate_of(folder, redis, index, *servers) as gate:
            yield gate


@pytest.mark.proves("GATE-108")
async def test_what_two_servers_share_is_listed_once_or_told_apart(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with two_sharing(tmp_path, redis, index, privacy_compatible=True) as gate:
        async with gate.client(MAYA) as client:
            prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
            uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
            other = await client.get_prompt("two.test_simple_prompt")
            read = await client.read_resource("test://static-text")

    assert {"test_simple_prompt", "two.test_simple_prompt"} <= set(prompts)
    assert len(prompts) == len(set(prompts))
    assert len(uris) == len(set(uris))
    assert "simple prompt" in other.messages[0].content.text
    assert read.contents


@pytest.mark.proves("GATE-116")
async def test_a_server_shares_nothing_that_the_admin_did_not_say(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with two_sharing(tmp_path, redis, index, shares=["prompts"], roles=["OrgAdmin"]) as gate:
        async with gate.client(ADMIN, path="/servers/two/mcp") as client:
            assert (await client.list_prompts()).prompts
            with pytest.raises(MCPError):
                await client.list_resources()
        async with gate.client(MAYA, path="/servers/two/mcp") as client:
            with pytest.raises(MCPError):
                await client.list_prompts()
            with pytest.raises(MCPError, match="no such thing"):
                await client.get_prompt("test_simple_prompt")
            with pytest.raises(MCPError):
                await client.read_resource("test://static-text")
        async with gate.client(MAYA) as client:
            names = [prompt.name for prompt in (await client.list_prompts()).prompts]
    assert not [name for name in names if name.startswith("two.")]


@pytest.mark.proves("GATE-116")
async def test_who_may_use_no_tool_of_a_server_sees_nothing_of_it(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with served(app_of(everything(), "new")) as url:
        server = registered("one", f"{url}/mcp", SIMPLE)
        tools = [tool.model_copy(update={"roles": ["OrgAdmin"]}) for tool in server.tools]
        restricted = server.model_copy(update={"tools": tools})
        async with gate_of(tmp_path, redis, index, restricted) as gate:
            async with gate.client(MAYA) as client:
                with pytest.raises(MCPError):
                    await client.read_resource("test://static-text")
            async with gate.client(ADMIN) as client:
                assert (await client.read_resource("test://static-text")).contents


@pytest.mark.proves("GATE-108")
async def test_a_dead_server_leaves_the_others_lists_whole(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with served(app_of(everything(), "new")) as url:
        servers = [
            registered("one", f"{url}/mcp", SIMPLE),
            registered("gone", "http://127.0.0.1:9/mcp", []),
        ]
        async with gate_of(tmp_path, redis, index, *servers) as gate, gate.client(TOM) as client:
            assert (await client.list_prompts()).prompts
            assert (await client.read_resource("test://static-text")).contents


@pytest.mark.parametrize("stateless", [True, False])
@pytest.mark.proves("GATE-109")
async def test_a_new_registry_is_told_to_who_listens(
    tmp_path: Path, redis: Redis, index: Index, stateless: bool
) -> None:
    servers = [registered("echo", "inproc:echo", [definition("echo.say")], shares=[])]
    async with gate_of(tmp_path, redis, index, *servers, echo=speaking("echo", "echo.say")) as gate:
        async with Stream(gate, MAYA, stateless=stateless) as stream:
            gate.platform.current = registry_of([])
            await gate.gateway.holder.refresh()
            assert await stream.until("notifications/tools/list_changed")
