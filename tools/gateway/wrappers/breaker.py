"""breaker: a server that fails again and again is left alone for a minute, then one call tries it."""

from prometheus_client import Gauge

from kit.clock import Clock
from kit.resilience import Breaker, State, is_failure
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.wrappers.bulkhead import ServerBusy
from tools.gateway.wrappers.forward import ToolRefused

FAILURES, WITHIN_S, OPEN_S = 5, 30.0, 60.0
# Of these the server is not to blame: else a caller could close it to everyone.
_NOT_ITS_FAULT = (ServerBusy, ResultTooLarge, ToolRefused)
_LEVEL: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}
_state = Gauge(
    "switchboard_gateway_breaker_state", "0: calls pass, 1: one call tries, 2: none passes.", ["server"]
)


def broken(inner: Handler, clock: Clock) -> Handler:
    """Raises Unavailable with the time to wait, at once, while open. One breaker per server."""
    breakers: dict[str, Breaker] = {}
    shown: dict[str, State] = {}

    def show(server: str, state: State) -> None:
        if shown.get(server) != state:
            shown[server] = state
            _state.labels(server).set(_LEVEL[state])

    async def call(call: Call) -> Reply:
        server = call.known_tool().server
        breaker = breakers.get(server)
        if breaker is None:
            breaker = breakers[server] = _breaker(clock)
        try:
            with breaker.guard():
                return await inner(call)
        finally:
            show(server, breaker.state)

    return call


def _breaker(clock: Clock) -> Breaker:
    return Breaker(
        "this tool's server",
        failures=FAILURES,
        within_s=WITHIN_S,
        open_s=OPEN_S,
        clock=clock,
        counts=lambda error: is_failure(error) and not isinstance(error, _NOT_ITS_FAULT),
        in_a_row=False,
    )
