"""The head of a request is bounded before anybody signs in."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from launch.http_head import HEAD_LIMIT, BoundedHead


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = PlainTextResponse("here")
    config = uvicorn.Config(app, port=0, http=BoundedHead, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


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
