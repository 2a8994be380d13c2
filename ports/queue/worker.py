"""The worker: runs jobs, tries again, takes over what a lost worker left."""

import asyncio
from contextlib import suppress

import structlog

from ports.queue.pace import Pace
from ports.queue.queue import DEFAULT
from ports.queue.tasks import Tasks

_log = structlog.get_logger()


class QueueWorker:
    """Runs the jobs of `tasks` in one queue, up to `concurrency` at a time, until `stop`.

    A job runs at least once: after a crash of its worker it runs again. Where Postgres goes away the
    worker waits for it.
    """

    def __init__(
        self,
        url: str,
        tasks: Tasks,
        concurrency: int = 4,
        pace: Pace | None = None,
        *,
        name: str = DEFAULT,
    ) -> None:
        self._url = url
        self._name = name
        self._tasks = tasks
        self._concurrency = concurrency
        self._pace = pace or Pace()
        self._stopping = asyncio.Event()
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Returns after `stop`."""
        # lazy: procrastinate and psycopg cost 0.6 s; a process without a worker needs neither.
        from ports.queue.attendance import attend

        try:
            while not self._stopping.is_set():
                try:
                    await attend(
                        self._url,
                        self._tasks,
                        self._concurrency,
                        self._pace,
                        self._stopping,
                        queue=self._name,
                    )
                except Exception as error:
                    _log.warning("queue.worker_interrupted", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._pace.reconnect_s)
        finally:
            self._finished.set()

    async def stop(self) -> None:
        """No new jobs; returns when the running ones are done, or cut off after the pace's limit."""
        self._stopping.set()
        await self._finished.wait()
