"""Tool servers: registered, looked at, approved, quarantined, gone."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import TooLarge
from kit.wire.base import Page
from kit.wire.governance import (
    Approved,
    ApproveServer,
    ApproveTool,
    McpServer,
    RegisterServer,
    ServerDefinitions,
    TestedServer,
    UpdateServer,
)
from kit.wire.internal import Probed, ProbeProblem
from kit.wire.tools import RELEASE
from platform_api.audit import record
from platform_api.edge.paging import PageRequest, keyset, page_of
from platform_api.toolbox.checking import check_address, check_audience, check_rights, check_url
from platform_api.toolbox.errors import (
    BadToolServer,
    ChangedMeanwhile,
    NothingToApprove,
    OfTheRelease,
    ToolServerTaken,
    TooManyToolServers,
)
from platform_api.toolbox.models import ToolServerRow
from platform_api.toolbox.probing import Probing
from platform_api.toolbox.registry import change_registry, wire_server
from platform_api.toolbox.repository import (
    ToolRows,
    drop_policies,
    new_server,
    server_named,
    server_of,
    tools_of,
    visible,
)
from platform_api.toolbox.seeing import sorted_out, take_listing
from platform_api.toolbox.service.approving import Terms, Wanted, approve, pending
from platform_api.toolbox.service.tools import set_quarantine, surroundings
from platform_api.toolbox.views import show_definition, show_server, show_tool
from ports.db import Database

PERMISSION = "manage_mcp_servers"
MOST_SERVERS = 100
_LARGEST_DOCUMENT = 2 * 1024 * 1024
_PLAIN = ("description", "credential", "shares", "roles", "permission", "privacy_compatible", "disabled")
log = structlog.get_logger()


class ToolServers:
    """Every method raises Forbidden without manage_mcp_servers, NotFound for another organisation's."""

    def __init__(self, database: Database, probing: Probing, clock: Clock) -> None:
        self._database = database
        self._probing = probing
        self._clock = clock

    async def list(self, session: AsyncSession, principal: Principal, page: PageRequest) -> Page[McpServer]:
        """Newest first."""
        principal.require(PERMISSION)
        tools = await tools_of(session, principal)
        statement = keyset(visible(principal), page, ToolServerRow.created_at, ToolServerRow.id)
        rows = (await session.scalars(statement)).all()
        return page_of(
            rows, page, lambda row: (row.created_at, row.id), lambda row: show_server(row, _its(row, tools))
        )

    async def get(self, session: AsyncSession, principal: Principal, server_id: UUID) -> McpServer:
        principal.require(PERMISSION)
        return await self._shown(session, principal, await server_of(session, principal, server_id))

    async def register(
        self, session: AsyncSession, principal: Principal, request: RegisterServer
    ) -> McpServer:
        """Nothing of it is offered before its definitions are approved. Raises BadToolServer, BadToolPolicy,
        ToolServerTaken, TooManyToolServers."""
        principal.require(PERMISSION)
        await change_registry(session)
        await self._check_room(session, principal, request.name)
        row = new_server(principal)
        row.name, row.approved_by = request.name, f"user:{principal.id}"
        row.address, row.document = _reached(request.name, request)
        row.audience = request.audience or f"mcp:{row.id}"
        if request.audience:
            await check_audience(session, request.audience)
        check_rights(request.roles, request.permission)
        for name in _PLAIN:
            setattr(row, name, getattr(request, name, False))
        row.created_at = row.updated_at = self._clock.now()
        session.add(row)
        await session.flush()
        await record(session, principal, "tool_server.registered", {"server": row.name, "after": _told(row)})
        return show_server(row, [])

    async def update(
        self, session: AsyncSession, principal: Principal, server_id: UUID, request: UpdateServer
    ) -> McpServer:
        """Raises OfTheRelease, ChangedMeanwhile, BadToolServer, BadToolPolicy; then nothing is changed."""
        principal.require(PERMISSION)
        row = await self._own(session, principal, server_id)
        if row.edition != request.version:
            raise ChangedMeanwhile
        before = _told(row)
        self._apply(row, request)
        check_rights(row.roles, row.permission)
        row.edition, row.updated_at = row.edition + 1, self._clock.now()
        await session.flush()
        after = _told(row)
        changed = {
            name: {"before": before[name], "after": value}
            for name, value in after.items()
            if before[name] != value
        }
        await record(session, principal, "tool_server.changed", {"server": row.name, "changed": changed})
        return await self._shown(session, principal, row)

    def _apply(self, row: ToolServerRow, request: UpdateServer) -> None:
        for name in _PLAIN:
            value = getattr(request, name)
            if name in request.model_fields_set and (value is not None or name == "permission"):
                setattr(row, name, value)
        if request.address is None and request.document is None and request.base_url is None:
            return
        if row.credential == "stored":
            # what people connected was meant for the old address
            raise BadToolServer(
                "People's accounts are connected to this address.",
                hint="Register another server for the new one.",
            )
        row.address, row.document = _reached(row.name, request)

    async def delete(self, session: AsyncSession, principal: Principal, server_id: UUID) -> None:
        """With its tools and their policies. Raises OfTheRelease."""
        principal.require(PERMISSION)
        row = await self._own(session, principal, server_id)
        await drop_policies(session, row)
        await record(session, principal, "tool_server.deleted", {"server": row.name, "before": _told(row)})
        await session.delete(row)

    async def test(self, principal: Principal, server_id: UUID) -> TestedServer:
        """Look whether the gateway reaches it, and what it lists. Raises ToolsUnavailable, GatewayFailed."""
        return (await self.definitions(principal, server_id)).tested

    async def definitions(self, principal: Principal, server_id: UUID) -> ServerDefinitions:
        """What it lists now; a server that does not answer is shown as it was seen last.

        Nothing is held while the server is asked. Raises ToolsUnavailable, GatewayFailed.
        """
        principal.require(PERMISSION)
        async with self._database.begin() as session:
            asked = wire_server(await server_of(session, principal, server_id))
        probed = await self._probing.probe(principal, asked)
        async with self._database.begin() as session:
            unusable: Sequence[ProbeProblem] = ()
            if probed.reachable and probed.problem is None:
                await change_registry(session)
            row = await server_of(session, principal, server_id)
            if probed.reachable and probed.problem is None:
                unusable = await self._take(session, principal, row, asked.address, probed)
            around = await surroundings(session, principal)
            tools = await tools_of(session, principal, row.id)
        # reading a long list word by word takes a second: beside the loop, and with nothing held
        items = await asyncio.to_thread(lambda: [show_definition(rows, around) for rows in tools])
        return ServerDefinitions(
            server=show_server(row, tools), tested=_tested(probed), items=items, unusable=[*unusable]
        )

    async def _take(
        self, session: AsyncSession, principal: Principal, row: ToolServerRow, asked: str, probed: Probed
    ) -> Sequence[ProbeProblem]:
        if row.address != asked:
            # it was moved while its old address answered
            raise ChangedMeanwhile
        listed, unusable = sorted_out(probed.tools)
        # with somebody's own account a server may list less than with another's
        whole = row.credential != "stored"
        for name, drifted in await take_listing(session, row, listed, whole=whole, now=self._clock.now()):
            told = {"tool": name, "server": row.name, "noticed": "when an admin looked"}
            await record(session, principal, "tool.drifted" if drifted else "tool.as_approved_again", told)
        return unusable

    async def approve(
        self, session: AsyncSession, principal: Principal, server_id: UUID, request: ApproveServer
    ) -> Approved:
        """Raises as `approving.approve`."""
        principal.require(PERMISSION)
        principal.require("manage_tools")
        await change_registry(session)
        row = await server_of(session, principal, server_id)
        tools = await tools_of(session, principal, row.id)
        wanted = _wanted(row, tools, request)
        terms = Terms(request.accept_findings, request.trust_annotations, self._clock.now())
        await approve(session, principal, wanted, terms)
        around = await surroundings(session, principal)
        return Approved(items=[show_tool(one.rows, around) for one in wanted])

    async def quarantine(
        self, session: AsyncSession, principal: Principal, server_id: UUID, reason: str | None
    ) -> McpServer:
        """All of its tools, for the caller's organisation; None takes it back."""
        principal.require(PERMISSION)
        await change_registry(session)
        row = await server_of(session, principal, server_id)
        if row.approved_by == RELEASE:
            for rows in await tools_of(session, principal, row.id):
                await set_quarantine(session, principal, rows, reason)
        elif row.quarantined != reason:
            row.quarantined, row.edition, row.updated_at = reason, row.edition + 1, self._clock.now()
            done = "tool_server.quarantined" if reason else "tool_server.released"
            await record(session, principal, done, {"server": row.name, "reason": reason})
        return await self._shown(session, principal, row)

    async def _own(self, session: AsyncSession, principal: Principal, server_id: UUID) -> ToolServerRow:
        """To be changed, with the registry held. Raises OfTheRelease."""
        await change_registry(session)
        row = await server_of(session, principal, server_id)
        if row.approved_by == RELEASE:
            raise OfTheRelease
        return row

    async def _check_room(self, session: AsyncSession, principal: Principal, name: str) -> None:
        if await server_named(session, principal, name) is not None:
            raise ToolServerTaken
        own = ToolServerRow.organisation_id == principal.organisation_id
        count = await session.scalar(select(func.count()).select_from(ToolServerRow).where(own))
        if (count or 0) >= MOST_SERVERS:
            raise TooManyToolServers(f"There are {MOST_SERVERS}.")

    async def _shown(self, session: AsyncSession, principal: Principal, row: ToolServerRow) -> McpServer:
        await session.flush()
        return show_server(row, await tools_of(session, principal, row.id))


def _its(row: ToolServerRow, tools: Sequence[ToolRows]) -> Sequence[ToolRows]:
    return [rows for rows in tools if rows.server.id == row.id]


def _wanted(row: ToolServerRow, tools: Sequence[ToolRows], request: ApproveServer) -> Sequence[Wanted]:
    if request.tools is None:
        return [Wanted(rows, None, [request.policy]) for rows in pending(row, tools)]
    known = {rows.name: rows for rows in tools}
    return [_named(known, one, request) for one in {one.name: one for one in request.tools}.values()]


def _named(known: dict[str, ToolRows], one: ApproveTool, request: ApproveServer) -> Wanted:
    if one.name not in known:
        raise NothingToApprove(f"The server was not seen to list '{one.name}'.")
    return Wanted(known[one.name], one.definition_hash, [request.policy, one.policy])


def _reached(name: str, request: RegisterServer | UpdateServer) -> tuple[str, dict[str, Any] | None]:
    """Address and document. Raises BadToolServer, TooLarge."""
    if request.document is None:
        if request.address is None or request.base_url is not None:
            raise BadToolServer("'base_url' belongs to 'document': where its operations are sent.")
        check_address(request.address)
        return request.address, None
    if request.base_url is None or request.address is not None:
        raise BadToolServer(
            "'document' comes with 'base_url', where its operations are sent, without 'address'."
        )
    check_url(request.base_url)
    if len(msgspec.json.encode(request.document)) > _LARGEST_DOCUMENT:
        raise TooLarge(f"The document is larger than {_LARGEST_DOCUMENT // 1024 // 1024} MB.")
    # one place to send to, and the one that the admin confirmed: a document names any others that it likes
    return f"openapi:{name}", {**request.document, "servers": [{"url": request.base_url}]}


def _told(row: ToolServerRow) -> dict[str, Any]:
    """For the audit. An address may carry a key in its query, and a document is long."""
    return {
        "address": row.address.partition("?")[0],
        "document": f"{len(msgspec.json.encode(row.document))} bytes" if row.document else None,
        "audience": row.audience,
        **{name: getattr(row, name) for name in _PLAIN},
    }


def _tested(probed: Probed) -> TestedServer:
    return TestedServer(
        reachable=probed.reachable,
        revision=probed.revision,
        server_info=probed.server_info,
        tools=len(probed.tools),
        took_ms=probed.took_ms,
        problem=probed.problem,
        api=probed.api,
    )
