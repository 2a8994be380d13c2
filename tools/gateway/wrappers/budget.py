"""budget: what a user may call in a day, in calls and in what the tools cost."""

from collections.abc import Awaitable
from math import ceil

from kit.errors import TooMany
from ports.redis.rates import Taken
from tools.gateway.call import Call, Handler, Reply

_TOLD: dict[str, str] = {
    "calls_per_day": "You have made {most} tool calls today, which is your budget.",
    "cost_per_day": "Today's budget for tools that cost money is used up: {most} units.",
}


class BudgetExceeded(TooMany):
    code = "budget_exceeded"
    title = "Today's budget for tools is used up"


def budgeted(inner: Handler) -> Handler:
    """Raises BudgetExceeded. The counting was done with the rate limit, in the same round trip."""

    def call(call: Call) -> Awaitable[Reply]:
        if call.taken.refused_by is not None:
            raise _refusal(call.taken)
        return inner(call)

    return call


def _refusal(taken: Taken) -> BudgetExceeded:
    bound, wait_s = taken.refused_by, max(1, ceil(taken.wait_s))
    told = _TOLD[bound.kind].format(most=bound.most) if bound else ""
    hint = f"It begins anew in {ceil(wait_s / 3600)} h, at midnight UTC. An admin can raise it."
    return BudgetExceeded(told, hint=hint, retry_after=wait_s)
