"""The worker of the all-in-one: started again where it ends by itself; where that is no use, it is told."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

_QUICK_ENDS = 5
_STEADY_AFTER_S = 60.0
_FIRST_PAUSE_S = 0.5
_log = structlog.get_logger()


class WorkerGone(RuntimeError):
    """It ended again and again: nothing that is uploaded would ever be read."""


class Works(Protocol):
    """What is kept (platform_api.worker.Worker)."""

    async def run(self) -> None: ...
    async def stop(self) -> None: ...


class KeptWorker:
    def __init__(
        self,
        build: Callable[[], Works],
        *,
        pause_s: float = _FIRST_PAUSE_S,
        steady_after_s: float = _STEADY_AFTER_S,
    ) -> None:
        self._build = build
        self._pause_s = pause_s
        self._steady_after_s = steady_after_s
        self._worker = build()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Returns after `stop`. Raises WorkerGone after five ends within a minute each."""
        quick_ends = 0
        while True:
            begun = time.monotonic()
            await self._run_once()
            if self._stopping.is_set():
                return
            quick_ends = quick_ends + 1 if time.monotonic() - begun < self._steady_after_s else 1
            if quick_ends >= _QUICK_ENDS:
                raise WorkerGone
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._pause_s * 2 ** (quick_ends - 1))
                return
            self._worker = self._build()

    async def stop(self) -> None:
        self._stopping.set()
        await self._worker.stop()

    async def _run_once(self) -> None:
        try:
            await self._worker.run()
        except Exception:
            _log.exception("launch.worker_ended")
        else:
            if not self._stopping.is_set():
                _log.error("launch.worker_ended")
