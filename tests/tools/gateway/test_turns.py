"""Large answers are read in turns (SPEC 9: a slow or dead upstream slows nobody else)."""

import asyncio
import contextlib
import gc
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.upstreams.http1 import Http1Client
from tools.gateway.upstreams.http_stream import HttpStreams
from tools.gateway.upstreams.turns import FREE, Measure, Turns, turns_of

PIECE = b"x" * 65_536


class Connection:
    """What `Turns` needs of a transport."""

    def __init__(self, name: str, resumed: list[str], gone: bool = False) -> None:
        self.reading = True
        self._name, self._resumed, self._gone = name, resumed, gone

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        self._resumed.append(self._name)

    def is_closing(self) -> bool:
        return self._gone


@pytest.mark.proves("GATE-130")
async def test_of_many_that_send_megabytes_one_is_read_at_a_time() -> None:
    turns, resumed, loop = Turns(), list[str](), asyncio.get_running_loop()
    connections = [Connection("first", resumed), Connection("gone", resumed, gone=True)]
    connections += [Connection("second", resumed), Connection("third", resumed)]
    for connection in connections:
        turns.wait(cast(asyncio.Transport, connection), loop)
    assert not any(connection.reading for connection in connections)
    seen: list[int] = []
    while len(resumed) < 3:
        await asyncio.sleep(0)
        seen.append(len(resumed))
    assert resumed == ["first", "second", "third"]
    assert {1, 2} <= set(seen)  # never two within one turn of the loop


@asynccontextmanager
async def sending(pieces: int) -> AsyncGenerator[str]:
    """The address of a server that answers with so many."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n")
            writer.write(b"content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(pieces):
                writer.write(b"10000\r\n" + PIECE + b"\r\n")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.release()

    ended, asked = asyncio.Semaphore(0), 0

    def began(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> "asyncio.Task[None]":
        nonlocal asked
        asked += 1
        return asyncio.create_task(serve(reader, writer))

    serving = await asyncio.start_server(began, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/mcp"
    for _ in range(asked):
        await ended.acquire()
    serving.close()
    await serving.wait_closed()


@pytest.mark.proves("GATE-130")
async def test_a_large_answer_comes_whole_all_the_same() -> None:
    async with sending(32) as address:
        client = Http1Client(address, 10_000_000)
        answer = await client.call(b"", {})
        assert answer.body == PIECE * 32
        assert len(answer.body) > FREE
        await client.close()


@pytest.mark.proves("GATE-130")
async def test_so_it_does_where_it_is_read_as_a_stream() -> None:
    turns, taken = turns_of(asyncio.get_running_loop()), 0
    turn = turns.turn

    async def counted() -> None:
        nonlocal taken
        taken += 1
        await turn()

    async def heard(event: bytes) -> None:
        raise AssertionError(event)

    turns.turn = counted
    async with sending(32) as address:
        streams = HttpStreams(address, 10_000_000)
        await streams.start()
        answer = await streams.stream("POST", b"{}", {}, heard)
        assert answer.body == PIECE * 32
        assert taken > 8
        await streams.close()


@pytest.mark.proves("GATE-002")
async def test_what_came_of_an_answer_over_the_limit_is_not_kept() -> None:
    """Whatever else is kept until the collector looks, it is not the answer."""
    async with sending(40) as address:
        client = Http1Client(address, len(PIECE) * 16)
        with pytest.raises(ResultTooLarge):
            await client.call(b"", {})
        gc.disable()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(8):
                with pytest.raises(ResultTooLarge):
                    await client.call(b"", {})
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
        assert after - before < len(PIECE) * 32
        await client.close()


@pytest.mark.proves("GATE-130")
async def test_who_goes_over_the_limit_again_and_again_is_read_seldom_until_an_answer_fits() -> None:
    measure = Measure(asyncio.get_running_loop())
    usual = measure.turns
    async with sending(8) as address:
        for limit, answers in ((len(PIECE) * 4, 3), (len(PIECE) * 16, 1)):
            client = Http1Client(address, limit)
            client._measure = measure  # pyright: ignore[reportPrivateUsage]  # one server, two limits
            for number in range(answers):
                assert measure.turns is usual if limit < len(PIECE) * 8 else measure.turns is not usual, (
                    number
                )
                with pytest.raises(ResultTooLarge) if answers > 1 else contextlib.nullcontext():
                    await client.call(b"", {})
            await client.close()
    assert measure.turns is usual
