"""The head of a request is bounded before anybody signs in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from launch import http_head
from launch.http_head import HEAD_LIMIT, BoundedHead


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(PlainTextResponse("here")) as port:
        yield port


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=BoundedHead, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def answer(port: int, *parts: bytes) -> bytes:
    """What comes back for these bytes; nothing where the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read(4096)
    except ConnectionError:
        return b""
    finally:
        writer.close()


REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


async def test_a_head_without_an_end_is_hung_up_on(port: int) -> None:
    assert await answer(port, REQUEST, b"X: ", *[b"a" * 16_384] * (HEAD_LIMIT // 16_384 + 1)) == b""
    assert await answer(port, REQUEST, *[b"X: %b\r\n" % (b"a" * 16_384)] * (HEAD_LIMIT // 16_384 + 1)) == b""


async def test_a_large_body_is_none_of_its_business(port: int) -> None:
    body = b"a" * HEAD_LIMIT * 4
    said = await answer(port, REQUEST + b"Content-Length: %d\r\n\r\n" % len(body), body)
    assert said.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begun", [b"", b"POST / HT", REQUEST])
@pytest.mark.proves("GATE-212")
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(http_head, "HEAD_S", 0.2)
    async with serving(PlainTextResponse("here")) as port:
        assert await asyncio.wait_for(answer(port, begun), 20) == b""


@pytest.mark.parametrize("streams", [False, True], ids=["a large answer", "a stream"])
@pytest.mark.proves("GATE-212")
async def test_an_answer_that_nobody_reads_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    lost, end = asyncio.Event(), BoundedHead.connection_lost

    def connection_lost(self: BoundedHead, error: Exception | None) -> None:
        end(self, error)
        lost.set()

    monkeypatch.setattr(http_head, "UNREAD_S", 0.2)
    monkeypatch.setattr(BoundedHead, "connection_lost", connection_lost)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while streams and not lost.is_set():
            await send({"type": "http.response.body", "body": b"a" * 65_536, "more_body": True})
        await send({"type": "http.response.body", "body": b"a" * 50_000_000})

    async with serving(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(lost.wait(), 30)
        writer.close()
