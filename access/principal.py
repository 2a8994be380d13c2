"""The principal: who is asking, within which limits (SPEC 6)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from access.keys import AccessKeys, group_key, organisation_key, user_key
from kit.errors import Forbidden
from kit.wire.chat import Audience

Kind = Literal["user", "service", "guest"]
"""guest: somebody of a channel whom nobody has linked to a user."""

PERMISSIONS = frozenset(
    {
        "manage_org_kb",
        "manage_dept_kb",
        "manage_tools",
        "upload_docs",
        "query_kb",
        "use_agent",
        "view_audit_logs",
        "manage_mcp_servers",
        "manage_agents",
        "manage_workflows",
        "manage_budgets",
    }
)
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "OrgAdmin": PERMISSIONS,
    "DeptAdmin": frozenset({"manage_dept_kb", "upload_docs", "query_kb", "use_agent"}),
    "TeamLead": frozenset({"upload_docs", "query_kb", "use_agent"}),
    "User": frozenset({"upload_docs", "query_kb", "use_agent"}),
    "ReadOnly": frozenset({"query_kb"}),
}


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What limits a turn; it travels in the token, never in tool arguments (SPEC 6)."""

    knowledge_base_ids: frozenset[UUID] | None = None
    """None: all that the principal may see."""
    privacy: bool = False
    audience: Audience = "private"
    session_id: UUID | None = None
    turn_id: UUID | None = None
    agent: str | None = None
    """The name of the agent that acts in this turn; None: nobody but the principal."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, a guest, a service, or a bot acting for a user or guest (`acting_via` names the channel)."""

    organisation_id: UUID
    id: UUID
    kind: Kind = "user"
    name: str = ""
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    acting_via: str | None = None
    limits: TurnLimits = field(default_factory=TurnLimits)

    @property
    def access_keys(self) -> AccessKeys:
        """What this principal may open. In a shared place: only what everyone there may (SPEC 6)."""
        everyone = organisation_key(self.organisation_id)
        if self.limits.audience == "everyone_here":
            return AccessKeys([everyone])
        groups = (group_key(self.organisation_id, group) for group in self.groups)
        return AccessKeys([everyone, user_key(self.id), *groups])

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden with the permission to ask for."""
        if not self.may(permission):
            raise Forbidden(
                "You do not have the permission for this.",
                hint=f"Ask an admin of your organisation for '{permission}'.",
            )

    def limited(self, limits: TurnLimits) -> "Principal":
        return replace(self, limits=limits)


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """The union of what the roles allow; a role that we do not know allows nothing."""
    return frozenset[str]().union(*(ROLE_PERMISSIONS.get(role, frozenset()) for role in roles))
