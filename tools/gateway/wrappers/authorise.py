"""authorise: the allowlist, roles, permissions and privacy; the one decision for listing and calling."""

from collections.abc import Awaitable, Iterator

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


def may_see(principal: Principal, catalogue: Catalogue, server: str) -> bool:
    """What a server shares beside its tools: as it says itself, and not without any tool of it."""
    shared = catalogue.shared.get(server)
    if shared is None or not may_use(principal, shared):
        return False
    tools = catalogue.of(server)
    return not tools or any(may_use(principal, tool) for tool in tools)


def authorised(inner: Handler, holder: RegistryHolder) -> Handler:
    """Raises UnknownTool, the same for what does not exist and for what is not the caller's."""

    def call(call: Call) -> Awaitable[Reply]:
        call.tool = _allowed(call, holder.current)
        return inner(call)

    return call


def _allowed(call: Call, catalogue: Catalogue) -> OfferedTool:
    principal = call.known_caller().principal
    if call.method != "tools/call":
        if call.server is None or not may_see(principal, catalogue, call.server):
            raise UnknownTool()
        return catalogue.shared[call.server]
    tool = catalogue.find(call.name, call.server)
    if tool is None or not may_use(principal, tool):
        raise UnknownTool()
    return tool
