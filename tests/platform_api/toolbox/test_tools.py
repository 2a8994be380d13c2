"""Calling tools: what the gateway says reaches the caller, and what goes wrong has a name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from access.principal import TurnLimits
from access.tokens import Verifier
from kit.errors import ToolTimedOut, Unavailable
from kit.wire import mcp
from platform_api.app import PlatformPorts
from platform_api.identity import Identity
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.identity.grants import Grants
from platform_api.toolbox.errors import GatewayFailed, NoSuchTool, ToolsUnavailable
from platform_api.toolbox.gateway import HttpToolGateway
from tests.loopback import listening
from tests.platform_api.people import People

Answer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]
LISTED = {"name": "docs.search", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}


def result(**fields: Any) -> Answer:
    async def answer(message: dict[str, Any]) -> web.StreamResponse:
        body = {"resultType": "complete", **fields}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": body})

    return answer


def rpc_error(status: int, number: int, **data: Any) -> Answer:
    async def answer(message: dict[str, Any]) -> web.StreamResponse:
        error = {"code": number, "message": "no", "data": data}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=status)

    return answer


def text(status: int, body: str) -> Answer:
    async def answer(_: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    return answer


async def never(_: dict[str, Any]) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@dataclass
class ScriptedGateway:
    """An HTTP server on loopback that says what it is told to, and remembers what it was asked."""

    url: str = ""
    answer: Answer = field(default_factory=lambda: result(content=[], structuredContent={"ok": True}))
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(
        default_factory=list[tuple[dict[str, str], dict[str, Any]]]
    )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        message = await request.json()
        self.asked.append(({name.lower(): value for name, value in request.headers.items()}, message))
        return await self.answer(message)


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedGateway]:
    gateway = ScriptedGateway()
    app = web.Application()
    app.router.add_post("/mcp", gateway.handle)
    async with listening(app) as gateway.url:
        yield gateway


@pytest.fixture
async def tools(ports: PlatformPorts, scripted: ScriptedGateway) -> AsyncIterator[HttpToolGateway]:
    grants = Grants(ports.database, ports.redis, ports.clock)  # pyright: ignore[reportArgumentType]  # redis-py's own type
    gateway = HttpToolGateway(scripted.url, ports.minter, grants)
    yield gateway
    await gateway.stop()


@pytest.fixture
async def maya(people: People) -> Any:
    return (await Identity(people.ports.database, people.ports.clock).person(DEV_PEOPLE["maya"].id)).principal


async def test_a_call_carries_the_person_and_the_limits_in_the_token_only(
    ports: PlatformPorts, tools: HttpToolGateway, scripted: ScriptedGateway, maya: Any
) -> None:
    limited = maya.limited(TurnLimits(privacy=True))
    ports.trusted.replace("platform", ports.signing_key.jwks())

    outcome = await tools.call(limited, "docs.search", {"query": "leave"})

    headers, message = scripted.asked[0]
    verified = Verifier(ports.trusted.find, "gateway", ports.clock).verify(headers["authorization"][7:])
    assert outcome.structured == {"ok": True}
    assert verified.principal.id == maya.id
    assert verified.principal.limits.privacy
    assert message["params"]["arguments"] == {"query": "leave"}
    assert message["params"]["_meta"][mcp.REVISION_META] == headers[mcp.REVISION_HEADER] == mcp.STATELESS
    assert headers[mcp.METHOD_HEADER] == message["method"] == "tools/call"
    assert headers[mcp.NAME_HEADER] == "docs.search"


async def test_a_failure_of_the_tool_is_an_outcome_and_not_an_error(
    tools: HttpToolGateway, scripted: ScriptedGateway, maya: Any
) -> None:
    scripted.answer = result(content=[{"type": "text", "text": "no"}], isError=True)
    assert (await tools.call(maya, "docs.search", {})).is_error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (rpc_error(400, mcp.INVALID_PARAMS, code="unknown_tool"), NoSuchTool),
        (rpc_error(401, mcp.UNAUTHENTICATED, code="unauthenticated"), GatewayFailed),
        (rpc_error(503, mcp.UNAVAILABLE, code="sign_in_unavailable"), ToolsUnavailable),
        (rpc_error(400, mcp.HEADER_MISMATCH), GatewayFailed),
        (text(404, "not here"), GatewayFailed),
        (text(500, "Traceback: secret"), GatewayFailed),
        (text(200, ""), GatewayFailed),
        (result(content="not a list"), GatewayFailed),
        (text(200, "x" * 9_000_000), GatewayFailed),
    ],
)
async def test_what_the_gateway_refuses_has_a_name_and_no_secrets(
    tools: HttpToolGateway, scripted: ScriptedGateway, maya: Any, answer: Answer, error: type[Exception]
) -> None:
    scripted.answer = answer
    with pytest.raises(error) as raised:
        await tools.call(maya, "docs.search", {})
    assert "secret" not in str(raised.value)


async def test_a_tool_that_never_answers_times_out(
    tools: HttpToolGateway, scripted: ScriptedGateway, maya: Any
) -> None:
    scripted.answer = never
    with pytest.raises(ToolTimedOut):
        await tools.call(maya, "docs.search", {}, timeout_s=0.05)


async def test_a_gateway_that_is_away_is_soon_not_asked_any_more(ports: PlatformPorts, maya: Any) -> None:
    grants = Grants(ports.database, ports.redis, ports.clock)  # pyright: ignore[reportArgumentType]  # redis-py's own type
    tools = HttpToolGateway("http://127.0.0.1:9", ports.minter, grants)
    for _ in range(5):
        with pytest.raises(ToolsUnavailable):
            await tools.call(maya, "docs.search", {})
    with pytest.raises(Unavailable) as refused:
        await tools.call(maya, "docs.search", {})
    assert not isinstance(refused.value, ToolsUnavailable)
    assert refused.value.retry_after
    await tools.stop()


async def test_a_list_of_several_pages_is_one_list(
    tools: HttpToolGateway, scripted: ScriptedGateway, maya: Any
) -> None:
    async def pages(message: dict[str, Any]) -> web.StreamResponse:
        second = message["params"].get("cursor") == "2"
        name = {"name": "verify.quote"} if second else {}
        page = {"tools": [LISTED | name], **({} if second else {"nextCursor": "2"})}
        return await result(**page)(message)

    scripted.answer = pages
    listed = await tools.list_tools(maya)
    assert [(tool.name, tool.risk) for tool in listed] == [("docs.search", "read"), ("verify.quote", "read")]
