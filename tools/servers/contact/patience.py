"""How long we ask the calendar, the mail system and the CRM before we do something else (SPEC 11)."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from kit.clock import Clock
from kit.errors import SwitchboardError, TimedOut
from kit.resilience import Breaker

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_GRACE_S: Final = 1.0
"""Whoever calls keeps its own limit, and knows what a late answer means; this is for one that forgets."""


@dataclass(frozen=True, slots=True)
class Patience:
    """waits_s: before each further try. timeout_s: of one try. queued_s: how long the queue goes on trying
    afterwards; 0: it is left to a person (the CRM), or told at once (the calendar). late_is_safe: a try that
    was cut off may be repeated; a letter that was cut off has perhaps gone out: ask `Mail.sent` first."""

    name: str
    waits_s: tuple[float, ...]
    timeout_s: float
    queued_s: float = 0.0
    late_is_safe: bool = True

    def once(self) -> "Patience":
        """While somebody waits for the answer: one try, the rest is the queue's."""
        return replace(self, waits_s=())

    def queue_wait_s(self, attempt: int) -> float:
        """Before the queue's attempt 1, 2, 3 …: the waits go on doubling, up to five minutes."""
        last = self.waits_s[-1] if self.waits_s else 1.0
        return min(last * 2.0 ** min(attempt, 30), 300.0)


CALENDAR: Final = Patience("the calendar", (1.0, 2.0, 4.0), timeout_s=5.0)
MAIL: Final = Patience(
    "the e-mail system", (2.0, 4.0, 8.0), timeout_s=10.0, queued_s=3600.0, late_is_safe=False
)
CRM: Final = Patience("the CRM", (1.0, 2.0), timeout_s=5.0)

_CALENDAR_FAILURES: Final = 5
_CALENDAR_OPEN_S: Final = 30.0


def calendar_breaker(clock: Clock | None = None) -> Breaker:
    """Opens after five failures in a row, however far apart; one for each calendar of a process."""
    return Breaker(
        CALENDAR.name, failures=_CALENDAR_FAILURES, within_s=math.inf, open_s=_CALENDAR_OPEN_S, clock=clock
    )


async def persist(
    patience: Patience,
    breaker: Breaker | None,
    call: Callable[[], Awaitable[T]],
    *,
    sleep: Sleep = asyncio.sleep,
) -> T:
    """The call's answer, after as many tries as `patience` has. `call` must be safe to repeat.

    Raises what the last try raised; at once what no further try can mend (an error that is not `retryable`,
    or that asks us to stay away for longer than we wait); kit.errors.Unavailable while the breaker is open.
    """
    for wait_s in (*patience.waits_s, None):
        probing = breaker.begin() if breaker else False
        try:
            answer = await _in_time(patience, call)
        except BaseException as error:
            if breaker:
                breaker.end(probing, error)
            wait = _wait(patience, wait_s, error)
            if wait is None:
                raise
        else:
            if breaker:
                breaker.end(probing, None)
            return answer
        await sleep(wait)
    raise AssertionError("the last try has no wait")


async def _in_time(patience: Patience, call: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(patience.timeout_s + _GRACE_S):
            return await call()
    except TimeoutError as reason:
        raise TimedOut(f"{patience.name.capitalize()} did not answer in time.") from reason


def _wait(patience: Patience, wait_s: float | None, error: BaseException) -> float | None:
    """Seconds until the next try; None: there is none."""
    if wait_s is None or not isinstance(error, SwitchboardError) or not error.retryable:
        return None
    if isinstance(error, TimedOut) and not patience.late_is_safe:
        return None
    asked = error.retry_after or 0.0
    return None if asked > max(patience.waits_s) else max(wait_s, asked)
