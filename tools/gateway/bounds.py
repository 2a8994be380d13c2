"""Which bounds hold for whose calls of which tool (SPEC 11)."""

from collections.abc import Mapping

from kit.wire.tools import CostTier
from ports.redis.rates import DAY_MS, Bound, Bounds
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool
from tools.gateway.settings import GatewaySettings

COST: Mapping[CostTier, int] = {"free": 0, "low": 1, "medium": 5, "high": 20}
"""What one call takes of a user's budget for a day."""
_REMEMBERED = 10_000


class BoundsOf:
    """The same object for the same caller and tool, so that the limiter can keep what it makes of it."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._known: dict[tuple[str, OfferedTool], Bounds] = {}

    def __call__(self, caller: Caller, tool: OfferedTool) -> Bounds:
        key = (caller.actor, tool)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = Bounds(tuple(self._made(caller, tool)))
        return known

    def _made(self, caller: Caller, tool: OfferedTool) -> list[Bound]:
        settings, policy = self._settings, tool.policy
        found = [
            Bound("user", caller.actor, settings.user_calls_per_min),
            Bound("server", tool.server_key, settings.server_calls_per_min),
            Bound("organisation", caller.organisation_id, settings.organisation_calls_per_min),
            Bound("calls_per_day", caller.actor, settings.user_calls_per_day, DAY_MS, slides=False),
        ]
        if policy.calls_per_min is not None:
            found.append(Bound("tool", tool.id, policy.calls_per_min))
        if cost := COST[policy.cost_tier]:
            found.append(Bound("cost_per_day", caller.actor, settings.user_cost_per_day, DAY_MS, cost, False))
        return found
