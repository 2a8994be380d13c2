"""Tools, one by one: their policies, their definitions, their quarantine."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.governance import (
    AdminTool,
    ApproveDefinition,
    ToolDefinition,
    ToolState,
    UpdateTool,
)
from platform_api.audit import record
from platform_api.edge.errors import BadCursor
from platform_api.toolbox.checking import check_policy, check_requires, check_whole
from platform_api.toolbox.errors import (
    ChangedMeanwhile,
    NotApprovedYet,
    NothingToApprove,
    OfTheRelease,
    StillQuarantined,
)
from platform_api.toolbox.policies import as_registered, changes_of, with_changes
from platform_api.toolbox.registry import change_registry, organisations_servers
from platform_api.toolbox.repository import ToolRows, policy_of, tool_of, tools_of
from platform_api.toolbox.service.approving import Terms, Wanted, approve
from platform_api.toolbox.views import (
    DRIFTED,
    Surroundings,
    plain_policy,
    show_definition,
    show_tool,
    version_of,
)

PERMISSION = "manage_tools"


class AdminTools:
    """Every method raises Forbidden without manage_tools, NotFound for another organisation's tool."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def list(  # noqa: PLR0917  what is looked for
        self,
        session: AsyncSession,
        principal: Principal,
        state: ToolState | None,
        server: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page[AdminTool]:
        """By server and name. Raises BadCursor."""
        principal.require(PERMISSION)
        around = await surroundings(session, principal)
        rows = [one for one in await tools_of(session, principal) if server in (None, one.server.name)]
        start = _after(rows, cursor) if cursor else 0
        shown: list[AdminTool] = []
        for one in rows[start:]:
            tool = show_tool(one, around)
            if state in (None, tool.state):
                shown.append(tool)
            if len(shown) > limit:
                break
        more = len(shown) > limit
        return Page(items=shown[:limit], next_cursor=_cursor(shown[limit - 1]) if more else None)

    async def get(self, session: AsyncSession, principal: Principal, tool_id: UUID) -> AdminTool:
        principal.require(PERMISSION)
        return show_tool(await tool_of(session, principal, tool_id), await surroundings(session, principal))

    async def definition(self, session: AsyncSession, principal: Principal, tool_id: UUID) -> ToolDefinition:
        principal.require(PERMISSION)
        rows = await tool_of(session, principal, tool_id)
        return show_definition(rows, await surroundings(session, principal))

    async def update(
        self, session: AsyncSession, principal: Principal, tool_id: UUID, request: UpdateTool
    ) -> AdminTool:
        """Raises NotApprovedYet, ChangedMeanwhile, BadToolPolicy; then nothing is changed."""
        principal.require(PERMISSION)
        check_policy(request)
        await change_registry(session)
        rows = await tool_of(session, principal, tool_id)
        if rows.approved is None:
            raise NotApprovedYet
        if version_of(rows) != request.version:
            raise ChangedMeanwhile
        policy = await policy_of(session, principal, rows)
        before = dict(policy.changes)
        policy.changes = with_changes(before, changes_of(request))
        policy.edition, policy.updated_at = policy.edition + 1, self._clock.now()
        check_whole(as_registered(rows.approved, policy))
        await session.flush()
        servers = await organisations_servers(session, principal.organisation_id)
        check_requires(servers, [(rows.server.name, rows.name)])
        told = {
            "tool": rows.name,
            "server": rows.server.name,
            "changed": plain_policy(before, policy.changes),
        }
        await record(session, principal, "tool.policy_changed", told)
        return show_tool(rows, Surroundings(servers))

    async def approve(
        self, session: AsyncSession, principal: Principal, tool_id: UUID, request: ApproveDefinition
    ) -> AdminTool:
        """Raises as `approving.approve`."""
        principal.require(PERMISSION)
        await change_registry(session)
        rows = await tool_of(session, principal, tool_id)
        terms = Terms(request.accept_findings, request.trust_annotations, self._clock.now())
        wanted = Wanted(rows, request.definition_hash, [request.policy])
        await approve(session, principal, [wanted], terms)
        return show_tool(rows, await surroundings(session, principal))

    async def reject(self, session: AsyncSession, principal: Principal, tool_id: UUID) -> AdminTool:
        """What the server lists instead. An approved tool stays quarantined until its server lists the
        approved definition again. Raises NothingToApprove, OfTheRelease."""
        principal.require(PERMISSION)
        await change_registry(session)
        rows = await tool_of(session, principal, tool_id)
        if rows.ours:
            raise OfTheRelease
        if rows.seen is None:
            raise NothingToApprove
        rows.seen.rejected = True
        told = {"tool": rows.name, "server": rows.server.name, "rejected": rows.seen.definition_hash}
        await record(session, principal, "tool.rejected", told)
        return show_tool(rows, await surroundings(session, principal))

    async def quarantine(
        self, session: AsyncSession, principal: Principal, tool_id: UUID, reason: str
    ) -> AdminTool:
        """For the caller's organisation, until `release`. Raises NotApprovedYet."""
        principal.require(PERMISSION)
        await change_registry(session)
        rows = await tool_of(session, principal, tool_id)
        await set_quarantine(session, principal, rows, reason)
        return show_tool(rows, await surroundings(session, principal))

    async def release(self, session: AsyncSession, principal: Principal, tool_id: UUID) -> AdminTool:
        """Take an admin's quarantine back. Raises StillQuarantined where there is another reason for it."""
        principal.require(PERMISSION)
        await change_registry(session)
        rows = await tool_of(session, principal, tool_id)
        if rows.approved is not None and rows.approved.drifted:
            hint = "Approve what it lists now, or have it list the approved definition again."
            raise StillQuarantined(DRIFTED, hint=hint)
        if rows.server.quarantined:
            hint = "POST /api/v1/mcp-servers/{id}/release takes that back."
            raise StillQuarantined("Its whole server is quarantined.", hint=hint)
        await set_quarantine(session, principal, rows, None)
        return show_tool(rows, await surroundings(session, principal))


async def set_quarantine(
    session: AsyncSession, principal: Principal, rows: ToolRows, reason: str | None
) -> None:
    """The caller holds the registry. Raises NotApprovedYet."""
    if rows.approved is None:
        raise NotApprovedYet
    policy = await policy_of(session, principal, rows)
    if policy.quarantined == reason:
        return
    policy.quarantined, policy.edition = reason, policy.edition + 1
    done = "tool.quarantined_by_admin" if reason else "tool.released_by_admin"
    await record(session, principal, done, {"tool": rows.name, "server": rows.server.name, "reason": reason})


async def surroundings(session: AsyncSession, principal: Principal) -> Surroundings:
    await session.flush()
    return Surroundings(await organisations_servers(session, principal.organisation_id))


def _cursor(tool: AdminTool) -> str:
    return urlsafe_b64encode(f"{tool.server}\n{tool.name}".encode()).rstrip(b"=").decode()


def _after(rows: Sequence[ToolRows], cursor: str) -> int:
    try:
        server, name = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\n")
    except ValueError as reason:
        raise BadCursor from reason
    return sum((one.server.name, one.name) <= (server, name) for one in rows)
