"""A worker to be killed: `hang` begins and never ends, `die` kills its own process, `note` writes a row."""

import asyncio
import os
import signal
import sys
from typing import Any

from sqlalchemy import text

from ports.db import Database
from ports.queue import Pace, QueueWorker, Tasks


def tasks_of(database: Database) -> Tasks:
    async def note(args: dict[str, Any]) -> None:
        async with database.begin() as session:
            await session.execute(text("INSERT INTO noted VALUES (:number)"), {"number": args["number"]})

    async def hang(args: dict[str, Any]) -> None:
        await note(args)
        await asyncio.Event().wait()

    async def die(args: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    tasks = Tasks()
    tasks.add("note", note, attempts=50, backoff_s=0.01)
    tasks.add("hang", hang)
    tasks.add("die", die, attempts=2)
    return tasks


if __name__ == "__main__":
    url = sys.argv[1]
    pace = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0)
    asyncio.run(QueueWorker(url, tasks_of(Database(url)), 4, pace).run())
