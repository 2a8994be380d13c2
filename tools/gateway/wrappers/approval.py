"""approval: where somebody has to agree before a risky call; arguments are validated by then."""

from collections.abc import Awaitable

from tools.gateway.approvals import Approvals, is_ours
from tools.gateway.call import Call, Handler, Reply


def approved(inner: Handler, approvals: Approvals | None) -> Handler:
    """Tools whose policy asks nothing go straight on; None: so do all."""
    if approvals is None:
        return inner

    def call(call: Call) -> Awaitable[Reply]:
        if call.known_tool().approval is not None:
            return approvals.decide(call, inner)
        # an answer to what was asked before the policy changed is no state of the tool's
        if call.resumption and is_ours(call.resumption.get("requestState")):
            return approvals.decide(call, inner)
        return inner(call)

    return call
