"""How every tool server of ours speaks MCP: 2026-07-28 only, to the gateway only (SPEC 8, 9).

The gateway is the one bridge to older revisions, so a request of another revision is refused here.
Who asks comes from the gateway's token (issuer `gateway`, audience of this server); an argument that
does not fit, and every error, becomes a tool error with a hint that a model can act on.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import structlog
from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from access.grants import GrantStore, keys_of
from access.jwks import TrustedKeys
from access.keys import AccessKeys
from access.principal import Principal
from access.tokens import Verifier
from kit.clock import Clock
from kit.errors import Conflict, Invalid, SwitchboardError, Unauthenticated
from kit.wire.base import Request, Wire
from kit.wire.mcp import (
    ERROR_META,
    INVALID_REQUEST,
    REVISION_HEADER,
    STATELESS,
    UNAUTHENTICATED,
    UNSUPPORTED_REVISION,
)
from tools.servers.asking import Asks, Resumed, States, input_required, resumption
from tools.servers.shapes import Manifest, ToolShape

GATEWAY = "gateway"
RESUMPTION = ("inputResponses", "requestState")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is asking and what they may open, from the verified token."""

    principal: Principal
    keys: AccessKeys


Taken = TypeVar("Taken", bound=Request)
Answer = Callable[[Asker, Mapping[str, Any], Resumed | None], Awaitable[Wire | Asks]]
"""(who, arguments, what they answered of what was asked before) → the result, or what is asked first."""
Listed = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""The MCP tool objects."""
Called = Callable[["ToolCall"], Awaitable[Mapping[str, Any] | None]]
"""→ the MCP result; None: there is no such tool."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """request: the HTTP request, None over stdio. resumption: MCP's inputResponses and requestState."""

    name: str
    arguments: Mapping[str, Any]
    request: Any = None
    resumption: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ServedTool:
    shape: ToolShape
    answer: Answer


def served(shape: ToolShape, run: Callable[[Asker, Any], Awaitable[Wire]]) -> ServedTool:
    """Binds a shape to its function, which gets the arguments as `shape.takes`."""

    async def answer(asker: Asker, arguments: Mapping[str, Any], resumed: Resumed | None) -> Wire:
        return await run(asker, shape.takes.model_validate(arguments))

    return ServedTool(shape, answer)


def resumable(
    shape: ToolShape, run: Callable[[Asker, Any, Resumed | None], Awaitable[Wire | Asks]]
) -> ServedTool:
    """The same for a tool that may ask before it answers (MCP 2026-07-28, `input_required`).

    It is called anew with the answers, minutes or days later, on any replica: what it needs of what came
    before stands in the state that it gave with its question. That state can be replayed while it lives,
    so whatever the tool does is keyed by an id inside it.
    """

    async def answer(asker: Asker, arguments: Mapping[str, Any], resumed: Resumed | None) -> Wire | Asks:
        return await run(asker, shape.takes.model_validate(arguments), resumed)

    return ServedTool(shape, answer)


class ToolServer:
    """ASGI app: lifespan, and MCP at /mcp for callers that the gateway vouches for."""

    def __init__(
        self,
        manifest: Manifest,
        tools: Sequence[ServedTool],
        trusted: TrustedKeys,
        redis: GrantStore,
        clock: Clock,
        *,
        states: States | None = None,
    ) -> None:
        """states: needed where one of the tools asks."""
        self._mcp = _sdk_app(manifest, tools, states)
        self._redis = redis
        self._audience = manifest.audience
        self._verifier = Verifier(
            lambda issuer, kid: trusted.find(issuer, kid) if issuer == GATEWAY else None,
            manifest.audience,
            clock,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._mcp(scope, receive, send)
        headers = dict(scope["headers"])
        if _twice(scope["headers"]):
            return await _refuse(send, 400, INVALID_REQUEST, "A header came twice.", {})
        revision = headers.get(REVISION_HEADER.encode(), b"").decode("latin-1")
        if revision != STATELESS:
            data = {"supported": [STATELESS], "requested": revision}
            return await _refuse(send, 400, UNSUPPORTED_REVISION, "Unsupported protocol version", data)
        try:
            asker = await self._asker(headers.get(b"authorization", b"").decode("latin-1"))
        except Unauthenticated as error:
            return await _refuse(send, 401, UNAUTHENTICATED, error.detail, {"hint": error.hint})
        scope["state"] = {**scope.get("state", {}), "asker": asker}
        return await self._mcp(scope, receive, send)

    async def _asker(self, authorization: str) -> Asker:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "This server answers the gateway only.", hint="Call it through the gateway."
            )
        verified = self._verifier.verify(token)
        return Asker(verified.principal, await keys_of(verified, self._redis))


def _twice(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Of those that are decided by here: the SDK behind us would read the other one."""
    names = [name for name, _ in headers]
    return any(names.count(name) > 1 for name in (b"authorization", REVISION_HEADER.encode()))


async def _refuse(send: Send, status: int, code: int, message: str, data: Mapping[str, Any]) -> None:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message, "data": data}}
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer error="invalid_token"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def _sdk_app(manifest: Manifest, tools: Sequence[ServedTool], states: States | None) -> ASGIApp:
    # lazy: the SDK takes 0.9 s to import, and definitions are generated without it
    from mcp.server.transport_security import TransportSecuritySettings

    by_name = {tool.shape.name: tool for tool in tools}
    definitions = [tool.shape.definition() for tool in tools]

    async def listed() -> Sequence[Mapping[str, Any]]:
        # the same for everyone: who may use what is the gateway's decision
        return definitions

    async def called(call: ToolCall) -> Mapping[str, Any] | None:
        tool = by_name.get(call.name)
        return await outcome(tool, call.request.scope["state"]["asker"], call, states) if tool else None

    # Origin and Host are for servers that browsers reach; this one asks for the gateway's token.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return _sdk_server(manifest, listed, called).streamable_http_app(
        json_response=True, stateless_http=True, transport_security=security
    )


async def serve_stdio(manifest: Manifest, listed: Listed, called: Called) -> None:
    """Over this process's stdin and stdout, in every revision of MCP, until stdin ends.

    Whatever else writes to stdout meanwhile goes to stderr. A client of the session era is asked what a
    tool asks during the call (elicitation).
    """
    from mcp.server.stdio import stdio_server  # lazy: as above

    server = _sdk_server(manifest, listed, called)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _sdk_server(manifest: Manifest, listed: Listed, called: Called) -> Any:
    from mcp import types  # lazy: as above
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    async def list_tools(
        ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        found = [types.Tool.model_validate(tool) for tool in await listed()]
        scope: Any = "public" if ctx.request is not None else "private"
        return types.ListToolsResult(tools=found, ttl_ms=60_000, cache_scope=scope)

    async def call_tool(
        ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        given = params.model_dump(mode="json", by_alias=True, exclude_none=True)
        resumption = {name: given[name] for name in RESUMPTION if name in given}
        while True:
            call = ToolCall(params.name, params.arguments or {}, ctx.request, resumption)
            result = await called(call)
            if result is None:
                raise MCPError(code=types.INVALID_PARAMS, message="Unknown tool")
            if result.get("resultType") != "input_required":
                return types.CallToolResult.model_validate(result)
            if ctx.protocol_version == STATELESS:
                return types.InputRequiredResult.model_validate(result)
            try:
                resumption = await _elicited(ctx, result)
            except MCPError:
                return types.CallToolResult.model_validate(failed(_cannot_ask()))

    return Server(
        manifest.name,
        version=manifest.version,
        title=manifest.title,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # None: no argument of ours is mirrored in a header, so there is nothing to compare per call
        get_tool_input_schema=lambda name: None,
    )


def _cannot_ask() -> Conflict:
    return Conflict(
        "This tool asks something first.", hint="Call it with a client that can ask, or in the chat."
    )


async def _elicited(ctx: Any, result: Mapping[str, Any]) -> dict[str, Any]:
    """What the person answers, asked on the connection of the call."""
    answers: dict[str, Any] = {}
    for key, request in result["inputRequests"].items():
        params = request["params"]
        told = await ctx.session.elicit_form(params["message"], params["requestedSchema"], ctx.request_id)
        answers[key] = told.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"inputResponses": answers, "requestState": result["requestState"]}


async def outcome(
    tool: ServedTool, asker: Asker, call: ToolCall, states: States | None = None
) -> dict[str, Any]:
    """The MCP result: structured content and the same as text, for clients before 2025-06-18; or what the
    tool asks, with its state sealed for this person and this call."""
    try:
        resumed = resumption(states, asker.principal, call.name, call.arguments, call.resumption)
        answer = await tool.answer(asker, call.arguments, resumed)
        if isinstance(answer, Asks):
            return input_required(states, asker.principal, call.name, call.arguments, answer)
    except ValidationError as error:
        return failed(_invalid(error))
    except SwitchboardError as error:
        return failed(error)
    except Exception:
        _log.exception("server.tool_failed", tool=tool.shape.name)
        return failed(SwitchboardError())
    structured = answer.model_dump(mode="json", exclude_none=True)
    text = msgspec.json.encode(structured).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured}


def failed(error: SwitchboardError) -> dict[str, Any]:
    told = {"code": error.code, "hint": error.hint, "retryable": error.retryable}
    return {
        "content": [{"type": "text", "text": f"{error.detail} {error.hint}"}],
        "isError": True,
        "_meta": {ERROR_META: told},
    }


def _invalid(error: ValidationError) -> Invalid:
    """Names fields and what is wrong, never the values."""
    faults = [(".".join(map(str, fault["loc"])) or "arguments", fault["msg"]) for fault in error.errors()]
    told = "; ".join(f"{field}: {message}" for field, message in faults[:5])
    return Invalid(f"These arguments do not fit the schema: {told}.")
