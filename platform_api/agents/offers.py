"""Which tools a principal is offered, remembered briefly."""

import time
from dataclasses import replace

from access.principal import Principal
from kit.wire.tools import Tool
from platform_api.agents.port import ToolGateway

REMEMBERED_S = 30.0
_LIMIT = 2_000


class Offers:
    """A list of tools may be half a minute old; each call is judged anew by the gateway."""

    def __init__(self, gateway: ToolGateway) -> None:
        self._gateway = gateway
        self._known: dict[Principal, tuple[float, list[Tool]]] = {}

    async def of(self, principal: Principal) -> list[Tool]:
        """Raises SwitchboardError where the gateway does not answer."""
        # The turn's own ids do not change what is offered; privacy and audience do.
        who = principal.limited(replace(principal.limits, session_id=None, turn_id=None))
        known = self._known.get(who)
        now = time.monotonic()
        if known and now - known[0] < REMEMBERED_S:
            return known[1]
        tools = await self._gateway.list_tools(principal)
        if len(self._known) >= _LIMIT:
            self._known.clear()
        self._known[who] = (now, tools)
        return tools
