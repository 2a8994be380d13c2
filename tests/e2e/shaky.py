"""What stands between us and a system: a relay that fails, dawdles, or loses the answer to what was done."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Shaky:
    """Each connection meets one fate, drawn from `fates`; `calm` ends that. lose: the request goes through
    and the answer does not come back, after a random part of it. twice: the request arrives twice, at the
    same time, and either answer may be the one that comes back; the other is thrown away."""

    port: int
    random: random.Random
    fates: tuple[str, ...] = ("well", "well", "well", "well", "fail", "slow", "lose")
    calm: bool = False
    met: dict[str, int] = field(default_factory=dict[str, int])

    async def meets(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = "well" if self.calm else self.random.choice(self.fates)
        self.met[fate] = self.met.get(fate, 0) + 1
        try:
            if fate == "slow":
                await asyncio.sleep(self.random.uniform(0.2, 1.0))
            if fate == "twice":
                await self._twice(reader, writer)
            elif fate != "fail":
                await self._through(reader, writer, self.random.randrange(600) if fate == "lose" else None)
        finally:
            writer.transport.abort()

    async def _through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None
    ) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                await asyncio.gather(_relay(reader, back), _relay(there, writer, limit))
            finally:
                back.transport.abort()

    async def _twice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
            unheard, also = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                asking = _relay(reader, back, beside=also)
                await asyncio.gather(asking, _relay(there, writer), _thrown_away(unheard))
            finally:
                back.transport.abort()
                also.transport.abort()


async def _relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    limit: int | None = None,
    beside: asyncio.StreamWriter | None = None,
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            if limit is not None:
                limit -= len(data)
                if limit < 0:
                    break
            for one in (beside, writer):
                if one is not None:
                    one.write(data)
                    await one.drain()
    for one in (beside, writer):
        if one is not None:
            one.transport.abort()


async def _thrown_away(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(65536):
            pass


@asynccontextmanager
async def shaky(port: int, seed: random.Random, *more: str) -> AsyncGenerator[tuple[Shaky, int]]:
    """The relay, and the port on which it listens. more: fates beside the usual ones."""
    relay = Shaky(port, seed)
    relay.fates += more
    tasks = set[asyncio.Task[None]]()

    def meets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(relay.meets(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(meets, "127.0.0.1", 0)
    try:
        yield relay, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):  # a transport closes its socket in the next round of the loop
            await asyncio.sleep(0)
