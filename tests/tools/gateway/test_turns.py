"""Large answers are read in turns (SPEC 9: a slow or dead upstream slows nobody else)."""

import asyncio
from typing import cast

import pytest

from tools.gateway.upstreams.http1 import Http1Client
from tools.gateway.upstreams.turns import FREE, Turns

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


@pytest.mark.proves("GATE-130")
async def test_a_large_answer_comes_whole_all_the_same() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (len(PIECE) * 32)
        )
        for _ in range(32):
            writer.write(PIECE)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        served.set()

    served = asyncio.Event()
    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/mcp"
    client = Http1Client(address, 10_000_000)
    answer = await client.call(b"", {})
    assert answer.body == PIECE * 32
    assert len(answer.body) > FREE
    await client.close()
    await served.wait()
    serving.close()
    await serving.wait_closed()
