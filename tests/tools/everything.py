"""A full-featured tool server on the official SDK, with the names that the conformance suites call.

`old` speaks the revisions with sessions only, `new` 2026-07-28 only, `both` as the SDK does. Runs on its
own too: `python -m tests.tools.everything new 8123`, or `… old` over stdio.
"""

# ruff: noqa: N803, N815 - the names are the suites'

import asyncio
import base64
import json
import sys
from functools import cache
from typing import Annotated, Any, Literal

import mcp_types as types
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Receive, Scope, Send

Era = Literal["old", "new", "both"]
Ctx = Context[Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
SOUND = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
EXOTIC = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class Answer(BaseModel):
    response: str = Field(description="User's response")


class Defaults(BaseModel):
    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(default="active", json_schema_extra={"enum": ["active", "inactive", "pending"]})
    verified: bool = Field(default=True, description="Verification status")


class Enums(BaseModel):
    untitledSingle: str = Field(json_schema_extra={"enum": ["option1", "option2", "option3"]})
    titledSingle: str = Field(
        json_schema_extra={"oneOf": [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]}
    )
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2", "option3"]}}
    )
    titledMulti: list[str] = Field(
        json_schema_extra={
            "items": {"anyOf": [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]}
        }
    )
    legacyEnum: str = Field(
        json_schema_extra={"enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]}
    )


class Sum(BaseModel):
    total: int
    parts: list[int]


class Told:
    """What a test reads of the server: calls that were cancelled, and how often each tool ran."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.running = asyncio.Event()
        self.release = asyncio.Event()
        self.ran: list[str] = []


class Events(EventStore):
    """Enough to take a stream up again."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if not last_event_id.isdecimal() or not 0 < int(last_event_id) <= len(self._events):
            return None
        stream = self._events[int(last_event_id) - 1][0]
        for number, (of, message) in enumerate(self._events[int(last_event_id) :], int(last_event_id) + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def form(message: str, **fields: Any) -> types.ElicitRequest:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return types.ElicitRequest(params=params)


def question(text: str) -> types.CreateMessageRequest:
    said = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[said], max_tokens=100)
    )


def asked(state: str | None = None, **requests: Any) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=requests, request_state=state)


def content(ctx: Ctx, key: str) -> Any:
    """The answer to one question, as plain data; None where there is none."""
    answer = (ctx.input_responses or {}).get(key)
    return answer.model_dump(by_alias=True, mode="json") if answer is not None else None


def everything(told: Told | None = None) -> MCPServer:
    server, made = _empty(), _made_once()
    _telling(server, told or Told())
    # there is no public way to share what was registered
    server._tool_manager._tools |= made._tool_manager._tools  # pyright: ignore[reportPrivateUsage]
    server._prompt_manager._prompts |= made._prompt_manager._prompts  # pyright: ignore[reportPrivateUsage]
    resources, shared = server._resource_manager, made._resource_manager  # pyright: ignore[reportPrivateUsage]
    resources._resources |= shared._resources  # pyright: ignore[reportPrivateUsage]
    resources._templates |= shared._templates  # pyright: ignore[reportPrivateUsage]
    _methods_of_the_session_era(server)
    return server


def _empty() -> MCPServer:
    return MCPServer("everything", version="1", instructions="For tests.", log_level="CRITICAL")


@cache
def _made_once() -> MCPServer:
    """What no test tells from another's: to make it takes longer than most tests."""
    server = _empty()
    _plain(server)
    _asking_in_sessions(server)
    _asking_stateless(server)
    _resources_and_prompts(server)
    return server


def _telling(server: MCPServer, told: Told) -> None:
    @server.tool()
    def test_simple_text() -> str:
        """Text."""
        told.ran.append("test_simple_text")
        return "This is a simple text response for testing."

    @server.tool()
    async def test_slow(ctx: Ctx) -> str:
        """Waits until it is released or cancelled."""
        told.running.set()
        try:
            await ctx.report_progress(1, 2, "waiting")
            await told.release.wait()
        except BaseException:
            told.cancelled.set()
            raise
        return "released"


def _plain(server: MCPServer) -> None:
    @server.tool()
    def test_image_content() -> types.CallToolResult:
        """An image."""
        return types.CallToolResult(
            content=[types.ImageContent(type="image", data=PIXEL, mime_type="image/png")]
        )

    @server.tool()
    def test_audio_content() -> types.CallToolResult:
        """Audio."""
        return types.CallToolResult(
            content=[types.AudioContent(type="audio", data=SOUND, mime_type="audio/wav")]
        )

    @server.tool()
    def test_embedded_resource() -> types.CallToolResult:
        """A resource inside."""
        return types.CallToolResult(
            content=[_embedded("test://embedded-resource", "text/plain", "Embedded.")]
        )

    @server.tool()
    def test_multiple_content_types() -> types.CallToolResult:
        """Text, image, resource."""
        return types.CallToolResult(
            content=[
                types.TextContent(type="text", text="Multiple content types test:"),
                types.ImageContent(type="image", data=PIXEL, mime_type="image/png"),
                _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
                types.ResourceLink(type="resource_link", name="link", uri="test://static-text"),
            ]
        )

    @server.tool()
    def test_structured(parts: list[int]) -> Sum:
        """Structured output."""
        return Sum(total=sum(parts), parts=parts)

    @server.tool()
    async def test_tool_with_logging(ctx: Ctx) -> str:
        """Logs three times."""
        for step in ("started", "processing", "completed"):
            await ctx.info(f"Tool execution {step}")
            await asyncio.sleep(0.02)
        return "Tool with logging executed successfully"

    @server.tool()
    async def test_logging_tool(ctx: Ctx) -> str:
        """Logs once."""
        await ctx.info("A line")
        return "logged"

    @server.tool()
    async def test_tool_with_progress(ctx: Ctx) -> str:
        """Progress."""
        for step in (0, 50, 100):
            await ctx.report_progress(step, 100, f"Completed step {step} of 100")
            await asyncio.sleep(0.02)
        meta: Any = ctx.request_context.meta
        return str((meta or {}).get("progress_token", (meta or {}).get("progressToken", "")))

    @server.tool()
    def test_error_handling() -> str:
        """Fails."""
        raise RuntimeError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_waits(ctx: Ctx) -> str:
        """Says that it began, and never answers."""
        await ctx.report_progress(1, 2, "waiting")
        await asyncio.Event().wait()
        return "never"

    @server.tool()
    async def test_reconnection(ctx: Ctx) -> str:
        """Ends its stream and goes on."""
        await ctx.info("Before disconnect")
        await ctx.close_sse_stream()
        await asyncio.sleep(0.2)
        await ctx.info("After reconnect")
        return "Reconnection test completed"

    @server.tool()
    def test_custom_headers(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
        priority: Annotated[int, Field(json_schema_extra={"x-mcp-header": "Priority"})] = 1,
    ) -> str:
        """Mirrored in headers."""
        return f"{region} {priority}"

    @server.tool()
    async def test_trigger_tool_change(ctx: Ctx) -> str:
        """The list of tools changed."""
        await ctx.notify_tools_changed()
        return "changed"

    @server.tool()
    async def test_trigger_prompt_change(ctx: Ctx) -> str:
        """The list of prompts changed."""
        await ctx.notify_prompts_changed()
        await ctx.session.send_prompt_list_changed()
        return "changed"

    @server.tool()
    async def test_touch(uri: str, ctx: Ctx) -> str:
        """A resource changed."""
        await ctx.notify_resource_updated(uri)
        for session in list(_subscribed.get(uri, ())):
            await session.send_resource_updated(uri)
        return "touched"

    @server.tool()
    def json_schema_2020_12_tool(name: str = "") -> str:
        """Keywords of JSON Schema 2020-12."""
        return "ok"

    exotic: Any = server._tool_manager.get_tool("json_schema_2020_12_tool")  # pyright: ignore[reportPrivateUsage] - a schema that no annotation gives
    exotic.parameters = EXOTIC


_subscribed: dict[str, list[Any]] = {}


def _asking_in_sessions(server: MCPServer) -> None:
    @server.tool()
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        """Asks the client's model."""
        said = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
        result: Any = await ctx.session.create_message(
            messages=[said], max_tokens=100, related_request_id=ctx.request_id
        )
        return f"LLM response: {result.content.text}"

    @server.tool()
    async def test_sampling_beside(prompt: str, ctx: Ctx) -> str:
        """Asks the client's model on the session's own stream, not on the call's."""
        said = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
        result: Any = await ctx.session.create_message(messages=[said], max_tokens=100)
        return f"LLM response: {result.content.text}"

    @server.tool()
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        """Asks the person."""
        result = await ctx.elicit(message=message, schema=Answer)
        return _said(result)

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        """Defaults in a form."""
        return _said(await ctx.elicit(message="Please provide user information", schema=Defaults))

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        """Choices in a form."""
        return _said(await ctx.elicit(message="Please select values", schema=Enums))

    @server.tool()
    async def test_two_questions(ctx: Ctx) -> str:
        """Asks twice, with progress in between."""
        first = await ctx.elicit(message="First?", schema=Answer)
        await ctx.report_progress(1, 2, "half way")
        second = await ctx.elicit(message="Second?", schema=Answer)
        return f"{_said(first)} | {_said(second)}"


def _said(result: Any) -> str:
    given = result.data.model_dump_json() if result.action == "accept" else "{}"
    return f"User response: action={result.action}, content={given}"


Either = types.CallToolResult | types.InputRequiredResult


def _text(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


NAME = {"type": "string"}
YES = {"type": "boolean"}


def _asking_stateless(server: MCPServer) -> None:
    @server.tool()
    async def test_input_required_result_elicitation(ctx: Ctx) -> Either:
        """Asks for a name."""
        answer = content(ctx, "user_name")
        if answer is None:
            return asked(user_name=form("What is your name?", name=NAME))
        return _text(f"Hello, {(answer.get('content') or {}).get('name')}!")

    @server.tool()
    async def test_streaming_elicitation(ctx: Ctx) -> Either:
        """Asks for a name, over a stream."""
        await ctx.report_progress(1, 2)
        return asked(user_name=form("What is your name?", name=NAME))

    @server.tool()
    async def test_input_required_result_sampling(ctx: Ctx) -> Either:
        """Asks the client's model."""
        answer = content(ctx, "capital_question")
        if answer is None:
            return asked(capital_question=question("What is the capital of France?"))
        return _text(str(answer["content"]["text"]))

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Ctx) -> Either:
        """Asks for roots."""
        answer = content(ctx, "client_roots")
        if answer is None:
            return asked(client_roots=types.ListRootsRequest())
        return _text("Roots: " + ", ".join(str(root["uri"]) for root in answer["roots"]))

    @server.tool()
    async def test_input_required_result_request_state(ctx: Ctx) -> Either:
        """State that comes back."""
        if content(ctx, "confirm") is None:
            return asked("opaque-1", confirm=form("Please confirm", ok=YES))
        return _text("state-ok" if ctx.request_state == "opaque-1" else "state-lost")

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Ctx) -> Either:
        """State that is sealed by the SDK."""
        if content(ctx, "confirm") is None:
            return asked("opaque-2", confirm=form("Please confirm", ok=YES))
        return _text("state-ok")

    @server.tool()
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Either:
        """Three questions at once."""
        keys = ("user_name", "greeting", "client_roots")
        if any(content(ctx, key) is None for key in keys):
            return asked(
                "opaque-3",
                user_name=form("What is your name?", name=NAME),
                greeting=question("Generate a greeting"),
                client_roots=types.ListRootsRequest(),
            )
        return _text("All given")

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Ctx) -> Either:
        """Two questions, one after the other."""
        if ctx.request_state is None:
            return asked("round-1", step1=form("Step 1: What is your name?", name=NAME))
        if ctx.request_state == "round-1":
            return asked("round-2", step2=form("Step 2: What is your favorite color?", color=NAME))
        return _text("Both given")

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Ctx) -> Either:
        """Asks only what the client can answer."""
        can: Any = ctx.client_capabilities
        requests: dict[str, Any] = {}
        if can and can.sampling is not None:
            requests["sampled"] = question("Say something")
        if can and can.elicitation is not None:
            requests["asked"] = form("Say something", text=NAME)
        return asked(**requests) if requests and not ctx.input_responses else _text("done")

    @server.tool()
    async def test_missing_capability(ctx: Ctx) -> str:
        """Needs sampling."""
        from mcp.shared.exceptions import MCPError

        can: Any = ctx.client_capabilities
        if not can or can.sampling is None:
            raise MCPError(
                types.MISSING_REQUIRED_CLIENT_CAPABILITY,
                "This tool needs sampling",
                {"requiredCapabilities": {"sampling": {}}},
            )
        return "can"

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Ctx) -> Any:
        """A prompt that asks."""
        answer = content(ctx, "user_context")
        if answer is None:
            return asked(user_context=form("What context should the prompt use?", context=NAME))
        return [f"Context: {(answer.get('content') or {}).get('context')}"]


def _resources_and_prompts(server: MCPServer) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """Text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A pixel."""
        return base64.b64decode(PIXEL)

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """By id."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Watched."""
        return "Watched resource content"

    @server.prompt()
    def test_simple_prompt() -> str:
        """A prompt."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """With arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Any]:
        """With a resource."""
        return [
            {"role": "user", "content": _embedded(resourceUri, "text/plain", "Embedded.")},
            {"role": "user", "content": {"type": "text", "text": "Please process the resource above."}},
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[Any]:
        """With an image."""
        return [
            {"role": "user", "content": types.ImageContent(type="image", data=PIXEL, mime_type="image/png")},
            {"role": "user", "content": {"type": "text", "text": "Please analyze the image above."}},
        ]


def _methods_of_the_session_era(server: MCPServer) -> None:
    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> types.Completion:
        values = [value for value in ("paris", "park", "party") if value.startswith(argument.value)]
        return types.Completion(values=values, total=len(values), has_more=False)

    low: Any = server._lowlevel_server  # pyright: ignore[reportPrivateUsage] - the session era's own methods

    async def set_level(ctx: Any, params: Any) -> types.EmptyResult:
        return types.EmptyResult()

    async def subscribe(ctx: Any, params: Any) -> types.EmptyResult:
        _subscribed.setdefault(str(params.uri), []).append(ctx.session)
        return types.EmptyResult()

    async def unsubscribe(ctx: Any, params: Any) -> types.EmptyResult:
        _subscribed.pop(str(params.uri), None)
        return types.EmptyResult()

    low.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)
    low.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
    low.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)


def _embedded(uri: str, mime: str, text: str) -> types.EmbeddedResource:
    inner = types.TextResourceContents(uri=uri, mime_type=mime, text=text)
    return types.EmbeddedResource(type="resource", resource=inner)


def app_of(server: MCPServer, era: Era) -> ASGIApp:
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    inner = server.streamable_http_app(event_store=Events(), retry_interval=50, transport_security=security)

    async def only(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and era != "both":
            revision = dict(scope["headers"]).get(b"mcp-protocol-version", b"").decode()
            if (revision == "2026-07-28") != (era == "new"):
                await _refuse(send, revision, era)
                return
        await inner(scope, receive, send)

    return only


async def _refuse(send: Send, revision: str, era: Era) -> None:
    supported = ["2026-07-28"] if era == "new" else ["2025-11-25"]
    error = {"code": -32022, "message": "Unsupported protocol version"}
    if era == "new":
        error["data"] = {"supported": supported, "requested": revision}  # type: ignore[assignment] # JSON
    else:
        error = {"code": -32000, "message": "Bad Request: Unsupported protocol version"}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    if len(sys.argv) > 2:
        chosen: Any = sys.argv[1]
        uvicorn.run(
            app_of(everything(), chosen), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning"
        )
    else:
        everything().run("stdio")
