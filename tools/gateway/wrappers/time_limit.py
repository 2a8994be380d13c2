"""time limit: a call ends after what its definition allows; the server is told by cancellation."""

from kit.errors import ToolTimedOut
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.deadlines import Deadlines


def time_limited(inner: Handler) -> Handler:
    """Raises ToolTimedOut; a cancellation from outside stays one."""
    deadlines = Deadlines()

    async def call(call: Call) -> Reply:
        limit = call.known_tool().policy.timeout_s
        try:
            with deadlines.within(limit):
                return await inner(call)
        except TimeoutError as error:
            raise ToolTimedOut(f"The tool did not answer within {limit:g} s.") from error

    return call
