"""The platform asks the gateway what a server lists: nobody else does, and no answer does harm."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from access.services import GATEWAY, PLATFORM
from access.tokens import Minter, SigningKey
from kit.wire.internal import Probed, ProbeServer
from kit.wire.tools import RELEASE, RegisteredServer
from knowledge.index import Index
from ports.http import OutboundSettings
from tests.tools.bridged import SETTINGS
from tests.tools.gateway.wire import call, tool_error_of
from tests.tools.openapi.pets import document
from tests.tools.upstreams import Echo, definition, lifespan, server, tool
from tests.tools.world import MAYA, ORGANISATION, Gate, person, registry_of, running_gateway, served
from tools.gateway import probing

NEW = RegisteredServer(name="new", address="", audience="server:new", tools=[])


def at(address: str, **more: Any) -> RegisteredServer:
    return NEW.model_copy(update={"address": address, "organisation_id": ORGANISATION, **more})


@asynccontextmanager
async def gateway(
    folder: Path, redis: Redis, index: Index, *allowed: str, **more: Any
) -> AsyncIterator[Gate]:
    hosts = [address.removeprefix("http://").partition("/")[0] for address in allowed]
    async with running_gateway(
        folder,
        redis,
        index,
        settings=more.pop("settings", SETTINGS),
        outbound=OutboundSettings(allowed_hosts=hosts),
        **more,
    ) as gate:
        yield gate


async def ask(gate: Gate, body: Any, token: str | None = None) -> httpx.Response:
    sent = {"authorization": f"Bearer {token or gate.token(PLATFORM)}", "content-type": "application/json"}
    async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
        return await client.post(f"{gate.url}/internal/v1/definitions", content=body, headers=sent)


async def probe(gate: Gate, given: RegisteredServer) -> Probed:
    body = ProbeServer(server=given, organisation_id=ORGANISATION).model_dump_json()
    answer = await ask(gate, body)
    assert answer.status_code == 200, answer.text
    return Probed.model_validate_json(answer.content)


# --- who asks


@pytest.mark.proves("GOV-207")
async def test_nobody_but_the_platform_itself_asks(tmp_path: Path, redis: Redis, index: Index) -> None:
    echo = Echo()
    async with served(echo) as url, gateway(tmp_path, redis, index, url) as gate:
        body = ProbeServer(server=at(f"{url}/mcp"), organisation_id=ORGANISATION).model_dump_json()
        own = Minter(gate.own_key, "gateway", gate.clock)
        stranger = Minter(SigningKey.generate(), "platform", gate.clock)
        ada = person("ada", role="OrgAdmin")
        posing = replace(ada, kind="service", name="platform")
        gate.platform.people["sb_" + "x" * 40] = PLATFORM
        for token in (
            gate.token(ada),
            gate.token(posing),
            gate.token(GATEWAY),
            gate.token(PLATFORM, "platform"),
            own.mint(PLATFORM, "gateway"),
            own.mint(GATEWAY, "gateway"),
            stranger.mint(PLATFORM, "gateway"),
            "sb_" + "x" * 40,
            "nonsense",
        ):
            refused = await ask(gate, body, token)
            assert refused.status_code == 401
            assert refused.headers["content-type"] == "application/problem+json"
        assert echo.received == []


async def test_what_is_no_question_is_refused_with_the_field(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    async with gateway(tmp_path, redis, index) as gate:
        refused = await ask(gate, b'{"server":{"name":"x"}}')
        assert refused.status_code == 422
        assert "server.address" in refused.json()["detail"]
        assert (await ask(gate, b"x" * 5_000_000)).status_code == 413


# --- what comes back


@pytest.mark.proves("GOV-207")
async def test_a_server_that_is_not_registered_tells_what_it_is_and_lists(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    echo = Echo(lists=[definition("new.one"), definition("new.two")])
    async with served(echo) as url, gateway(tmp_path, redis, index, url) as gate:
        found = await probe(gate, at(f"{url}/mcp"))

        assert found.problem is None
        assert (found.reachable, found.revision) == (True, "2026-07-28")
        assert found.tools == echo.lists
        assert found.took_ms > 0
        sent = [each.headers["authorization"] for each in echo.received]
        assert all(gate.token(PLATFORM) not in header for header in sent)


@pytest.mark.proves("GOV-207")
async def test_each_kind_of_server_can_be_looked_at(tmp_path: Path, redis: Redis, index: Index) -> None:
    apps: Any = {"echo": Echo(lists=[definition("echo.say")])}
    async with gateway(tmp_path, redis, index, apps=apps) as gate:
        in_process = await probe(gate, at("inproc:echo", organisation_id=None))
        assert [each["name"] for each in in_process.tools] == ["echo.say"]

        described = document("https://pets.example.com/v1")
        elsewhere = {"$ref": "https://far.example.com/parameter.json"}
        described["paths"]["/far"] = {"get": {"parameters": [elsewhere], "responses": {}}}
        api = at("openapi:new", document=described)
        from_document = await probe(gate, api)
        assert from_document.problem is None
        assert from_document.tools
        assert from_document.server_info["name"] == described["info"]["title"]
        assert from_document.api is not None
        assert [(one.kind, one.header) for one in from_document.api.sign_in] == [("api_key", "X-Key")]
        assert from_document.api.left_out == {"GET /far": ANY}

        unknown = await probe(gate, at("stdio:nobody", organisation_id=None))
        assert (unknown.reachable, unknown.problem and unknown.problem.code) == (False, "unavailable")


@pytest.mark.proves("GOV-207")
@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/mcp",
        "http://localhost/mcp",
        "http://10.1.2.3/mcp",
        "http://[::1]/mcp",
        "http://[::ffff:169.254.169.254]/mcp",
        "http://metadata.google.internal/mcp",
        "http://user:pass@example.com/mcp",
        "file:///etc/passwd",
        "guarded:http://127.0.0.1/mcp",
    ],
)
async def test_an_address_inside_our_network_is_not_opened(
    tmp_path: Path, redis: Redis, index: Index, address: str
) -> None:
    async with gateway(tmp_path, redis, index) as gate:
        found = await probe(gate, at(address))
        assert found.reachable is False
        assert found.problem is not None
        assert found.tools == []


@pytest.mark.proves("GOV-207")
async def test_calling_ours_what_is_not_ours_opens_no_address(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    """Neither by the words of the question, nor at another address than the registered one."""
    echo = Echo()
    async with served(echo) as url:
        docs = server(tool("docs.search", approved_by=RELEASE), name="docs", address=f"{url}/docs")
        registry = registry_of([docs])
        async with gateway(tmp_path, redis, index, registry=registry) as gate:
            await gate.gateway.pins.compare_all()
            asked = len(echo.received)
            for posing in (
                docs.model_copy(update={"address": f"{url}/mcp"}),
                docs.model_copy(update={"name": "other"}),
                docs.model_copy(update={"organisation_id": ORGANISATION}),
            ):
                found = await probe(gate, posing)
                assert found.problem is not None
                assert found.problem.code == "address_refused"
            assert len(echo.received) == asked
            assert (await probe(gate, docs)).reachable


class Endless:
    """Lists pages without an end, each as large as allowed."""

    def __init__(self, size: int) -> None:
        self.size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        message = json.loads((await receive())["body"])
        if message["method"] == "server/discover":
            result: dict[str, Any] = {"supportedVersions": ["2026-07-28"], "capabilities": {}}
        else:
            tools = [definition("new.big", description="x" * self.size)]
            result = {"tools": tools, "nextCursor": "more"}
        told = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})
        return None


@pytest.mark.proves("GOV-207")
async def test_a_listing_without_an_end_ends(
    tmp_path: Path, redis: Redis, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "LARGEST", 100_000)
    async with served(Endless(30_000)) as url, gateway(tmp_path, redis, index, url) as gate:
        found = await probe(gate, at(f"{url}/mcp"))
        assert found.problem is not None
        assert "100000 bytes" in found.problem.detail


@pytest.mark.proves("GOV-207")
async def test_a_server_that_hangs_is_given_up(
    tmp_path: Path, redis: Redis, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "WITHIN_S", 0.3)

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        while (await receive())["type"] != "http.disconnect":
            pass
        return None

    async with served(silent) as url, gateway(tmp_path, redis, index, url) as gate:
        found = await probe(gate, at(f"{url}/mcp"))
        assert found.problem is not None
        assert found.problem.code == "not_probed"


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"jsonrpc":"2.0","id":1,"result":{"tools":"none"}}'])
async def test_what_is_no_mcp_server_is_said_to_be_none(
    tmp_path: Path, redis: Redis, index: Index, body: bytes
) -> None:
    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        await receive()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return None

    async with served(other) as url, gateway(tmp_path, redis, index, url) as gate:
        found = await probe(gate, at(f"{url}/mcp"))
        assert found.reachable is False
        assert found.problem is not None
        assert found.problem.hint


# --- an organisation's server, when it is called


@pytest.mark.proves("GOV-207")
@pytest.mark.parametrize("allowed", [True, False])
async def test_an_organisations_server_inside_our_network_is_called_only_where_an_operator_allows_it(
    tmp_path: Path, redis: Redis, index: Index, allowed: bool
) -> None:
    echo = Echo()
    async with served(echo) as url:
        address = f"{url}/mcp"
        theirs = server(tool("echo.say"), name="local", address=address).model_copy(
            update={"organisation_id": ORGANISATION, "audience": f"server:{uuid4()}"}
        )
        async with gateway(
            tmp_path, redis, index, *([url] if allowed else []), registry=registry_of([theirs])
        ) as gate:
            answer = await call(gate, MAYA, "echo.say", {"text": "hello"})
            if allowed:
                assert answer.json()["result"]["content"][0]["text"] == "hello"
            else:
                assert tool_error_of(answer)["code"] == "unavailable"
                assert echo.received == []
