"""authorise: the allowlist, roles, permissions and privacy; the one decision for listing and calling."""

from collections.abc import Iterator

from access.principal import Principal
from tools.gateway.call import Call, Handler, Reply, UnknownTool
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.registry import RegistryHolder


def may_use(principal: Principal, tool: OfferedTool) -> bool:
    policy = tool.policy
    if policy.permission is not None and not principal.may(policy.permission):
        return False
    if tool.roles and tool.roles.isdisjoint(principal.roles):
        return False
    return policy.privacy_compatible or not principal.limits.privacy


def usable(principal: Principal, catalogue: Catalogue, server: str | None) -> Iterator[OfferedTool]:
    """All that the principal may call, of one server or of all."""
    for tool in catalogue.tools.values():
        if server in (None, tool.server) and may_use(principal, tool):
            yield tool


def authorised(inner: Handler, holder: RegistryHolder) -> Handler:
    """Raises UnknownTool, the same for what does not exist and for what is not the caller's."""

    async def call(call: Call) -> Reply:
        tool = holder.current.tools.get(call.name)
        if tool is None or call.server not in (None, tool.server):
            raise UnknownTool()
        if not may_use(call.known_caller().principal, tool):
            raise UnknownTool()
        call.tool = tool
        return await inner(call)

    return call
