"""Time as a dependency, so that tests move it by hand."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def epoch(clock: Clock) -> Callable[[], float]:
    """Reads the clock in epoch seconds; the system's without a datetime in between, for hot paths."""
    return time.time if type(clock) is SystemClock else lambda: clock.now().timestamp()
