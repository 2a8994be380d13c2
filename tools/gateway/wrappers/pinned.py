"""pinned definition: a tool that is not what was approved is not called."""

from kit.errors import Forbidden
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.pins import Pins


class Quarantined(Forbidden):
    code = "tool_quarantined"
    title = "This tool is not what was approved, so it is not called"
    default_hint = "Do without it for now. An admin can compare and approve the new definition."


def pinned(inner: Handler, pins: Pins) -> Handler:
    """Raises Quarantined; Unavailable where the server was never compared and does not answer."""

    async def call(call: Call) -> Reply:
        tool = call.known_tool()
        if call.method != "tools/call":
            # nothing of it was approved by its words: the server as a whole was
            return await inner(call)
        await pins.ensure(tool.server)
        if tool.name in pins.quarantined:
            raise Quarantined("This tool's definition has changed since it was approved.")
        return await inner(call)

    return call
