"""Work in lanes: in order within one, side by side over several, never more than so many at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()
Work = Callable[[], Awaitable[None]]


class Lanes:
    """Nothing that was given is lost: what does not run yet waits. A work that raises is logged, and the next
    one begins."""

    def __init__(self, at_once: int) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._waiting: dict[str, deque[Work]] = {}
        self._walkers: set[asyncio.Task[None]] = set()

    def give(self, lane: str, work: Work) -> None:
        """Returns at once."""
        queue = self._waiting.get(lane)
        if queue is not None:
            queue.append(work)
            return
        self._waiting[lane] = deque([work])
        walker = asyncio.create_task(self._walk(lane))
        self._walkers.add(walker)
        walker.add_done_callback(self._walkers.discard)

    def aside(self, work: Work) -> None:
        """Small things that wait for no lane and take nobody's place."""
        walker = asyncio.create_task(self._done(work))
        self._walkers.add(walker)
        walker.add_done_callback(self._walkers.discard)

    async def settled(self) -> None:
        """Once nothing is left to do, also of what was given meanwhile."""
        while self._walkers:
            await asyncio.wait(set(self._walkers))

    async def close(self, within_s: float) -> None:
        """Finishes what it can in that time; the rest is cancelled."""
        try:
            async with asyncio.timeout(within_s):
                await self.settled()
        except TimeoutError:
            for walker in self._walkers:
                walker.cancel()
            await asyncio.gather(*self._walkers, return_exceptions=True)

    async def _walk(self, lane: str) -> None:
        queue = self._waiting[lane]
        try:
            while queue:
                async with self._room:
                    await self._done(queue.popleft())
        finally:
            del self._waiting[lane]

    async def _done(self, work: Work) -> None:
        try:
            await work()
        except Exception:
            log.exception("bot.work_broke")
