"""screen the result: what a tool says is data, and somebody may look at it before a model does."""

from collections.abc import Awaitable, Callable

from tools.gateway.call import Call, Handler, Reply

Screening = Callable[[Call, Reply], Awaitable[Reply]]
"""The reply as it may go on: the same, or another in its place."""


def screened(inner: Handler, screening: Screening | None) -> Handler:
    """Without a screening, replies go straight on. A question to the person is screened, too."""
    if screening is None:
        return inner

    async def call(call: Call) -> Reply:
        return await screening(call, await inner(call))

    return call
