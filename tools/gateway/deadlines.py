"""Time limits by one coarse timer: asyncio.timeout costs more per call than most policies."""

import asyncio
from types import TracebackType

TICK_S = 0.02


class Deadlines:
    """`with deadlines.within(limit_s)`: raises TimeoutError up to a tick late, never early."""

    def __init__(self) -> None:
        self._due: dict[int, set[Deadline]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def within(self, limit_s: float) -> "Deadline":
        return Deadline(self, limit_s)

    def watch(self, deadline: "Deadline", loop: asyncio.AbstractEventLoop, limit_s: float) -> int:
        tick = int((loop.time() + limit_s) / TICK_S) + 1
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set()
        due.add(deadline)
        if self._timer is None:
            self._timer = loop.call_later(TICK_S, self._look, loop)
        return tick

    def forget(self, deadline: "Deadline", tick: int) -> None:
        due = self._due.get(tick)
        if due is not None:
            due.discard(deadline)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = int(loop.time() / TICK_S)
        for tick in [tick for tick in self._due if tick <= now]:
            for deadline in self._due.pop(tick):
                deadline.passed()
        for tick in [tick for tick, due in self._due.items() if not due]:
            del self._due[tick]
        if self._due:
            self._timer = loop.call_later(TICK_S, self._look, loop)


class Deadline:
    """For the task that enters it; a cancellation from elsewhere stays one (PEP 789, asyncio.Timeout)."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_limit_s", "_task", "_tick")

    def __init__(self, deadlines: Deadlines, limit_s: float) -> None:
        self._deadlines = deadlines
        self._limit_s = limit_s
        self._expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit is for a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._tick = self._deadlines.watch(self, loop, self._limit_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.forget(self, self._tick)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def passed(self) -> None:
        self._expired = True
        self._task.cancel()
