"""For admins: tool servers, and the tools that they list (SPEC 3, 9)."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.errors import Forbidden, NotFound, TooLarge
from kit.wire.base import Page
from kit.wire.governance import (
    AdminTool,
    Approved,
    ApproveDefinition,
    ApproveServer,
    McpServer,
    Quarantine,
    RegisterServer,
    ServerDefinitions,
    ServerEvent,
    ServerUsage,
    TestedServer,
    ToolDefinition,
    ToolState,
    UpdateServer,
    UpdateTool,
)
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.identity.in_person import in_person
from platform_api.toolbox.errors import (
    BadDefinition,
    BadToolPolicy,
    BadToolServer,
    ChangedMeanwhile,
    FindingsNotAccepted,
    GatewayFailed,
    NotApprovedYet,
    NothingToApprove,
    OfTheRelease,
    StillQuarantined,
    ToolServerTaken,
    ToolsUnavailable,
    TooManyToolServers,
)
from platform_api.toolbox.service.figures import Figures
from platform_api.toolbox.service.servers import ToolServers
from platform_api.toolbox.service.tools import AdminTools

_IN_PERSON = [Depends(in_person)]
servers = APIRouter(prefix="/api/v1/mcp-servers", tags=["admin"], dependencies=_IN_PERSON)
tools = APIRouter(prefix="/api/v1/admin/tools", tags=["admin"], dependencies=_IN_PERSON)
_Servers = Annotated[ToolServers, Depends(provided(ToolServers))]
_Tools = Annotated[AdminTools, Depends(provided(AdminTools))]
_Figures = Annotated[Figures, Depends(provided(Figures))]
_Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
_Cursor = Annotated[str | None, Query(max_length=600, description="`next_cursor` of the page before.")]
_NONE = (Forbidden, NotFound)
_DOWN = (*_NONE, ToolsUnavailable, GatewayFailed)
_APPROVING = (
    *_NONE,
    OfTheRelease,
    NothingToApprove,
    ChangedMeanwhile,
    BadDefinition,
    FindingsNotAccepted,
    BadToolPolicy,
)


@servers.post(
    "",
    status_code=201,
    summary="Register a tool server",
    responses=raises(Forbidden, BadToolServer, BadToolPolicy, ToolServerTaken, TooManyToolServers, TooLarge),
)
async def register_tool_server(
    principal: CurrentPrincipal,
    service: _Servers,
    session: UnitOfWork,
    request: RegisterServer,
    key: IdempotencyKey,
) -> McpServer:
    """For the caller's organisation. None of its tools is offered before its definition is approved."""
    return await once(
        session,
        principal,
        key,
        f"register/{_digest(request.model_dump_json())}",
        shape=McpServer,
        work=lambda: service.register(session, principal, request),
    )


@servers.get("", summary="List tool servers", responses=raises(Forbidden))
async def list_tool_servers(
    principal: CurrentPrincipal, service: _Servers, session: UnitOfWork, page: PageQuery
) -> Page[McpServer]:
    """The organisation's own and those of the release, newest first."""
    return await service.list(session, principal, page)


@servers.get("/{server_id}", summary="Read about a tool server", responses=raises(*_NONE))
async def get_tool_server(
    principal: CurrentPrincipal, service: _Servers, session: UnitOfWork, server_id: UUID
) -> McpServer:
    """How it is reached, its state, and how many of its tools are approved, pending, quarantined."""
    return await service.get(session, principal, server_id)


@servers.patch(
    "/{server_id}",
    summary="Change a tool server",
    responses=raises(*_NONE, OfTheRelease, ChangedMeanwhile, BadToolServer, BadToolPolicy, TooLarge),
)
async def update_tool_server(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    service: _Servers,
    session: UnitOfWork,
    server_id: UUID,
    request: UpdateServer,
    key: IdempotencyKey,
) -> McpServer:
    """All of it, or nothing. `version` is that of the server that was read."""
    return await once(
        session,
        principal,
        key,
        _mark("PATCH", server_id, request),
        shape=McpServer,
        work=lambda: service.update(session, principal, server_id, request),
    )


@servers.delete(
    "/{server_id}", status_code=204, summary="Delete a tool server", responses=raises(*_NONE, OfTheRelease)
)
async def delete_tool_server(
    principal: CurrentPrincipal, service: _Servers, session: UnitOfWork, server_id: UUID
) -> None:
    """With its tools and what was set for them."""
    await service.delete(session, principal, server_id)


@servers.post("/{server_id}/test", summary="Test the connection", responses=raises(*_DOWN, ChangedMeanwhile))
async def try_tool_server(principal: CurrentPrincipal, service: _Servers, server_id: UUID) -> TestedServer:
    """Through the gateway, now. A server that does not answer is an answer with a `problem`."""
    return await service.test(principal, server_id)


@servers.get(
    "/{server_id}/definitions", summary="List definitions", responses=raises(*_DOWN, ChangedMeanwhile)
)
async def list_definitions(
    principal: CurrentPrincipal, service: _Servers, server_id: UUID
) -> ServerDefinitions:
    """What the server lists now beside what is approved, with the differences and with what an admin should
    read twice. A tool that differs from its approved definition is quarantined by this look, too."""
    return await service.definitions(principal, server_id)


@servers.post("/{server_id}/approve", summary="Approve definitions", responses=raises(*_APPROVING))
async def approve_definitions(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    service: _Servers,
    session: UnitOfWork,
    server_id: UUID,
    request: ApproveServer,
    key: IdempotencyKey,
) -> Approved:
    """All that are pending, or the named ones, with their policies: all of them or none. Also needs
    manage_tools."""
    return await once(
        session,
        principal,
        key,
        _mark("approve", server_id, request),
        shape=Approved,
        work=lambda: service.approve(session, principal, server_id, request),
    )


@servers.post("/{server_id}/quarantine", summary="Quarantine a tool server", responses=raises(*_NONE))
async def quarantine_tool_server(
    principal: CurrentPrincipal,
    service: _Servers,
    session: UnitOfWork,
    server_id: UUID,
    request: Quarantine,
) -> McpServer:
    """All of its tools are refused at once, for the caller's organisation; again changes nothing."""
    return await service.quarantine(session, principal, server_id, request.reason)


@servers.post("/{server_id}/release", summary="Release a tool server", responses=raises(*_NONE))
async def release_tool_server(
    principal: CurrentPrincipal, service: _Servers, session: UnitOfWork, server_id: UUID
) -> McpServer:
    """Takes an admin's quarantine back; tools that have drifted stay quarantined."""
    return await service.quarantine(session, principal, server_id, None)


@servers.get("/{server_id}/logs", summary="Read what went wrong", responses=raises(*_NONE))
async def list_server_events(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    figures: _Figures,
    session: UnitOfWork,
    server_id: UUID,
    limit: _Limit = 50,
    cursor: _Cursor = None,
) -> Page[ServerEvent]:
    """Refused and failed calls, drift, what admins did; newest first. Who it was is shown to those who may
    view audit logs."""
    return await figures.logs(session, principal, server_id, limit, cursor)


@servers.get("/{server_id}/usage", summary="Read how its tools are used", responses=raises(*_NONE))
async def get_server_usage(
    principal: CurrentPrincipal,
    figures: _Figures,
    session: UnitOfWork,
    server_id: UUID,
    hours: Annotated[int, Query(ge=1, le=24 * 31, description="How far back.")] = 24,
) -> ServerUsage:
    """Calls, errors, refusals and times per tool, of the caller's organisation."""
    return await figures.usage(session, principal, server_id, hours)


@tools.get("", summary="List tools with their state", responses=raises(Forbidden))
async def list_admin_tools(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    service: _Tools,
    session: UnitOfWork,
    state: Annotated[ToolState | None, Query(description="Only those in this state.")] = None,
    server: Annotated[str | None, Query(max_length=100, description="Only those of this server.")] = None,
    limit: _Limit = 50,
    cursor: _Cursor = None,
) -> Page[AdminTool]:
    """Approved, pending, rejected, quarantined, disabled, or not offered with the reason; by server and
    name."""
    return await service.list(session, principal, state, server, limit, cursor)


@tools.get("/{tool_id}", summary="Read about a tool", responses=raises(*_NONE))
async def get_admin_tool(
    principal: CurrentPrincipal, service: _Tools, session: UnitOfWork, tool_id: UUID
) -> AdminTool:
    """Its state and its policy."""
    return await service.get(session, principal, tool_id)


@tools.patch(
    "/{tool_id}",
    summary="Set a tool's policy",
    responses=raises(*_NONE, NotApprovedYet, ChangedMeanwhile, BadToolPolicy),
)
async def update_admin_tool(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    service: _Tools,
    session: UnitOfWork,
    tool_id: UUID,
    request: UpdateTool,
    key: IdempotencyKey,
) -> AdminTool:
    """For the caller's organisation: all of it, or nothing. `version` is that of the tool that was read."""
    return await once(
        session,
        principal,
        key,
        _mark("PATCH", tool_id, request),
        shape=AdminTool,
        work=lambda: service.update(session, principal, tool_id, request),
    )


@tools.get("/{tool_id}/definition", summary="Compare definitions", responses=raises(*_NONE))
async def get_tool_definition(
    principal: CurrentPrincipal, service: _Tools, session: UnitOfWork, tool_id: UUID
) -> ToolDefinition:
    """Approved beside seen, the difference, and what an admin should read twice."""
    return await service.definition(session, principal, tool_id)


@tools.post("/{tool_id}/approve", summary="Approve a definition", responses=raises(*_APPROVING))
async def approve_tool(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    service: _Tools,
    session: UnitOfWork,
    tool_id: UUID,
    request: ApproveDefinition,
    key: IdempotencyKey,
) -> AdminTool:
    """The one with this hash, which the admin has read; another one meanwhile is refused."""
    return await once(
        session,
        principal,
        key,
        _mark("approve", tool_id, request),
        shape=AdminTool,
        work=lambda: service.approve(session, principal, tool_id, request),
    )


@tools.post(
    "/{tool_id}/reject",
    summary="Reject a definition",
    responses=raises(*_NONE, OfTheRelease, NothingToApprove),
)
async def reject_tool(
    principal: CurrentPrincipal, service: _Tools, session: UnitOfWork, tool_id: UUID
) -> AdminTool:
    """What waits stays out; an approved tool stays quarantined until its server lists the approved definition
    again."""
    return await service.reject(session, principal, tool_id)


@tools.post("/{tool_id}/quarantine", summary="Quarantine a tool", responses=raises(*_NONE, NotApprovedYet))
async def quarantine_tool(
    principal: CurrentPrincipal, service: _Tools, session: UnitOfWork, tool_id: UUID, request: Quarantine
) -> AdminTool:
    """It is neither listed nor called, for the caller's organisation, until it is released."""
    return await service.quarantine(session, principal, tool_id, request.reason)


@tools.post(
    "/{tool_id}/release",
    summary="Release a tool",
    responses=raises(*_NONE, NotApprovedYet, StillQuarantined),
)
async def release_tool(
    principal: CurrentPrincipal, service: _Tools, session: UnitOfWork, tool_id: UUID
) -> AdminTool:
    """Takes an admin's quarantine back; not that of a tool that has drifted."""
    return await service.release(session, principal, tool_id)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _mark(
    verb: str, about: UUID, request: UpdateServer | UpdateTool | ApproveServer | ApproveDefinition
) -> str:
    return f"{verb}/{about}/{_digest(request.model_dump_json(exclude_unset=True))}"
