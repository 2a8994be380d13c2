"""Events by what has come meanwhile: who takes long over some of them finds the next ones together."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TypeVar

Event = TypeVar("Event")


async def gathered(events: AsyncIterator[Event]) -> AsyncGenerator[list[Event]]:
    """Lists of one event or more, in order. Raises what the source raises, behind all that came before.

    Closing it stops the source.
    """
    waiting: list[Event] = []
    came = asyncio.Event()

    async def read() -> None:
        async for event in events:
            waiting.append(event)
            came.set()

    reading = asyncio.create_task(read())
    reading.add_done_callback(lambda _: came.set())
    try:
        while waiting or not reading.done():
            if not waiting:
                came.clear()
                await came.wait()
            batch = waiting.copy()
            waiting.clear()
            if batch:
                yield batch
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await reading
