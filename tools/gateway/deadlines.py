"""Time limits by one coarse timer: asyncio.timeout costs more per call than most policies."""

import asyncio
from types import TracebackType
from typing import Any, Protocol

TICK_S = 0.02


class Watched(Protocol):
    def passed(self) -> None:
        """The time is over."""
        ...


class Deadlines:
    """`with deadlines.within(limit_s)`: raises TimeoutError up to a tick late, never early.

    Belongs to one event loop at a time.
    """

    def __init__(self) -> None:
        self._due: dict[int, set[Watched]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def within(self, limit_s: float) -> "Deadline":
        return Deadline(self, limit_s)

    def task(self) -> "asyncio.Task[Any]":
        """The one that runs. Raises RuntimeError outside of any."""
        loop = self._loop
        if loop is None or loop.is_closed():
            # kept, since asking for it is a system call (before Python 3.12)
            loop = self._loop = asyncio.get_running_loop()
            self._timer = None
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit is for a task")
        return task

    def watch(self, watched: Watched, limit_s: float) -> int:
        """`task` comes before. What it returns is for `forget`."""
        loop = self._loop
        if loop is None:
            raise RuntimeError("ask for the task first")
        tick = int((loop.time() + limit_s) / TICK_S) + 1
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set()
        due.add(watched)
        if self._timer is None:
            self._timer = loop.call_later(TICK_S, self._look, loop)
        return tick

    def forget(self, watched: Watched, tick: int) -> None:
        due = self._due.get(tick)
        if due is not None:
            due.discard(watched)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = int(loop.time() / TICK_S)
        for tick in [tick for tick in self._due if tick <= now]:
            for watched in self._due.pop(tick):
                watched.passed()
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
        self._task = task = self._deadlines.task()
        self._cancelling = task.cancelling()
        self._tick = self._deadlines.watch(self, self._limit_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.forget(self, self._tick)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def passed(self) -> None:
        self._expired = True
        self._task.cancel()
