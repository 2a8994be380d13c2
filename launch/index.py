"""`switchboard index`: the embedded index in a process of its own, for several processes (SPEC 2)."""

import asyncio
import signal
from pathlib import Path

from knowledge.embed.weights import VERSION, WIDTH
from knowledge.index.edge import open_edge
from knowledge.index.serving import serving


def run(folder: Path, socket: Path) -> None:
    """Own the index in `folder` and answer on `socket` until SIGTERM or SIGINT. Raises IndexInUse."""
    asyncio.run(_run(folder, socket))


async def _run(folder: Path, socket: Path) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    index = open_edge(folder, VERSION, WIDTH)
    try:
        async with serving(index, socket):
            print(f"index ready on {socket}", flush=True)
            await stop.wait()
    finally:
        await index.close()
