"""Tools through the gateway: MCP 2026-07-28 over HTTP with a token of ours. On the hot path of each turn."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
from prometheus_client import Counter, Histogram

from access.principal import Principal
from access.tokens import Minter
from kit import telemetry
from kit.errors import SwitchboardError, ToolTimedOut
from kit.resilience import Breaker
from kit.wire import mcp
from kit.wire.tools import NeedsInput, Tool, ToolOutcome
from platform_api.identity.grants import Grants
from platform_api.toolbox.errors import (
    AnswerLost,
    GatewayFailed,
    NoSuchTool,
    QuestionExpired,
    ToolsUnavailable,
)
from platform_api.toolbox.settings import ToolboxSettings

AUDIENCE = "gateway"
_CLIENT = {"name": "switchboard-platform", "version": "1"}
_ANSWER_LIMIT = 8 * 1024 * 1024
# Below the server's own limit: a connection that it closes while we write would fail the call.
_KEPT_OPEN_S = 4.0
_NO_SUCH_TOOL = ("unknown_tool", "not_found")
# Whatever asks through us reaches a person by an interaction, forms and pages to open alike; models and
# folders of the caller's are not ours to give.
_CAPABILITIES: Mapping[str, Any] = {
    "elicitation": {"form": {}, "url": {}},
    # We keep a question until somebody else has answered it: a call that needs a second person may wait here.
    "experimental": {"switchboard/waits": {}},
}
_ASKS_A_PERSON = "elicitation/create"
_ROUNDS = 3
"""Of a tool that wants to be called again without asking anything."""
_EXPIRED = "_expired"
"""How the code of each refusal ends that comes too late: of a question, an approval, a state."""
tracer = telemetry.tracer("toolbox")
calls_total = Counter("switchboard_toolbox_calls_total", "Tool calls of the platform.", ["outcome"])
call_seconds = Histogram("switchboard_toolbox_call_seconds", "Time of a tool call, gateway included.")


class _Called(msgspec.Struct, rename="camel"):
    content: list[dict[str, Any]] = []
    structured_content: dict[str, Any] | None = None
    is_error: bool = False
    result_type: str = "complete"
    input_requests: dict[str, dict[str, Any]] = {}
    request_state: str | None = None
    meta: dict[str, Any] = msgspec.field(default_factory=dict[str, Any], name="_meta")

    @property
    def waits(self) -> bool:
        return self.result_type == "input_required"

    @property
    def refused_as(self) -> str:
        """The code with which the gateway refused, where it did."""
        told: Any = self.meta.get(mcp.ERROR_META)
        return str(told.get("code", "")) if isinstance(told, dict) else ""  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]  # JSON


class _Risks(msgspec.Struct, rename="camel"):
    """MCP's annotations; absent means the worst (its own default)."""

    read_only_hint: bool = False
    destructive_hint: bool = True


class _Listed(msgspec.Struct, rename="camel"):
    name: str
    input_schema: dict[str, Any]
    title: str = ""
    description: str = ""
    output_schema: dict[str, Any] | None = None
    annotations: _Risks = msgspec.field(default_factory=_Risks)


class _ListedPage(msgspec.Struct, rename="camel"):
    tools: list[_Listed]
    next_cursor: str | None = None


_called = msgspec.json.Decoder(_Called)
_listed = msgspec.json.Decoder(_ListedPage)


class HttpToolGateway:
    """One kept-open client; the principal's limits travel in the token, never in arguments (SPEC 6)."""

    def __init__(
        self,
        gateway_url: str,
        minter: Minter,
        grants: Grants,
        settings: ToolboxSettings | None = None,
        *,
        breaker: Breaker | None = None,
    ) -> None:
        self._url = f"{gateway_url.rstrip('/')}/mcp"
        self._minter = minter
        self._grants = grants
        self._settings = settings or ToolboxSettings()
        self._breaker = breaker or Breaker(
            "the tool gateway", failures=5, within_s=30, open_s=60, counts=_is_its_fault
        )
        self._client: aiohttp.ClientSession | None = None

    async def list_tools(self, principal: Principal) -> list[Tool]:
        """The gateway's own answer for this principal, in its order; `server` is the registry's to say.

        Raises as `call`.
        """
        tools: list[Tool] = []
        cursor: str | None = None
        while True:
            params = {"cursor": cursor} if cursor else {}
            result = await self._ask(principal, "tools/list", params, self._settings.list_timeout_s)
            page = _decoded(_listed, result)
            tools += [_tool(listed) for listed in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout_s: float = 30.0,
        resumption: Mapping[str, Any] | None = None,
    ) -> ToolOutcome:
        """One call, never repeated. A tool's own failure is an outcome with `is_error`; what it asks the
        person is `needs_input`, and the same call with `resumption` {inputResponses, requestState} goes on.

        Raises NoSuchTool, QuestionExpired, ToolsUnavailable, ToolTimedOut, GatewayFailed.
        """
        with tracer.start_as_current_span("tools/call") as span, call_seconds.time():
            span.set_attribute("gen_ai.tool.name", name)
            try:
                params = {"name": name, "arguments": arguments, **(resumption or {})}
                called = await self._called(principal, params, timeout_s)
                if resumption and called.is_error and called.refused_as.endswith(_EXPIRED):
                    raise QuestionExpired
            except SwitchboardError as error:
                calls_total.labels(error.code).inc()
                raise
        calls_total.labels(_ended(called)).inc()
        return _outcome(called)

    async def _called(self, principal: Principal, params: dict[str, Any], timeout_s: float) -> _Called:
        """Through the rounds in which a tool only wants its own state back."""
        name = params["name"]
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(_ROUNDS):
                    result = await self._ask(principal, "tools/call", params, timeout_s, name)
                    called: _Called = _decoded(_called, result)
                    if not called.waits or called.input_requests:
                        return called
                    again = {"requestState": called.request_state} if called.request_state else {}
                    params = {"name": name, "arguments": params["arguments"], **again}
        except TimeoutError as error:
            raise ToolTimedOut(f"There was no answer within {timeout_s:g} s.") from error
        raise GatewayFailed("The tool did not come to an end.")

    def start(self) -> None:
        """Nothing: the client is made by the first call, in the loop that makes it."""

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _ask(
        self,
        principal: Principal,
        method: str,
        params: dict[str, Any],
        timeout_s: float,
        name: str | None = None,
    ) -> msgspec.Raw:
        await self._grants.keep(principal)
        trace = telemetry.inject()
        headers = mcp.stateless_headers(method, name) | trace
        headers["authorization"] = f"Bearer {self._minter.mint(principal, AUDIENCE)}"
        able = _CAPABILITIES if method == "tools/call" else None
        body = mcp.request(method, mcp.stateless_params(params, _CLIENT, capabilities=able, meta=trace))
        with self._breaker.guard():
            status, answer = await self._post(headers, body, timeout_s)
            return _result(status, answer)

    async def _post(self, headers: dict[str, str], body: bytes, timeout_s: float) -> tuple[int, bytes]:
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session().post(self._url, data=body, headers=headers) as response,
            ):
                return response.status, await _limited(response)
        except TimeoutError as error:
            raise ToolTimedOut(f"There was no answer within {timeout_s:g} s.") from error
        except aiohttp.ClientConnectorError as error:
            raise ToolsUnavailable("The tool gateway does not answer.", retry_after=5) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AnswerLost(retry_after=5) from error

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=256, keepalive_timeout=_KEPT_OPEN_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._client


def _ended(called: _Called) -> str:
    if called.waits:
        return "input_required"
    return "tool_error" if called.is_error else "ok"


def _outcome(called: _Called) -> ToolOutcome:
    if not called.waits:
        return ToolOutcome(
            is_error=called.is_error, content=called.content, structured=called.structured_content
        )
    if any(one.get("method") != _ASKS_A_PERSON for one in called.input_requests.values()):
        # It was told that we have neither.
        text = "The tool asks for a model or for folders of its caller, which the platform does not give."
        return ToolOutcome(is_error=True, content=[{"type": "text", "text": text}])
    asked = NeedsInput(input_requests=called.input_requests, request_state=called.request_state)
    return ToolOutcome(is_error=False, content=[], needs_input=asked)


def _is_its_fault(error: BaseException) -> bool:
    """A slow tool says nothing about the gateway, which has time limits of its own."""
    return isinstance(error, ToolsUnavailable | GatewayFailed)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(_ANSWER_LIMIT + 1)
    # `read` gives what is there; small answers arrive in one piece.
    while len(body) <= _ANSWER_LIMIT and not response.content.at_eof():
        body += await response.content.read(_ANSWER_LIMIT + 1 - len(body))
    if len(body) > _ANSWER_LIMIT:
        raise GatewayFailed(f"The tool's answer is larger than {_ANSWER_LIMIT // 1024 // 1024} MB.")
    return body


def _result(status: int, body: bytes) -> msgspec.Raw:
    try:
        answer = mcp.read_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GatewayFailed(f"The tool gateway answered {status}.") from error
    if isinstance(answer.error, mcp.RpcError):
        raise _error(answer.error)
    if isinstance(answer.result, msgspec.Raw):
        return answer.result
    raise GatewayFailed(f"The tool gateway answered {status}.")


def _error(error: mcp.RpcError) -> SwitchboardError:
    told: Any = error.data
    code = str(told.get("code", "")) if isinstance(told, dict) else ""  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]  # JSON
    if error.code == mcp.INVALID_PARAMS and code in _NO_SUCH_TOOL:
        return NoSuchTool()
    if error.code == mcp.UNAVAILABLE:
        return ToolsUnavailable("The tool gateway cannot check who is asking.", retry_after=5)
    return GatewayFailed(f"The tool gateway refused the call ({error.code}).")


def _decoded(decoder: msgspec.json.Decoder[Any], result: msgspec.Raw) -> Any:
    try:
        return decoder.decode(result)
    except (msgspec.DecodeError, RecursionError) as error:
        raise GatewayFailed("The tool gateway's answer is not of the agreed form.") from error


def _tool(listed: _Listed) -> Tool:
    risk = "read" if listed.annotations.read_only_hint else "write"
    if risk == "write" and listed.annotations.destructive_hint:
        risk = "destructive"
    return Tool(
        name=listed.name,
        title=listed.title or listed.name,
        description=listed.description,
        server="",
        risk=risk,
        input_schema=listed.input_schema,
        output_schema=listed.output_schema,
    )
