"""Which tasks a worker knows, and how often it tries each."""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

Handler = Callable[[dict[str, Any]], Awaitable[None]]
"""Gets the arguments of `Queue.defer`. A job may run more than once: a handler leaves the same result."""

Dead = Callable[[dict[str, Any], str], Awaitable[None]]
"""Gets the arguments and the reason when no further attempt follows. It may run more than once."""

_LONGEST_PAUSE_S = 3600.0


class GiveUp(Exception):
    """For a handler to raise where no further attempt can help; its text is the reason that is kept."""


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job. `backoff_s` is the first pause; each next one is twice as long, up to `longest_s`."""

    name: str
    handler: Handler
    attempts: int
    backoff_s: float
    timeout_s: float
    longest_s: float = _LONGEST_PAUSE_S
    dead: Dead | None = None

    def pause_s(self, made: int) -> float | None:
        """Seconds until the next attempt after `made` of them; None after the last one."""
        if made >= self.attempts:
            return None
        # Jobs that failed together must not come back together.
        return min(self.backoff_s * 2 ** (made - 1), self.longest_s) * random.uniform(0.8, 1.2)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task that one of the workers runs every `seconds`."""

    seconds: int
    task: Task


class Tasks:
    """The table of tasks; filled at the composition root, then given to a `QueueWorker`."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._periodic: list[Periodic] = []

    def add(
        self,
        name: str,
        handler: Handler,
        *,
        attempts: int = 5,
        backoff_s: float = 2.0,
        timeout_s: float = 900.0,
        longest_s: float = _LONGEST_PAUSE_S,
        dead: Dead | None = None,
    ) -> None:
        """`dead` is told before a job becomes a dead letter. Raises ValueError for a name that is taken."""
        if name in self._tasks:
            raise ValueError(f"There is already a task '{name}'.")
        self._tasks[name] = Task(name, handler, attempts, backoff_s, timeout_s, longest_s, dead)

    def every(self, seconds: int, name: str, handler: Handler, *, timeout_s: float = 900.0) -> None:
        """Run `handler({})` every `seconds` on one worker, never twice at a time.

        A failure is logged and counted, not kept: the next turn comes anyway.
        """
        # More than one attempt only where a worker is lost in the middle.
        self.add(name, handler, attempts=3, timeout_s=timeout_s)
        self._periodic.append(Periodic(seconds, self._tasks[name]))

    @property
    def periodic(self) -> tuple[Periodic, ...]:
        return tuple(self._periodic)

    def get(self, name: str) -> Task | None:
        return self._tasks.get(name)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())
