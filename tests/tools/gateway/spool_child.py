"""A gateway's spool in a process of its own, that a test kills: prints the id of each record that is safe."""

import asyncio
import sys
from pathlib import Path

from kit.clock import SystemClock
from tools.gateway.recording import own_record
from tools.gateway.spool import Spool


async def main(folder: Path) -> None:
    spool = Spool(folder, 10_000_000)
    spool.open()

    async def answer_calls() -> None:
        while True:
            event = own_record(SystemClock(), "tool.call", {"tool": "docs.search"})
            spool.write(event)
            # what an answer is to a caller: proof that the record was there before
            sys.stdout.write(event.id + "\n")
            sys.stdout.flush()
            await asyncio.sleep(0)

    await asyncio.gather(*(answer_calls() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
