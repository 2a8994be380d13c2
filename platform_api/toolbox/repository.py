"""The rows of servers and tools, as far as a principal's organisation goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.errors import NotFound
from kit.wire.tools import RELEASE
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolPolicyRow, ToolServerRow


@dataclass(slots=True)
class ToolRows:
    """A tool: approved, seen, or both; and what the organisation's admins set for it."""

    server: ToolServerRow
    approved: RegisteredToolRow | None
    seen: SeenToolRow | None
    policy: ToolPolicyRow | None

    @property
    def name(self) -> str:
        row = self.approved or self.seen
        assert row is not None
        return row.name

    @property
    def id(self) -> UUID:
        row = self.approved or self.seen
        assert row is not None
        return row.id

    @property
    def ours(self) -> bool:
        return self.server.approved_by == RELEASE


def visible(principal: Principal) -> Select[ToolServerRow]:
    """The organisation's own servers and everyone's."""
    return select(ToolServerRow).where(_theirs(ToolServerRow.organisation_id, principal))


async def server_of(session: AsyncSession, principal: Principal, server_id: UUID) -> ToolServerRow:
    """Raises NotFound, for another organisation's, too."""
    row = await session.scalar(visible(principal).where(ToolServerRow.id == server_id))
    if row is None:
        raise NotFound
    return row


async def server_named(session: AsyncSession, principal: Principal, name: str) -> ToolServerRow | None:
    found = (await session.scalars(visible(principal).where(ToolServerRow.name == name))).all()
    return next(iter(sorted(found, key=lambda row: row.organisation_id is None)), None)


async def tools_of(
    session: AsyncSession, principal: Principal, server_id: UUID | None = None
) -> list[ToolRows]:
    """Every tool that this organisation's admins can see, of one server or of all; by server and name."""
    statement = visible(principal)
    if server_id is not None:
        statement = statement.where(ToolServerRow.id == server_id)
    servers = {row.id: row for row in (await session.scalars(statement)).all()}
    approved = await _rows(session, RegisteredToolRow, servers)
    seen = await _rows(session, SeenToolRow, servers)
    policies = {(row.server, row.tool): row for row in await _policies(session, principal)}
    return [
        ToolRows(
            servers[key[0]], approved.get(key), seen.get(key), policies.get((servers[key[0]].name, key[1]))
        )
        for key in sorted(approved.keys() | seen.keys(), key=lambda key: (servers[key[0]].name, key[1]))
    ]


async def tool_of(session: AsyncSession, principal: Principal, tool_id: UUID) -> ToolRows:
    """Raises NotFound, for another organisation's, too."""
    server_id = None
    for table in (RegisteredToolRow, SeenToolRow):
        row: Any = await session.get(table, tool_id)
        server_id = server_id or (row.server_id if row else None)
    if server_id is not None:
        for rows in await tools_of(session, principal, server_id):
            if rows.id == tool_id:
                return rows
    raise NotFound


async def policy_of(session: AsyncSession, principal: Principal, rows: ToolRows) -> ToolPolicyRow:
    """To be changed: made where there is none."""
    if rows.policy is None:
        rows.policy = ToolPolicyRow(
            organisation_id=principal.organisation_id,
            server=rows.server.name,
            tool=rows.name,
            changes={},
            edition=1,
        )
        session.add(rows.policy)
    return rows.policy


async def drop_policies(session: AsyncSession, server: ToolServerRow) -> None:
    its = (ToolPolicyRow.organisation_id == server.organisation_id, ToolPolicyRow.server == server.name)
    await session.execute(delete(ToolPolicyRow).where(*its))


def new_server(principal: Principal) -> ToolServerRow:
    return ToolServerRow(id=uuid4(), organisation_id=principal.organisation_id, edition=1)


async def _policies(session: AsyncSession, principal: Principal) -> Sequence[ToolPolicyRow]:
    of_it = ToolPolicyRow.organisation_id == principal.organisation_id
    return (await session.scalars(select(ToolPolicyRow).where(of_it))).all()


async def _rows(
    session: AsyncSession, table: Any, servers: dict[UUID, ToolServerRow]
) -> dict[tuple[UUID, str], Any]:
    rows = await session.scalars(select(table).where(table.server_id.in_(servers)))
    return {(row.server_id, row.name): row for row in rows.all()}


def _theirs(column: Any, principal: Principal) -> ColumnElement[bool]:
    return or_(column.is_(None), column == principal.organisation_id)
