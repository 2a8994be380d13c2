"""authenticate: the credential becomes a caller; nothing behind this sees it."""

from tools.gateway.call import Call, Handler, Reply
from tools.gateway.callers import Callers


def authenticated(inner: Handler, callers: Callers) -> Handler:
    """Raises Unauthenticated, or CannotTellWho where the platform is away."""

    async def call(call: Call) -> Reply:
        call.caller = await callers.of(call.authorization)
        call.authorization = ""
        return await inner(call)

    return call
