"""Servers and tools as admins see them: rows become wire shapes, each with its state and the reason."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from kit.requires import resolved
from kit.wire.governance import (
    AdminTool,
    Finding,
    McpServer,
    ServerState,
    ToolCounts,
    ToolDefinition,
    ToolState,
)
from kit.wire.tools import DRIFT, RELEASE, Credential, RegisteredServer
from platform_api.toolbox.difference import difference
from platform_api.toolbox.legible import shown
from platform_api.toolbox.models import ToolServerRow
from platform_api.toolbox.policies import as_registered, called, claimed_risk, is_enabled, shown_policy
from platform_api.toolbox.repository import ToolRows
from platform_api.toolbox.scanning import is_severe, scan

DRIFTED = "The server lists another definition than the approved one, or none."


class Surroundings:
    """What a tool's state depends on beside the tool: names on /mcp and what requires what."""

    def __init__(self, servers: Sequence[RegisteredServer]) -> None:
        self.names = called(servers)
        offered = {
            self.called(server.name, tool.name): tool.requires
            for server in servers
            for tool in server.tools
            if not server.disabled and tool.quarantined is None
        }
        self.needs = resolved(offered)

    def called(self, server: str, name: str) -> str:
        return self.names.get((server, name), name)

    def problem(self, server: str, name: str) -> str | None:
        """Why nobody is offered it."""
        need = self.needs.get(self.called(server, name))
        return need.problem if need else None

    def others(self, server: str) -> list[str]:
        """Names that a definition of this server has no reason to mention."""
        return [name for (owner, _), name in self.names.items() if owner != server]


def show_server(row: ToolServerRow, tools: Iterable[ToolRows]) -> McpServer:
    mine = list(tools)
    state: ServerState = "disabled" if row.disabled else "quarantined" if row.quarantined else "active"
    return McpServer(
        id=row.id,
        name=row.name,
        address=row.address,
        description=row.description,
        audience=row.audience,
        credential=cast(Credential, row.credential),
        ours=row.approved_by == RELEASE,
        state=state,
        quarantined=row.quarantined,
        shares=row.shares,
        roles=row.roles,
        permission=row.permission,
        privacy_compatible=row.privacy_compatible,
        tools=ToolCounts(
            approved=sum(tool.approved is not None and _quarantine(tool) is None for tool in mine),
            pending=sum(tool.approved is None and not _rejected(tool) for tool in mine),
            quarantined=sum(_quarantine(tool) is not None for tool in mine),
        ),
        looked_at=row.looked_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.edition,
    )


def findings_of(rows: ToolRows, around: Surroundings) -> list[Finding]:
    """In what would be approved next; where nothing would be, in what is approved."""
    latest = rows.seen or rows.approved
    return scan(latest.definition, around.others(rows.server.name)) if latest else []


def show_tool(rows: ToolRows, around: Surroundings, findings: Sequence[Finding] | None = None) -> AdminTool:
    """findings: where they are known already."""
    state, reason = _state(rows, around)
    approved, seen = rows.approved, rows.seen
    latest = seen or approved
    assert latest is not None
    definition = (approved or latest).definition
    told: Any = definition.get("annotations")
    titled = cast(dict[str, Any], told).get("title") if isinstance(told, dict) else None
    registered = as_registered(approved, rows.policy, rows.server.quarantined) if approved else None
    if findings is None:
        findings = findings_of(rows, around) if seen else ()
    return AdminTool(
        id=rows.id,
        name=rows.name,
        called=around.called(rows.server.name, rows.name),
        title=shown(str(definition.get("title") or titled or rows.name)),
        description=shown(str(definition.get("description", ""))),
        server=rows.server.name,
        server_id=rows.server.id,
        ours=rows.ours,
        state=state,
        reason=reason,
        claimed_risk=claimed_risk(definition),
        policy=shown_policy(registered, is_enabled(rows.policy)) if registered else None,
        approved_by=approved.approved_by if approved else None,
        approved_at=approved.approved_at if approved else None,
        definition_hash=(approved or latest).definition_hash,
        seen_hash=seen.definition_hash if seen and approved else None,
        changed_by_admin=sorted(rows.policy.changes) if rows.policy else [],
        severe_findings=sum(map(is_severe, findings)) if seen else 0,
        version=version_of(rows),
    )


def show_definition(rows: ToolRows, around: Surroundings) -> ToolDefinition:
    approved, seen = rows.approved, rows.seen
    findings = findings_of(rows, around)
    return ToolDefinition(
        tool=show_tool(rows, around, findings),
        approved=approved.definition if approved else None,
        approved_hash=approved.definition_hash if approved else None,
        seen=seen.definition if seen else None,
        seen_hash=seen.definition_hash if seen else None,
        seen_at=seen.seen_at if seen else None,
        changes=difference(approved.definition, seen.definition) if approved and seen else [],
        findings=findings,
    )


def version_of(rows: ToolRows) -> int:
    return rows.policy.edition if rows.policy else 1


def _rejected(rows: ToolRows) -> bool:
    return rows.seen is not None and rows.seen.rejected


def _quarantine(rows: ToolRows) -> str | None:
    if rows.approved is None:
        return None
    reason = as_registered(rows.approved, rows.policy, rows.server.quarantined).quarantined
    return DRIFTED if reason == DRIFT else reason


def _state(rows: ToolRows, around: Surroundings) -> tuple[ToolState, str | None]:
    if rows.approved is None:
        return ("rejected", "An admin rejected this definition.") if _rejected(rows) else ("pending", None)
    reason = _quarantine(rows)
    if reason is not None:
        return "quarantined", reason
    if rows.server.disabled:
        return "disabled", "Its server is disabled."
    if not is_enabled(rows.policy):
        return "disabled", "An admin disabled it."
    problem = around.problem(rows.server.name, rows.name)
    return ("not_offered", problem) if problem else ("approved", None)


def plain_policy(shown_before: Mapping[str, object], shown_after: Mapping[str, object]) -> dict[str, object]:
    """For the audit: what differs, before and after."""
    names = [name for name in shown_after if shown_before.get(name) != shown_after[name]]
    names += [name for name in shown_before if name not in shown_after]
    return {name: {"before": shown_before.get(name), "after": shown_after.get(name)} for name in names}
