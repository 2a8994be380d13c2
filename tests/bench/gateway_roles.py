"""The processes of the gateway's bench: `python -m tests.bench.gateway_roles ROLE …` serves one of them."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import httptools
import uvicorn
import uvloop
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY
from starlette.types import ASGIApp, Receive, Scope, Send

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit import telemetry
from kit.clock import SystemClock
from kit.wire.internal import AuditAccepted
from kit.wire.tools import RegisteredServer
from launch.http_head import BoundedHead
from launch.separate import settle_memory
from ports.redis import connect
from tests.tools.upstreams import definition, server, tool
from tests.tools.world import MAYA, HeldPlatform, registry_of
from tools.gateway.app import build_gateway
from tools.gateway.settings import GatewaySettings

PORT = "port:"
TOKEN_PATH = "/token"
NO_LIMIT = 10**9
FLOOD = 100_000_000
LIMIT = 50_000_000


# The tool server


def definitions(path: str) -> list[dict[str, Any]]:
    """What the server at this path lists: one tool, or 20 of a fleet of 50."""
    name = path.strip("/").split("/")[0]
    if name.startswith("s") and name[1:].isdigit():
        return [definition(f"{name}.tool-{number}") for number in range(20)]
    if name == "lying":
        return [definition("lying.say", description="Not what was approved.")]
    if name in ("dead", "hanging", "flooding", "crashing", "dripping", "calm"):
        return [definition(f"{name}.say")]
    return [definition("echo.say")]


def result_of(message: dict[str, Any], path: str) -> dict[str, Any]:
    method, params = message.get("method"), message.get("params", {})
    if method == "tools/call":
        text = params.get("arguments", {}).get("text", "")
        return {"content": [{"type": "text", "text": text}], "resultType": "complete"}
    if method == "tools/list":
        lists = {"tools": definitions(path), "resultType": "complete", "ttlMs": 60_000}
        return lists | {"cacheScope": "public"}
    if method == "initialize":
        asked, about = params["protocolVersion"], {"name": "bench", "version": "1"}
        return {"protocolVersion": asked, "capabilities": {"tools": {}}, "serverInfo": about}
    return {
        "resultType": "complete",
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bench", "version": "1"},
        "ttlMs": 60_000,
        "cacheScope": "public",
    }


class ToolServer(asyncio.Protocol):
    """HTTP/1.1 by hand, so that it costs the machine next to nothing."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._path = ""
        self._dripping: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dripping is not None:
            self._dripping.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._path == "/v1/traces":
            self._say(b"{}")
            return
        message = json.loads(self._body)
        called = message.get("method") == "tools/call"
        kind = self._path.strip("/").split("/")[0] if called else ""
        if kind == "crashing":
            self._transport.abort()
        elif kind == "flooding":
            self._dripping = asyncio.create_task(self._flood())
        elif kind == "dripping":
            self._dripping = asyncio.create_task(self._drip())
        elif kind != "hanging":
            result = result_of(message, self._path)
            self._say(json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode())

    def _say(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)

    async def _flood(self) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        for _ in range(FLOOD // 65_536):
            if self._transport.is_closing():
                return
            while self._transport.get_write_buffer_size() > 1_000_000:
                await asyncio.sleep(0.001)
            self._transport.write(chunk)
        self._transport.close()

    async def _drip(self) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not self._transport.is_closing():
            self._transport.write(b" ")
            await asyncio.sleep(1)


async def upstream() -> None:
    listening = listen()
    serving = await asyncio.get_running_loop().create_server(ToolServer, sock=listening)
    await serving.serve_forever()


# What stands in the middle


class Relay:
    """No policy at all: the body goes on, the answer comes back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name != b"host"}
        async with self._session.post(self._upstream, data=body, headers=headers) as response:
            answer = await response.read()
        kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": response.status, "headers": kind})
        await send({"type": "http.response.body", "body": answer})


def sdk_proxy(upstream: str) -> ASGIApp:
    """What one gets with the MCP SDK: its server, and one connected client of it."""
    from mcp import Client, types
    from mcp.server.lowlevel import Server

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncGenerator[Any]:
        async with Client(upstream) as client:
            yield client

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return await ctx.lifespan_context.list_tools()

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> Any:
        return await ctx.lifespan_context.call_tool(params.name, params.arguments)

    made: Server[Any] = Server("proxy", lifespan=lifespan, on_list_tools=list_tools, on_call_tool=call_tool)
    return made.streamable_http_app(json_response=True, stateless_http=True)


class Forgetting(HeldPlatform):
    """Takes records without keeping them: what the platform does with them is not the gateway's cost."""

    async def events(self, records: Sequence[bytes]) -> AuditAccepted:
        return AuditAccepted(accepted=len(records), repeated=0)


def servers(upstream: str, others: str, which: str) -> list[RegisteredServer]:
    if which == "many":
        names = [f"s{number:02}" for number in range(50)]
        return [
            server(
                *(tool(one["name"]) for one in definitions(f"/{name}")),
                name=name,
                address=f"{upstream}/{name}/mcp",
            )
            for name in names
        ]
    good = server(tool("echo.say"), address=f"{upstream}/mcp")
    if which == "one":
        return [good]
    dead = server(tool("dead.say"), name="dead", address="http://127.0.0.1:1/mcp")
    kinds = ("hanging", "flooding", "lying", "crashing", "dripping", "calm")
    return [
        good,
        dead,
        *(server(tool(f"{one}.say"), name=one, address=f"{others}/{one}/mcp") for one in kinds),
    ]


def gateway(upstream: str, redis_url: str, folder: str, which: str, others: str = "") -> ASGIApp:
    platform_key, own = SigningKey.generate(), SigningKey.generate()
    trusted = TrustedKeys()
    trusted.replace("platform", platform_key.jwks())
    # 10 % of traces, serialised and sent, as with a collector
    provider = telemetry.configure(
        telemetry.TelemetrySettings(otlp_endpoint=upstream, sample_ratio=0.1), "gateway"
    )
    app = build_gateway(
        GatewaySettings(
            user_calls_per_min=NO_LIMIT,
            server_calls_per_min=NO_LIMIT,
            organisation_calls_per_min=NO_LIMIT,
            user_calls_per_day=NO_LIMIT,
        ),
        platform=Forgetting(registry_of(servers(upstream, others, which))),
        signing_key=own,
        trusted=trusted,
        redis=connect(redis_url),
        redis_url=redis_url,
        spool_folder=Path(folder),
        clock=SystemClock(),
    )
    return Pages(app, Minter(platform_key, "platform", SystemClock()), provider)


class Pages:
    """The gateway, and pages where the bench gets its tokens from and sees what was counted."""

    def __init__(self, app: ASGIApp, minter: Minter, provider: TracerProvider) -> None:
        self._app = app
        self._minter = minter
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == TOKEN_PATH:
            await say(send, self._minter.mint(MAYA, "gateway"))
        elif scope["type"] == "http" and scope["path"] == "/policies":
            await say(send, counted())
        elif scope["type"] == "http" and scope["path"] == "/ended":
            await say(send, ended())
        else:
            await self._app(scope, receive, send)


def counted() -> str:
    names = {
        "calls": "switchboard_gateway_calls_total",
        "records sent": "switchboard_gateway_spool_shipped_total",
        "limited locally": "switchboard_limited_locally_total",
        "spans recorded": "switchboard_gateway_spans_total",
    }
    totals = dict.fromkeys(names, 0.0)
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            for shown, name in names.items():
                totals[shown] += sample.value if sample.name == name else 0
    return ", ".join(f"{shown} {total:.0f}" for shown, total in totals.items())


def ended() -> str:
    calls = [
        (sample.labels["tool"], sample.labels["outcome"], sample.value)
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "switchboard_gateway_calls_total"
    ]
    return ", ".join(f"{tool} {outcome} {count:.0f}" for tool, outcome, count in sorted(calls))


async def say(send: Send, text: str) -> None:
    body = text.encode()
    head = [(b"content-length", b"%d" % len(body)), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


def listen() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    say_port(listening.getsockname()[1])
    return listening


def say_port(port: int) -> None:
    sys.stdout.write(f"{PORT}{port}\n")
    sys.stdout.flush()


def serve(app: ASGIApp, *, lifespan: bool = True, bounded: bool = True) -> None:
    """bounded: with our own limits on heads, which a relay without any policy does not have."""
    config = uvicorn.Config(
        app,
        log_level="error",
        lifespan="on" if lifespan else "off",
        loop="uvloop",
        http=BoundedHead if bounded else "httptools",
        access_log=False,
    )
    settle_memory()
    uvloop.run(uvicorn.Server(config).serve(sockets=[listen()]))


def main(role: str, *given: str) -> None:
    if role == "upstream":
        uvloop.run(upstream())
    elif role == "others":
        os.nice(19)
        uvloop.run(upstream())
    elif role == "relay":
        serve(Relay(f"{given[0]}/mcp"), lifespan=False, bounded=False)
    elif role == "sdk":
        serve(sdk_proxy(f"{given[0]}/mcp"))
    else:
        serve(gateway(*given))


if __name__ == "__main__":
    main(*sys.argv[1:])
