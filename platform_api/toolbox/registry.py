"""The registry that the gateway pulls: seeded from the release, read with a version (SPEC 3b, 9)."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import structlog
from prometheus_client import Gauge
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.tools import RELEASE, RegisteredServer, RegisteredTool, Registry, Tool, seen_by
from platform_api.toolbox.models import RegisteredToolRow, RegistryStateRow, ToolPolicyRow, ToolServerRow
from platform_api.toolbox.policies import as_registered, called, columns, is_enabled
from ports.db import Database

LONGEST_WAIT_S = 25.0
_LOOK_EVERY_S = 0.25
log = structlog.get_logger()
_quarantined = Gauge(
    "switchboard_toolbox_quarantined_tools", "Approved tools that are kept back, of all organisations."
)


async def change_registry(session: AsyncSession) -> None:
    """Before anything else of a change: holds the registry until the commit, which waiting gateways see.

    What is read afterwards nobody else changes, so what was checked still holds when it is saved.
    """
    counted = update(RegistryStateRow).values(version=RegistryStateRow.version + 1)
    await session.execute(counted.returning(RegistryStateRow.version))


async def seed_registry(
    database: Database, release: Sequence[Mapping[str, object]], addresses: Mapping[str, str]
) -> None:
    """Make the release's servers and tools exactly those of this release; others, and every admin's policy,
    stay. Idempotent.

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
        await change_registry(session)
        await _replace_released(session, servers)
    log.info("toolbox.registry_seeded", servers=[server.name for server in servers])


async def _replace_released(session: AsyncSession, servers: Sequence[RegisteredServer]) -> None:
    names = {server.name for server in servers}
    ours = ToolServerRow.approved_by == RELEASE
    await session.execute(delete(ToolServerRow).where(ours, ToolServerRow.name.not_in(names)))
    known = {row.name: row for row in (await session.scalars(select(ToolServerRow).where(ours))).all()}
    for server in servers:
        row = known.get(server.name) or ToolServerRow(id=uuid4(), name=server.name, approved_by=RELEASE)
        for name in (
            "address",
            "audience",
            "shares",
            "roles",
            "permission",
            "privacy_compatible",
            "credential",
        ):
            setattr(row, name, getattr(server, name))
        session.add(row)
        await session.flush()
        await _replace_tools(session, row.id, server.tools)


async def _replace_tools(session: AsyncSession, server_id: UUID, tools: Sequence[RegisteredTool]) -> None:
    """A tool keeps its id; one with another definition has not drifted yet."""
    of_it = RegisteredToolRow.server_id == server_id
    gone = RegisteredToolRow.name.not_in([tool.name for tool in tools])
    await session.execute(delete(RegisteredToolRow).where(of_it, gone))
    known = {row.name: row for row in (await session.scalars(select(RegisteredToolRow).where(of_it))).all()}
    for tool in tools:
        row = known.get(tool.name) or RegisteredToolRow(id=uuid4(), server_id=server_id)
        if row.definition_hash != tool.definition_hash:
            row.drifted = False
        for name, value in columns(tool).items():
            setattr(row, name, value)
        session.add(row)
    await session.flush()


async def read_registry(session: AsyncSession) -> Registry:
    """Everything approved, of all organisations; `version` is a hash of the content.

    A server of the release stands there once for everyone, and once more for each organisation whose admins
    set anything about its tools: for that organisation in the place of the first (`kit.wire.tools.seen_by`).
    """
    servers = list(await _all_servers(session))
    content = "\n".join(server.model_dump_json() for server in servers)
    return Registry(version=hashlib.sha256(content.encode()).hexdigest()[:32], servers=servers)


class RegistryWatch:
    """One per process: however many gateways wait, one of them looks at a number four times a second, and the
    registry is put together once per change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = -1
        self._held: Registry | None = None
        self._reading = asyncio.Lock()
        self._look: asyncio.Task[Registry] | None = None

    async def current(self) -> Registry:
        """As of the last commit."""
        async with self._reading, self._database.begin() as session:
            # The number first: what is committed between the two is read again at the next look.
            number = await session.scalar(select(RegistryStateRow.version))
            if self._held is None or number != self._number:
                self._held, self._number = await read_registry(session), number or 0
                _quarantined.set(_count_quarantined(self._held))
            return self._held

    async def changed(
        self, known: str | None, wait_s: float, gone: Callable[[], Awaitable[bool]] | None = None
    ) -> Registry | None:
        """The registry, once it differs from the version that the caller knows; None after `wait_s`, or once
        the caller is `gone`: a process that stops would else wait for it."""
        until = time.monotonic() + min(wait_s, LONGEST_WAIT_S)
        registry = await self.current()
        while registry.version == known:
            left = until - time.monotonic()
            if left <= 0 or (gone is not None and await gone()):
                return None
            look = self._next_look()
            done, _ = await asyncio.wait({look}, timeout=left)
            registry = look.result() if done else registry
        return registry

    def _next_look(self) -> asyncio.Task[Registry]:
        """Shared by all who wait now; nobody's leaving ends it for the others."""
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().create_task(self._later())
            # whoever waited may have left: then nobody asks how it ended
            self._look.add_done_callback(lambda look: look.cancelled() or look.exception())
        return self._look

    async def _later(self) -> Registry:
        await asyncio.sleep(_LOOK_EVERY_S)
        return await self.current()


def _count_quarantined(registry: Registry) -> int:
    return sum(tool.quarantined is not None for server in registry.servers for tool in server.tools)


async def with_servers(session: AsyncSession, principal: Principal, tools: Sequence[Tool]) -> list[Tool]:
    """What a listing over MCP does not carry: which server a tool belongs to, and its approved risk."""
    servers = await organisations_servers(session, principal.organisation_id)
    names = called(servers)
    known = {
        names.get((server.name, tool.name), ""): {"server": server.name, "risk": tool.risk}
        for server in servers
        for tool in server.tools
    }
    return [tool.model_copy(update=known.get(tool.name, {})) for tool in tools]


async def organisations_servers(session: AsyncSession, organisation_id: UUID) -> list[RegisteredServer]:
    """What exists for this organisation, as its callers meet it."""
    rows = await _rows(session, organisation_id)
    return seen_by(_wired(rows), organisation_id)


_Rows = tuple[Sequence[ToolServerRow], Sequence[RegisteredToolRow], Sequence[ToolPolicyRow]]


async def _all_servers(session: AsyncSession) -> Iterable[RegisteredServer]:
    return _wired(await _rows(session))


async def _rows(session: AsyncSession, organisation_id: UUID | None = None) -> _Rows:
    servers = select(ToolServerRow).order_by(ToolServerRow.name, ToolServerRow.organisation_id)
    tools = select(RegisteredToolRow).order_by(RegisteredToolRow.name)
    policies = select(ToolPolicyRow)
    if organisation_id is not None:
        servers = servers.where(_visible(ToolServerRow.organisation_id, organisation_id))
        tools = tools.where(_visible(RegisteredToolRow.organisation_id, organisation_id))
        policies = policies.where(ToolPolicyRow.organisation_id == organisation_id)
    return (
        (await session.scalars(servers)).all(),
        (await session.scalars(tools)).all(),
        (await session.scalars(policies)).all(),
    )


def _visible(column: Any, organisation_id: UUID) -> Any:
    return column.is_(None) | (column == organisation_id)


def _wired(rows: _Rows) -> list[RegisteredServer]:
    servers, tools, policies = rows
    of_server: dict[UUID, list[RegisteredToolRow]] = defaultdict(list)
    for tool in tools:
        of_server[tool.server_id].append(tool)
    set_for: dict[tuple[UUID, str], dict[str, ToolPolicyRow]] = defaultdict(dict)
    for policy in policies:
        set_for[policy.organisation_id, policy.server][policy.tool] = policy
    own = {(server.organisation_id, server.name) for server in servers}
    found: list[RegisteredServer] = []
    for server in servers:
        its, owner = of_server[server.id], server.organisation_id
        found.append(_server(server, its, set_for[owner, server.name] if owner else {}))
        theirs = [key for key in set_for if owner is None and key[1] == server.name and key not in own]
        found += [_for_them(server, its, key[0], set_for[key]) for key in sorted(theirs)]
    return found


def _for_them(
    row: ToolServerRow,
    tools: Sequence[RegisteredToolRow],
    organisation_id: UUID,
    policies: Mapping[str, ToolPolicyRow],
) -> RegisteredServer:
    return _server(row, tools, policies).model_copy(update={"organisation_id": organisation_id})


def wire_server(row: ToolServerRow) -> RegisteredServer:
    """Without its tools: how it is reached."""
    return _server(row, (), {})


def _server(
    row: ToolServerRow, tools: Sequence[RegisteredToolRow], policies: Mapping[str, ToolPolicyRow]
) -> RegisteredServer:
    return RegisteredServer.model_validate(
        {
            "name": row.name,
            "address": row.address,
            "audience": row.audience,
            "tools": [
                as_registered(tool, policies.get(tool.name), row.quarantined)
                for tool in tools
                if is_enabled(policies.get(tool.name))
            ],
            "shares": row.shares,
            "roles": row.roles,
            "permission": row.permission,
            "privacy_compatible": row.privacy_compatible,
            "organisation_id": row.organisation_id,
            "credential": row.credential,
            "disabled": row.disabled,
            "document": row.document,
        }
    )


async def _released(session: AsyncSession) -> list[RegisteredServer]:
    """As the release made them, whatever was seen or set since."""
    ours = ToolServerRow.approved_by == RELEASE
    servers = (await session.scalars(select(ToolServerRow).where(ours).order_by(ToolServerRow.name))).all()
    tools = (await session.scalars(select(RegisteredToolRow).order_by(RegisteredToolRow.name))).all()
    found = [
        _server(server, [tool for tool in tools if tool.server_id == server.id], {}) for server in servers
    ]
    return [_undrifted(server) for server in found]


def _undrifted(server: RegisteredServer) -> RegisteredServer:
    tools = [tool.model_copy(update={"quarantined": None}) for tool in server.tools]
    return server.model_copy(update={"tools": tools})
