"""authorise: the allowlist, roles, permissions and privacy; the one decision for listing and calling."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import lru_cache

import jsonschema_rs

from access.principal import Principal
from kit.wire.mcp import SESSION_TASKS, TASKS
from tools.gateway.call import Call, Handler, Reply, UnknownTool
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.pins import Pins
from tools.gateway.registry import RegistryHolder
from tools.gateway.rules import Rule

HeldBack = frozenset[str]
"""Ids of tools that are not what was approved."""
_Allows = Callable[[Rule], bool]
_OF_TASKS = TASKS | SESSION_TASKS
_ANYTHING = jsonschema_rs.validator_for({})


def may_use(principal: Principal, tool: OfferedTool, catalogue: Catalogue, held_back: HeldBack) -> bool:
    """Whether the tool is this principal's, as if it were not quarantined itself.

    `catalogue` is the view of the principal's organisation.
    """
    if not tool.rule.allows(principal):
        return False
    return not tool.policy.requires or _has_all(tool, catalogue, held_back, lambda it: it.allows(principal))


def quarantined(tool: OfferedTool, held_back: HeldBack) -> bool:
    """By what its server lists, or by an admin."""
    return tool.policy.quarantined is not None or tool.id in held_back


def usable(
    principal: Principal, catalogue: Catalogue, server: str | None, held_back: HeldBack
) -> Iterator[OfferedTool]:
    """All that the principal may call, of one server or of all; each rule is asked once."""
    asked: dict[Rule, bool] = {}

    def allows(rule: Rule) -> bool:
        found = asked.get(rule)
        if found is None:
            found = asked[rule] = rule.allows(principal)
        return found

    for tool in catalogue.tools.values() if server is None else catalogue.of(server):
        allowed = asked.get(tool.rule)
        if allowed is None:
            allowed = allows(tool.rule)
        if not allowed or tool.policy.quarantined is not None or tool.id in held_back:
            continue
        if not tool.policy.requires or _has_all(tool, catalogue, held_back, allows):
            yield tool


def may_see(principal: Principal, catalogue: Catalogue, server: str, held_back: HeldBack) -> bool:
    """What a server shares beside its tools: as it says itself, and not without any tool of it."""
    shared = catalogue.shared.get(server)
    if shared is None or not shared.rule.allows(principal):
        return False
    tools = catalogue.of(server)
    return not tools or any(may_use(principal, tool, catalogue, held_back) for tool in tools)


def authorised(inner: Handler, holder: RegistryHolder, pins: Pins) -> Handler:
    """Raises UnknownTool, the same for what does not exist and for what is not the caller's."""

    def call(call: Call) -> Awaitable[Reply]:
        principal = call.known_caller().principal
        catalogue = holder.current.seen_by(principal.organisation_id)
        call.tool = _allowed(call, principal, catalogue, pins.quarantined)
        return inner(call)

    return call


def _allowed(call: Call, principal: Principal, catalogue: Catalogue, held_back: HeldBack) -> OfferedTool:
    if call.method in _OF_TASKS:
        tool = catalogue.find(call.name, call.server)
        if tool is None or not may_use(principal, tool, catalogue, held_back) or quarantined(tool, held_back):
            raise UnknownTool()
        return _for_its_tasks(tool)
    if call.method != "tools/call":
        if call.server is None or not may_see(principal, catalogue, call.server, held_back):
            raise UnknownTool()
        return catalogue.shared[call.server]
    tool = catalogue.find(call.name, call.server)
    if tool is None or not may_use(principal, tool, catalogue, held_back):
        raise UnknownTool()
    return tool


@lru_cache(1000)
def _for_its_tasks(tool: OfferedTool) -> OfferedTool:
    """The same tool; what is asked of a task is no argument of the tool, and was agreed to when it began."""
    return replace(tool, arguments=_ANYTHING, approval=None, mirrored=())


def _has_all(tool: OfferedTool, catalogue: Catalogue, held_back: HeldBack, allows: _Allows) -> bool:
    """What it requires, all the way, is offered to the same caller."""
    needed = catalogue.needs.get(tool.id)
    return needed is not None and all(
        allows(each.rule) and not quarantined(each, held_back) for each in needed
    )
