"""What of an admin's change is refused, before any of it is saved (SPEC 9)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import PERMISSIONS, ROLE_PERMISSIONS
from kit.requires import MOST, resolved
from kit.wire.governance import PolicyChange
from kit.wire.tools import RegisteredServer, RegisteredTool
from platform_api.toolbox.errors import BadToolPolicy, BadToolServer
from platform_api.toolbox.models import ToolServerRow
from platform_api.toolbox.policies import called

_OURS = re.compile(r"(?:server|mcp):.*|platform|gateway", re.IGNORECASE)
"""Audiences that we give out ourselves: a token for one of them must not be got by asking."""
_LEGIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}")
_STDIO = re.compile(r"stdio:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def check_address(address: str) -> None:
    """http(s)://host… or stdio:<name>. Raises BadToolServer."""
    if _STDIO.fullmatch(address):
        return
    if not address.isascii() or not address.isprintable() or " " in address:
        raise BadToolServer("The address has characters that an address cannot have.")
    check_url(address)


def check_url(url: str) -> None:
    """Raises BadToolServer."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadToolServer("The address is no URL.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadToolServer(
            "The address must begin with http:// or https://, or be stdio:<name of a command>."
        )
    if parts.username or parts.password:
        raise BadToolServer(
            "The address holds a user name or a password.",
            hint="Leave it out, register with credential 'stored', and connect the account.",
        )
    if parts.fragment:
        raise BadToolServer("The address has a fragment (#…), which no server sees. Leave it out.")


async def check_audience(session: AsyncSession, audience: str, own: UUID | None = None) -> None:
    """What one server is given in a caller's name must be of no use anywhere else. Raises BadToolServer."""
    if _OURS.fullmatch(audience):
        raise BadToolServer(
            f"The audience '{audience}' is not to be had.", hint="Leave it out: one is made up."
        )
    taken = await session.scalar(select(ToolServerRow.id).where(ToolServerRow.audience == audience))
    if taken is not None and taken != own:
        raise BadToolServer(f"The audience '{audience}' is in use.", hint="Leave it out: one is made up.")


def check_rights(roles: Iterable[str], permission: str | None) -> None:
    """Raises BadToolPolicy for a role or a permission that nobody could have."""
    unknown = sorted(set(roles) - ROLE_PERMISSIONS.keys())
    if unknown:
        raise BadToolPolicy(f"There is no role '{unknown[0]}'. Roles: {', '.join(ROLE_PERMISSIONS)}.")
    if permission is not None and permission not in PERMISSIONS:
        raise BadToolPolicy(f"There is no permission '{permission}'.")


def check_policy(change: PolicyChange) -> None:
    """What can be judged without the other tools. Raises BadToolPolicy."""
    check_rights(change.roles or (), change.permission)
    check_rights(change.approval.approvers if change.approval else (), None)
    for kind, names in (("agent", change.agents), ("channel", change.channels), ("tool", change.requires)):
        for name in names or ():
            if not _LEGIBLE.fullmatch(name):
                raise BadToolPolicy(f"'{name[:80]}' cannot be the name of a {kind}.")


def check_whole(tool: RegisteredTool) -> None:
    """What of a policy contradicts itself. Raises BadToolPolicy."""
    if tool.retries and not tool.idempotent:
        raise BadToolPolicy(f"'{tool.name}' is not idempotent, so its calls cannot be retried.")


def check_requires(servers: Sequence[RegisteredServer], changed: Iterable[tuple[str, str]]) -> None:
    """Raises BadToolPolicy where what a changed tool (server, own name) requires comes back to itself, or is
    more than can be resolved."""
    # as if none were disabled: enabling one must not close a circle
    servers = [server.model_copy(update={"disabled": False}) for server in servers]
    names = called(servers)
    requires: dict[str, Any] = {
        names[server.name, tool.name]: tool.requires
        for server in servers
        for tool in server.tools
        if (server.name, tool.name) in names
    }
    reached = resolved(requires)
    for key in changed:
        name = names.get(key, "")
        if name in requires and name in reached[name].all:
            raise BadToolPolicy(f"What '{name}' requires comes back to '{name}' itself.")
        if name in requires and len(reached[name].all) > MOST:
            raise BadToolPolicy(f"'{name}' requires more than {MOST} tools in all.")
