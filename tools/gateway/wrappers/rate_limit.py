"""rate limit: of the user, the server, the tool and the organisation; the budget is counted with it."""

from math import ceil

from kit.errors import TooMany
from ports.redis.rates import Limiter, Taken
from tools.gateway.bounds import BoundsOf
from tools.gateway.call import Call, Handler, Reply

_TOLD: dict[str, str] = {
    "user": "You have made {most} tool calls within a minute, which is the limit.",
    "server": "This tool's server takes {most} calls a minute from everyone together.",
    "tool": "This tool takes {most} calls a minute from everyone together.",
    "organisation": "Your organisation has made {most} tool calls within a minute, which is the limit.",
}


class RateLimited(TooMany):
    code = "rate_limited"
    title = "Too many tool calls within a minute"


def rate_limited(inner: Handler, bounds: BoundsOf, limiter: Limiter) -> Handler:
    """Raises RateLimited. One round trip counts against all; `budgeted` reads its part of the answer."""

    async def call(call: Call) -> Reply:
        taken = await limiter.take(bounds(call.known_caller(), call.known_tool()))
        if taken.refused_by is not None and taken.refused_by.kind in _TOLD:
            raise _refusal(taken)
        call.taken = taken
        return await inner(call)

    return call


def _refusal(taken: Taken) -> RateLimited:
    bound, wait_s = taken.refused_by, max(1, ceil(taken.wait_s))
    told = _TOLD[bound.kind].format(most=bound.most) if bound else ""
    return RateLimited(told, hint=f"Wait {wait_s} s, then try again.", retry_after=wait_s)
