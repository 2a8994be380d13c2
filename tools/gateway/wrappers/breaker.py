"""breaker: a server that fails again and again is left alone for a minute, then one call tries it.

A tool may have one of its own, with its own numbers, instead of its server's. A time-out says as much about
what was asked as about the server, so one principal's count once within the window towards everybody's
breaker; all of them count towards a breaker for that principal alone.
"""

from prometheus_client import Gauge

from kit.clock import Clock
from kit.errors import ToolTimedOut, Unavailable
from kit.resilience import Breaker, State, is_failure
from kit.wire.tools import BreakerPolicy
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.catalogue import OfferedTool
from tools.gateway.upstreams.errors import CredentialRefused, ResultTooLarge
from tools.gateway.wrappers.bulkhead import ServerBusy
from tools.gateway.wrappers.forward import ToolRefused

OURS = BreakerPolicy(failures=5, within_s=30.0, open_s=60.0)
_REMEMBERED = 1000
# Of these the server is not to blame: else a caller could close it to everyone.
_NOT_ITS_FAULT = (ServerBusy, ResultTooLarge, ToolRefused, CredentialRefused)
_LEVEL: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}
_state = Gauge(
    "switchboard_gateway_breaker_state", "0: calls pass, 1: one call tries, 2: none passes.", ["server"]
)
_alone = Gauge(
    "switchboard_gateway_breaker_principals",
    "Principals whose calls timed out so often that theirs alone are refused or tried one by one.",
    ["server"],
)


class Watch:
    """Everybody's breaker of one server or tool, and those of principals whose calls timed out."""

    def __init__(self, name: str, policy: BreakerPolicy, clock: Clock) -> None:
        self.breaker = _breaker(policy, clock)
        self.own: dict[str, Breaker] = {}
        self._name = name
        self.policy = policy
        self._clock = clock
        self._timed_out: dict[str, float] = {}
        self._shown: tuple[State, int] = ("closed", 0)

    def ended(self, actor: str, probing: bool, own_probing: bool, error: BaseException | None) -> None:
        late = isinstance(error, ToolTimedOut)
        if late and not self._first(actor):
            self.breaker.leave(probing)
        else:
            self.breaker.end(probing, error)
        own = self.own.get(actor) if self.own else None
        if own is None and late:
            self._forget()
            own = self.own[actor] = _breaker(self.policy, self._clock)
        if own is not None and (late or error is None):
            own.end(own_probing, error)
        elif own is not None:
            own.leave(own_probing)

    def show(self) -> None:
        alone = sum(own.state != "closed" for own in self.own.values()) if self.own else 0
        now = (self.breaker.state, alone)
        if now != self._shown:
            self._shown = now
            _state.labels(self._name).set(_LEVEL[now[0]])
            _alone.labels(self._name).set(alone)

    def _first(self, actor: str) -> bool:
        """Of this principal within the window."""
        now = self._clock.now().timestamp()
        last = self._timed_out.get(actor)
        if last is not None and now - last <= self.policy.within_s:
            return False
        self._timed_out[actor] = now
        return True

    def _forget(self) -> None:
        """Who was slow once is not remembered for good."""
        if len(self.own) >= _REMEMBERED:
            kept = [(actor, own) for actor, own in self.own.items() if own.state != "closed"]
            self.own = dict(kept[-_REMEMBERED // 2 :])
            self._timed_out = {actor: at for actor, at in self._timed_out.items() if actor in self.own}


def broken(inner: Handler, clock: Clock) -> Handler:
    """Raises Unavailable with the time to wait, at once, while open."""
    servers: dict[str, Watch] = {}
    tools: dict[str, Watch] = {}

    def watch_of(tool: OfferedTool) -> Watch:
        policy = tool.policy.breaker
        known = servers.get(tool.server_key) if policy is None else tools.get(tool.id)
        if known is not None and (policy is None or known.policy == policy):
            return known
        if policy is None:
            made = servers[tool.server_key] = Watch(tool.server_key, OURS, clock)
        else:
            made = tools[tool.id] = Watch(tool.id, policy, clock)
        return made

    async def call(call: Call) -> Reply:
        watch, actor = watch_of(call.known_tool()), call.known_caller().actor
        probing = watch.breaker.begin()
        own = watch.own.get(actor) if watch.own else None
        own_probing = _begun(own, watch.breaker, probing) if own else False
        error: BaseException | None = None
        try:
            return await inner(call)
        except BaseException as raised:
            error = raised
            raise
        finally:
            watch.ended(actor, probing, own_probing, error)
            watch.show()

    return call


def _begun(own: Breaker, everybodys: Breaker, probing: bool) -> bool:
    try:
        return own.begin()
    except Unavailable:
        everybodys.leave(probing)
        raise


def _breaker(policy: BreakerPolicy, clock: Clock) -> Breaker:
    return Breaker(
        "this tool's server",
        failures=policy.failures,
        within_s=policy.within_s,
        open_s=policy.open_s,
        clock=clock,
        counts=lambda error: is_failure(error) and not isinstance(error, _NOT_ITS_FAULT),
        in_a_row=False,
    )
