"""time limit: a call ends after what its definition allows; the server is told by cancellation."""

import asyncio

from kit.errors import ToolTimedOut
from tools.gateway.call import Call, Handler, Reply


def time_limited(inner: Handler) -> Handler:
    """Raises ToolTimedOut; a cancellation from outside stays one."""

    async def call(call: Call) -> Reply:
        limit = call.known_tool().policy.timeout_s
        try:
            async with asyncio.timeout(limit):
                return await inner(call)
        except TimeoutError as error:
            raise ToolTimedOut(f"The tool did not answer within {limit:g} s.") from error

    return call
