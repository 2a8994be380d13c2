"""pinned definition: a tool that is not what was approved is not called."""

from collections.abc import Awaitable

from kit.errors import Forbidden
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.pins import Pins


class Quarantined(Forbidden):
    code = "tool_quarantined"
    title = "This tool is not what was approved, so it is not called"
    default_hint = "Do without it for now. An admin can compare and approve the new definition."


def pinned(inner: Handler, pins: Pins) -> Handler:
    """Raises Quarantined; Unavailable where the server was never compared and does not answer."""

    def unless_quarantined(call: Call) -> Awaitable[Reply]:
        if call.known_tool().id in pins.quarantined:
            raise Quarantined("This tool's definition has changed since it was approved.")
        return inner(call)

    async def compared_first(call: Call) -> Reply:
        await pins.ensure(call.known_tool())
        return await unless_quarantined(call)

    def call(call: Call) -> Awaitable[Reply]:
        if call.method != "tools/call":
            # nothing of it was approved by its words: the server as a whole was
            return inner(call)
        tool = call.known_tool()
        if tool.policy.quarantined is not None:
            raise Quarantined("This tool was taken out of use.")
        return unless_quarantined(call) if pins.compared(tool) else compared_first(call)

    return call
