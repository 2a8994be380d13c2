"""`switchboard tool docs --stdio`: first-party servers for one client of this machine, as one person."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from redis.asyncio import Redis

from access.principal import Principal
from access.tokens import claims_of
from kit.errors import Unauthenticated
from kit.wire.internal import ResolvedPrincipal
from knowledge.index import Index
from knowledge.search import Search
from launch.tool_stdio import person_of
from tests.tools.world import (
    MAYA,
    TOM,
    Gate,
    HashedWords,
    HeldPlatform,
    handbook,
    released,
    running_gateway,
)
from tools.servers.alone import Alone
from tools.servers.docs.server import manifest, tools_of
from tools.servers.serving import ToolCall

MAYAS, TOMS = "sb_of_maya", "sb_of_tom"


def environment(**settings: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    return bare | {f"SWITCHBOARD_{name}": value for name, value in settings.items()}


@asynccontextmanager
async def client(mode: str = "auto", **settings: str) -> AsyncIterator[Client]:
    """The Python SDK's client over the stdio of our command, as Claude Code and friends start it."""
    words = ["-m", "launch", "tool", "docs", "--stdio"]
    started = StdioServerParameters(command=sys.executable, args=words, env=environment(**settings))
    with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230 - the null device does not block
        async with Client(stdio_client(started, errlog=nowhere), mode=mode) as opened:
            yield opened


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with handbook() as index:
        yield index


@pytest.fixture
async def gate(tmp_path: Path, redis: Redis, index: Index) -> AsyncIterator[Gate]:
    platform = HeldPlatform(released(), people={MAYAS: MAYA, TOMS: TOM})
    async with running_gateway(tmp_path, redis, index, platform=platform) as gate:
        yield gate


async def titles(opened: Client) -> set[str]:
    found: Any = await opened.call_tool("docs.search", {"query": "annual leave of staff", "top_k": 5})
    return {chunk["metadata"]["page_title"] for chunk in found.structured_content["chunks"]}


@pytest.mark.proves("GOV-705")
@pytest.mark.parametrize("mode", ["legacy", pytest.param("2026-07-28", marks=pytest.mark.full)])
async def test_a_running_platforms_documents_are_found_as_the_keys_person_and_nobody_else(
    gate: Gate, mode: str
) -> None:
    async with client(mode, URL=gate.url, TOKEN=MAYAS) as mayas:
        assert {tool.name for tool in (await mayas.list_tools()).tools} == {"docs.search", "verify.quote"}
        found = await titles(mayas)
    assert "Night shift" in found
    assert "Closing week" not in found
    assert [event["tool"] for event in await gate.audited()] == ["docs.search"]


@pytest.mark.full
@pytest.mark.proves("GOV-705")
async def test_without_a_key_nothing_is_served() -> None:
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "launch", "tool", "docs", "--stdio"),
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await asyncio.wait_for(started.communicate(), 50)
    assert started.returncode == 2
    assert said == b""
    assert b"SWITCHBOARD_TOKEN" in told


@dataclass
class Keys:
    """The platform, as far as it knows whose key it is."""

    people: dict[str, Principal] = field(default_factory=dict)
    cache_s: int = 60

    async def resolve(self, api_key: str) -> ResolvedPrincipal:
        if api_key not in self.people:
            raise Unauthenticated("This API key is not valid.")
        who = self.people[api_key]
        return ResolvedPrincipal(claims=claims_of(who, who.access_keys), cache_s=self.cache_s)

    async def grant(self, hash: str) -> list[str] | None:
        return None


def alone(index: Index, keys: Any, token: str) -> Alone:
    return Alone(manifest(), tools_of(Search(index, HashedWords()), index), person_of(keys, token))


async def found_by(server: Alone) -> Any:
    return await server.called(ToolCall("docs.search", {"query": "annual leave of staff", "top_k": 5}))


@pytest.mark.proves("GOV-705")
async def test_alone_it_searches_what_the_keys_person_may_see(index: Index) -> None:
    keys = Keys({MAYAS: MAYA, TOMS: TOM})
    seen = {
        token: {chunk["metadata"]["page_title"] for chunk in result["structuredContent"]["chunks"]}
        for token in (MAYAS, TOMS)
        if (result := await found_by(alone(index, keys, token)))
    }
    assert seen == {MAYAS: {"Leave for all", "Night shift"}, TOMS: {"Leave for all", "Closing week"}}


@pytest.mark.proves("GOV-705")
async def test_alone_a_person_without_the_permission_is_offered_nothing(index: Index) -> None:
    nobody = replace(MAYA, permissions=frozenset(), roles=frozenset())
    server = alone(index, Keys({MAYAS: nobody}), MAYAS)
    assert list(await server.listed()) == []
    assert await found_by(server) is None


@pytest.mark.proves("GOV-705")
async def test_alone_a_withdrawn_key_ends_with_what_the_platform_said_of_it(index: Index) -> None:
    keys = Keys({MAYAS: MAYA}, cache_s=0)
    server = alone(index, keys, MAYAS)
    assert (await found_by(server))["structuredContent"]["chunks"]
    keys.people.clear()
    refused = await found_by(server)
    assert refused["isError"] is True
    assert "not valid" in refused["content"][0]["text"]
    with pytest.raises(Unauthenticated):
        await server.listed()
