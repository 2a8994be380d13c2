"""How every tool server of ours speaks MCP: 2026-07-28 only, to the gateway only (SPEC 8, 9).

The gateway is the one bridge to older revisions, so a request of another revision is refused here.
Who asks comes from the gateway's token (issuer `gateway`, audience of this server); an argument that
does not fit, and every error, becomes a tool error with a hint that a model can act on.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
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
from kit.errors import Invalid, SwitchboardError, Unauthenticated
from kit.wire.base import Request, Wire
from kit.wire.mcp import (
    ERROR_META,
    INVALID_REQUEST,
    REVISION_HEADER,
    STATELESS,
    UNAUTHENTICATED,
    UNSUPPORTED_REVISION,
)
from tools.servers.shapes import Manifest, ToolShape

GATEWAY = "gateway"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is asking and what they may open, from the verified token."""

    principal: Principal
    keys: AccessKeys


Taken = TypeVar("Taken", bound=Request)
Answer = Callable[[Asker, Mapping[str, Any]], Awaitable[Wire]]
Listed = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""The MCP tool objects."""
Called = Callable[[str, Mapping[str, Any], Any], Awaitable[Mapping[str, Any] | None]]
"""(tool, arguments, HTTP request) → the MCP result; None: there is no such tool."""


@dataclass(frozen=True, slots=True)
class ServedTool:
    shape: ToolShape
    answer: Answer


def served(shape: ToolShape, run: Callable[[Asker, Any], Awaitable[Wire]]) -> ServedTool:
    """Binds a shape to its function, which gets the arguments as `shape.takes`."""

    async def answer(asker: Asker, arguments: Mapping[str, Any]) -> Wire:
        return await run(asker, shape.takes.model_validate(arguments))

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
    ) -> None:
        self._mcp = _sdk_app(manifest, tools)
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


def _sdk_app(manifest: Manifest, tools: Sequence[ServedTool]) -> ASGIApp:
    # lazy: the SDK takes 0.9 s to import, and definitions are generated without it
    from mcp.server.transport_security import TransportSecuritySettings

    by_name = {tool.shape.name: tool for tool in tools}
    definitions = [tool.shape.definition() for tool in tools]

    async def listed() -> Sequence[Mapping[str, Any]]:
        # the same for everyone: who may use what is the gateway's decision
        return definitions

    async def called(name: str, arguments: Mapping[str, Any], request: Any) -> Mapping[str, Any] | None:
        tool = by_name.get(name)
        return await outcome(tool, request.scope["state"]["asker"], arguments) if tool else None

    # Origin and Host are for servers that browsers reach; this one asks for the gateway's token.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return _sdk_server(manifest, listed, called).streamable_http_app(
        json_response=True, stateless_http=True, transport_security=security
    )


async def serve_stdio(manifest: Manifest, listed: Listed, called: Called) -> None:
    """Over this process's stdin and stdout, in every revision of MCP, until stdin ends.

    Whatever else writes to stdout meanwhile goes to stderr. `called` gets None as its request.
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
    ) -> types.CallToolResult:
        result = await called(params.name, params.arguments or {}, ctx.request)
        if result is None:
            raise MCPError(code=types.INVALID_PARAMS, message="Unknown tool")
        return types.CallToolResult.model_validate(result)

    return Server(
        manifest.name,
        version=manifest.version,
        title=manifest.title,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # None: no argument of ours is mirrored in a header, so there is nothing to compare per call
        get_tool_input_schema=lambda name: None,
    )


async def outcome(tool: ServedTool, asker: Asker, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The MCP result: structured content and the same as text, for clients before 2025-06-18."""
    try:
        answer = await tool.answer(asker, arguments)
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
