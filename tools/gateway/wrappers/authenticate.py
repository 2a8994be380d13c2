"""authenticate: the credential becomes a caller; nothing behind this sees it."""

from collections.abc import Awaitable

from tools.gateway.call import Call, Handler, Reply
from tools.gateway.callers import Callers


def authenticated(inner: Handler, callers: Callers) -> Handler:
    """Raises Unauthenticated, or CannotTellWho where the platform is away."""

    async def looked_up(call: Call) -> Reply:
        call.caller = await callers.of(call.authorization)
        call.authorization = ""
        return await inner(call)

    def call(call: Call) -> Awaitable[Reply]:
        known = callers.known(call.authorization)
        if known is None:
            return looked_up(call)
        call.caller, call.authorization = known, ""
        return inner(call)

    return call
