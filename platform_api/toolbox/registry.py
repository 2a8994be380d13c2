"""The registry that the gateway pulls: seeded from the release, read with a version (SPEC 3b, 9)."""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from uuid import uuid4

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.wire.tools import RegisteredServer, RegisteredTool, Registry, Tool
from platform_api.toolbox.models import RegisteredToolRow, ToolServerRow
from ports.db import Database

RELEASE = "release"
LONGEST_WAIT_S = 25.0
_LOOK_EVERY_S = 1.0
# what a gateway may be told of a tool is more than what an admin can set here yet
_TOOL_FIELDS = tuple(name for name in RegisteredTool.model_fields if hasattr(RegisteredToolRow, name))
log = structlog.get_logger()


async def seed_registry(
    database: Database, release: Sequence[Mapping[str, object]], addresses: Mapping[str, str]
) -> None:
    """Make the release's servers and tools exactly those of this release; others stay. Idempotent.

    A server without an address is not offered: this deployment does not run it.
    """
    servers = [
        RegisteredServer.model_validate({**server, "address": addresses[str(server["name"])]})
        for server in release
        if str(server["name"]) in addresses
    ]
    async with database.begin() as session:
        # Replicas that start together take turns.
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('toolbox.seed'))"))
        if await _released(session) == sorted(servers, key=lambda server: server.name):
            return
        await session.execute(delete(ToolServerRow).where(ToolServerRow.approved_by == RELEASE))
        for server in servers:
            await _add(session, server)
    log.info("toolbox.registry_seeded", servers=[server.name for server in servers])


async def read_registry(session: AsyncSession) -> Registry:
    """All approved tools; `version` is a hash of the content."""
    servers = await _servers(session)
    content = "\n".join(server.model_dump_json() for server in servers)
    return Registry(version=hashlib.sha256(content.encode()).hexdigest()[:32], servers=servers)


async def changed_registry(database: Database, known: str | None, wait_s: float) -> Registry | None:
    """The registry, once it differs from the version that the caller knows; None after `wait_s`."""
    until = time.monotonic() + min(wait_s, LONGEST_WAIT_S)
    while True:
        async with database.begin() as session:
            registry = await read_registry(session)
        if registry.version != known:
            return registry
        left = until - time.monotonic()
        if left <= 0:
            return None
        await asyncio.sleep(min(_LOOK_EVERY_S, left))


async def with_servers(session: AsyncSession, tools: Sequence[Tool]) -> list[Tool]:
    """What a listing over MCP does not carry: which server a tool belongs to, and its approved risk."""
    statement = select(RegisteredToolRow.name, ToolServerRow.name, RegisteredToolRow.risk).join(
        ToolServerRow, ToolServerRow.id == RegisteredToolRow.server_id
    )
    known = {
        name: {"server": server, "risk": risk} for name, server, risk in await session.execute(statement)
    }
    return [tool.model_copy(update=known.get(tool.name, {})) for tool in tools]


async def _released(session: AsyncSession) -> list[RegisteredServer]:
    return await _servers(session, approved_by=RELEASE)


async def _servers(session: AsyncSession, approved_by: str | None = None) -> list[RegisteredServer]:
    statement = select(ToolServerRow).order_by(ToolServerRow.name)
    if approved_by is not None:
        statement = statement.where(ToolServerRow.approved_by == approved_by)
    servers = (await session.scalars(statement)).all()
    tools = (await session.scalars(select(RegisteredToolRow).order_by(RegisteredToolRow.name))).all()
    return [_server(server, [tool for tool in tools if tool.server_id == server.id]) for server in servers]


async def _add(session: AsyncSession, server: RegisteredServer) -> None:
    row = ToolServerRow(
        id=uuid4(), name=server.name, address=server.address, audience=server.audience, approved_by=RELEASE
    )
    session.add(row)
    await session.flush()
    session.add_all(
        RegisteredToolRow(id=uuid4(), server_id=row.id, **tool.model_dump(include=set(_TOOL_FIELDS)))
        for tool in server.tools
    )


def _server(row: ToolServerRow, tools: Sequence[RegisteredToolRow]) -> RegisteredServer:
    return RegisteredServer(
        name=row.name,
        address=row.address,
        audience=row.audience,
        tools=[
            RegisteredTool.model_validate({name: getattr(tool, name) for name in _TOOL_FIELDS})
            for tool in tools
        ],
    )
