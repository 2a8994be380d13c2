"""The circuit breaker: stop asking what does not answer, then let one probe through (SPEC 11)."""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from kit.clock import Clock, SystemClock
from kit.errors import SwitchboardError, Unavailable

State = Literal["closed", "open", "half_open"]
Failure = Callable[[BaseException], bool]


def is_failure(error: BaseException) -> bool:
    """A caller's own mistake says nothing about the dependency; nor does a cancelled call."""
    if isinstance(error, SwitchboardError):
        return error.status >= 500
    return isinstance(error, Exception)


class Guard:
    """One call of a breaker. A class, since a generator's price shows on a gateway's path."""

    __slots__ = ("_breaker", "_probing")

    def __init__(self, breaker: "Breaker") -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._probing = self._breaker.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.end(self._probing, error)


class Breaker:
    """Opens after `failures` within `within_s` seconds, for `open_s`; then one probe decides.

    `in_a_row`: a success in between begins the counting anew.

    State lives in the process: no round trip on the hot path.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        within_s: float,
        open_s: float,
        clock: Clock | None = None,
        counts: Failure = is_failure,
        in_a_row: bool = True,
    ) -> None:
        self.name = name
        self._limit = failures
        self._within_s = within_s
        self._open_s = open_s
        self._clock = clock or SystemClock()
        self._counts = counts
        self._in_a_row = in_a_row
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._now() - self._opened_at >= self._open_s else "open"

    def guard(self) -> "Guard":
        """`with` around one call. Raises Unavailable at once while open."""
        return Guard(self)

    def begin(self) -> bool:
        """Whether this call is the probe; `Guard` is the comfortable way. Raises Unavailable while open."""
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._probing:
            raise Unavailable(
                f"{self.name.capitalize()} does not answer at the moment.", retry_after=self._wait_s()
            )
        self._probing = True
        return True

    def end(self, probing: bool, error: BaseException | None) -> None:
        if error is None:
            self._succeeded(probing)
        elif self._counts(error):
            self._failed(probing)
        if probing:
            self._probing = False

    def leave(self, probing: bool) -> None:
        """The call is over and says nothing about the dependency: the other way to end what `begin` began."""
        if probing:
            self._probing = False

    def _failed(self, probing: bool) -> None:
        now = self._now()
        self._failed_at.append(now)
        recent = [at for at in self._failed_at if now - at <= self._within_s]
        if probing or len(recent) >= self._limit:
            self._opened_at = now

    def _succeeded(self, probing: bool) -> None:
        # A call that began before it opened, and ends well after, says nothing about now.
        if probing:
            self._opened_at = None
        if probing or (self._in_a_row and self._opened_at is None):
            self._failed_at.clear()

    def _wait_s(self) -> float:
        opened = self._opened_at if self._opened_at is not None else self._now()
        return max(1.0, self._open_s - (self._now() - opened))

    def _now(self) -> float:
        return self._clock.now().timestamp()
