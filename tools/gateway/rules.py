"""What an approved tool asks of whoever wants it: the allowlist, by everything that SPEC 6 and 9 name."""

from dataclasses import dataclass
from functools import lru_cache

from access.principal import Principal
from kit.wire.tools import RELEASE, RegisteredServer, RegisteredTool

_REMEMBERED = 4096
NO_CHANNEL = "api"
"""What the channel is called of whoever acts through none."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Tools with one policy share one rule: a listing asks each rule once. An empty list asks nothing.

    Compared by identity: by value costs a listing of a thousand tools more than all else.
    """

    permission: str | None
    roles: frozenset[str]
    groups: frozenset[str]
    agents: frozenset[str]
    channels: frozenset[str]
    privacy_compatible: bool
    for_guests: bool
    """Unlinked people get documents for everyone at most (SPEC 6): what the release brings to read."""

    def allows(self, principal: Principal) -> bool:
        if principal.kind == "guest" and not self.for_guests:
            return False
        limits = principal.limits
        if limits.privacy and not self.privacy_compatible:
            return False
        if self.permission is not None and self.permission not in principal.permissions:
            return False
        if self.roles and self.roles.isdisjoint(principal.roles):
            return False
        if self.groups and self.groups.isdisjoint(principal.groups):
            return False
        if self.agents and limits.agent not in self.agents:
            return False
        return not self.channels or (principal.acting_via or NO_CHANNEL) in self.channels


_rule = lru_cache(_REMEMBERED)(Rule)


def rule_of(policy: RegisteredTool) -> Rule:
    return _rule(
        policy.permission,
        frozenset(policy.roles),
        frozenset(policy.groups),
        frozenset(policy.agents),
        frozenset(policy.channels),
        policy.privacy_compatible,
        policy.approved_by == RELEASE and policy.risk == "read",
    )


def rule_of_shared(server: RegisteredServer) -> Rule:
    """Of what a server shares beside its tools."""
    nobody = frozenset[str]()
    roles = frozenset(server.roles)
    ours = any(tool.approved_by == RELEASE for tool in server.tools)
    return _rule(server.permission, roles, nobody, nobody, nobody, server.privacy_compatible, ours)
