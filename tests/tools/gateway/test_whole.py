"""Whole requests and answers past the two steps of uvicorn: the same bytes, and only with nobody between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.gateway.protocol.http import send_json
from tools.gateway.protocol.whole import sent_whole, whole_body

REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def said(port: int, *parts: bytes, answers: int = 1) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    found = b""
    while found.count(b'{"it":"is"}') < answers:
        found += await reader.read(4096)
    writer.close()
    return found


class Answers:
    """Says whether it could take the body, and send the answer, whole."""

    def __init__(self) -> None:
        self.bodies: list[bytes | None] = []
        self.whole: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = whole_body(receive)
        self.bodies.append(body)
        if body is None:
            while (await receive()).get("more_body"):
                pass
        self.whole.append(sent_whole(send, b'{"it":"is"}'))
        if not self.whole[-1]:
            await send_json(send, 200, b'{"it":"is"}')


def headers(answer: bytes) -> list[bytes]:
    head = answer.partition(b"\r\n\r\n")[0]
    return [line for line in head.split(b"\r\n") if not line.startswith((b"date:", b"connection:"))]


async def test_an_answer_in_one_piece_reads_as_one_in_two() -> None:
    app = Answers()
    async with serving(app) as port:
        whole = await said(port, REQUEST + b"hello")
        in_two = await said(port, REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"hello")

    assert app.bodies == [b"hello", b"hello"]
    assert app.whole == [True, False]
    assert headers(whole) == headers(in_two)
    assert whole.endswith(b'\r\n\r\n{"it":"is"}')


async def test_requests_on_one_connection_are_answered_in_their_order() -> None:
    app = Answers()
    async with serving(app) as port:
        found = await said(port, (REQUEST + b"first") + (REQUEST + b"other"), answers=2)

    assert app.bodies == [b"first", b"other"]
    assert found.count(b"HTTP/1.1 200 OK") == 2


async def test_a_body_that_has_not_come_yet_is_received() -> None:
    app = Answers()
    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"he")
        while not app.bodies:
            await asyncio.sleep(0)
        writer.write(b"llo")
        assert await reader.readuntil(b'{"it":"is"}')
        writer.close()

    assert app.bodies == [None]


async def test_whoever_stands_in_between_sees_every_message() -> None:
    app, seen = Answers(), list[str]()

    async def between(scope: Scope, receive: Receive, send: Send) -> None:
        async def hear(message: Message) -> None:
            seen.append(message["type"])
            await send(message)

        await app(scope, receive, hear)

    async with serving(between) as port:
        await said(port, REQUEST + b"hello")

    assert app.whole == [False]
    assert seen == ["http.response.start", "http.response.body"]
