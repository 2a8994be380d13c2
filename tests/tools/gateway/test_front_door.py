"""What no client sends by accident, byte by byte; and how a gateway goes (SPEC 9, 13)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from redis.asyncio import Redis

from kit.wire import mcp
from knowledge.index import Index
from launch.separate import http_config
from tests.tools.gateway.wire import CLIENT, call, stateless
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import MAYA, Gate, registry_of, running_gateway
from tools.gateway.protocol import http as gateway_http

LIMIT = 1_000_000


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    registry = registry_of([server(tool("echo.say"))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": echo}) as gate:
        yield gate


@asynccontextmanager
async def as_shipped(gate: Gate) -> AsyncIterator[str]:
    """The same gateway behind the HTTP server that the command starts."""

    async def app(scope, receive, send):  # type: ignore[no-untyped-def] # ASGI
        await gate.gateway(scope, receive, send)

    config = http_config(app, finish_s=5, port=0)
    config.lifespan = "off"
    served = uvicorn.Server(config)
    served.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # signals are the test run's
    task = asyncio.create_task(served._serve())
    while not served.started:
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    await task


def body_of(text: str = "hello") -> bytes:
    params = mcp.stateless_params({"name": "echo.say", "arguments": {"text": text}}, CLIENT)
    return mcp.request("tools/call", params)


def head_of(gate: Gate, *more: str, host: str = "host: localhost") -> bytes:
    headers = [f"{name}: {value}" for name, value in stateless(gate, MAYA, "tools/call", "echo.say").items()]
    lines = ["POST /mcp HTTP/1.1", *([host] if host else []), *headers, *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def sent(url: str, *parts: bytes) -> bytes:
    """The status line; empty where the gateway hung up instead."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.readline(), 20)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def chunked(*pieces: bytes) -> list[bytes]:
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


@pytest.mark.proves("GATE-014")
async def test_a_request_that_is_too_much_is_refused_before_anything_is_done(world: Gate, echo: Echo) -> None:
    body, many = body_of(), b" " * 65_536
    length = f"content-length: {len(body)}"
    async with as_shipped(world) as url:
        assert b" 200 " in await sent(url, head_of(world, length), body)
        assert b" 200 " in await sent(
            url, head_of(world, "transfer-encoding: chunked"), *chunked(body[:9], body[9:]), b"0\r\n\r\n"
        )
        done = len(echo.calls)
        refused = {
            "declared": await sent(url, head_of(world, "content-length: 100000000")),
            "chunked": await sent(url, head_of(world, "transfer-encoding: chunked"), *chunked(*[many] * 20)),
            "headers": await sent(url, head_of(world, length, "x-large: " + "y" * 40_000), body),
            "head without an end": await sent(url, b"POST /mcp HTTP/1.1\r\n", *[b"x-a: " + many] * 4),
            "many headers": await sent(url, head_of(world, length, *["x-a: 1"] * 300), body),
            "no host": await sent(url, head_of(world, length, host=""), body),
            "both lengths": await sent(url, head_of(world, length, "transfer-encoding: chunked"), body),
            "two lengths": await sent(url, head_of(world, length, "content-length: 5"), body),
            "odd chunk": await sent(
                url, head_of(world, "transfer-encoding: chunked"), b"-5\r\nhello\r\n0\r\n\r\n"
            ),
            "coding in doubt": await sent(url, head_of(world, "transfer-encoding: chunked, identity"), body),
            "line feeds only": await sent(url, head_of(world, length).replace(b"\r\n", b"\n"), body),
        }
    assert {what: status for what, status in refused.items() if status and b" 4" not in status} == {}
    assert len(echo.calls) == done


@pytest.mark.proves("GATE-014")
async def test_a_body_that_never_ends_is_given_up(
    world: Gate, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_http, "BODY_S", 0.2)
    async with as_shipped(world) as url:
        assert b" 408 " in await sent(url, head_of(world, "content-length: 5000"), b'{"jsonrpc":')
    assert echo.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        body_of().replace(b'"text":"hello"', b'"text":' + b"[" * 70 + b"]" * 70),
        body_of().replace(b'"text":"hello"', b'"text":"hello","text":"other"'),
        body_of().replace(b'"method":"tools/call"', b'"method":"tools/list","method":"tools/call"'),
        b"[" + body_of() + b"]",
        b"[]",
        body_of().replace(b'"hello"', b"1e400"),
        body_of().replace(b'"hello"', b"NaN"),
        body_of().replace(b"hello", b"\xff"),
        body_of() + b"{}",
        b"",
    ],
    ids=[
        "only brackets",
        "deep objects",
        "deep argument",
        "argument twice",
        "method twice",
        "batch",
        "empty batch",
        "number out of range",
        "not a number",
        "not UTF-8",
        "two messages",
        "nothing",
    ],
)
@pytest.mark.proves("GATE-014")
async def test_a_message_that_two_readers_could_read_differently_is_refused(
    world: Gate, echo: Echo, body: bytes
) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
        headers = stateless(world, MAYA, "tools/call", "echo.say")
        answer = await client.post(f"{world.url}/mcp", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in (mcp.PARSE_ERROR, mcp.INVALID_REQUEST)
    assert echo.calls == []


@pytest.mark.proves("GATE-015")
async def test_a_gateway_that_goes_says_so_and_finishes_what_it_began(world: Gate, echo: Echo) -> None:
    async with httpx.AsyncClient(base_url=world.url, trust_env=False, verify=False) as client:
        assert (await client.get("/health/ready")).status_code == 200
        echo.hangs = True
        under_way = asyncio.create_task(call(world, MAYA, "echo.say", {"text": "hello"}))
        await asyncio.wait_for(echo.called.wait(), 20)
        world.gateway.drain()

        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, "This gateway is being stopped.")
        assert (await client.get("/health/live")).status_code == 200
        echo.hangs = False
        assert (await call(world, MAYA, "echo.say", {"text": "still"})).status_code == 200
    under_way.cancel()
    await asyncio.wait([under_way])


async def test_streams_of_listeners_end_with_it(world: Gate) -> None:
    async with httpx.AsyncClient(base_url=world.url, trust_env=False, verify=False, timeout=20) as client:
        signed_in = {"authorization": f"Bearer {world.token(MAYA)}", "content-type": "application/json"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
        began = await client.post("/mcp", content=mcp.request("initialize", hello), headers=signed_in)
        listening = signed_in | {
            mcp.SESSION_HEADER: began.headers[mcp.SESSION_HEADER],
            "accept": "text/event-stream",
        }
        async with client.stream("GET", "/mcp", headers=listening) as stream:
            assert stream.status_code == 200
            world.gateway.drain()
            async for _ in stream.aiter_bytes():
                pass


async def test_metrics_do_not_hold_up_calls(world: Gate) -> None:
    await call(world, MAYA, "echo.say", {"text": "hello"})
    text = await world.metrics()
    assert 'switchboard_gateway_call_seconds_count{server="echo",tool="echo.say"}' in text
    assert json.dumps(MAYA.name) not in text
