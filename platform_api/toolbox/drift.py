"""What the gateway reports of definitions: kept, so that a restart forgets no quarantine (SPEC 9)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.services import PLATFORM
from platform_api.audit import record
from platform_api.toolbox.errors import BadDefinition
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolServerRow
from platform_api.toolbox.registry import change_registry
from platform_api.toolbox.seeing import forget, keep, usable
from ports.db import Database
from ports.queue.tasks import Handler

QUARANTINED, RELEASED = "tool.quarantined", "tool.released"
log = structlog.get_logger()
drifts_total = Counter(
    "switchboard_toolbox_drifts_total", "Reports that changed whether a tool is quarantined.", ["change"]
)


def drift_heard(database: Database) -> Handler:
    """The handler of `tool.quarantined` and `tool.released`; repeats, and reports that arrive after
    newer ones or after another approval, change nothing."""

    async def hear(told: dict[str, Any]) -> None:
        async with database.begin() as session:
            await _hear(session, told["type"], _time(told["at"]), cast(dict[str, Any], told["data"]))

    return hear


async def _hear(session: AsyncSession, type: str, at: datetime, data: dict[str, Any]) -> None:
    await change_registry(session)
    found = await _found(session, data)
    if found is None:
        return
    server, tool = found
    stale = tool.drift_heard_at is not None and tool.drift_heard_at >= at
    # a release says nothing of hashes: it means the pin that holds, which a newer approval has set anew
    if stale or (type == QUARANTINED and data.get("approved") != tool.definition_hash):
        return
    tool.drift_heard_at = at
    seen = await session.scalar(
        select(SeenToolRow).where(SeenToolRow.server_id == server.id, SeenToolRow.name == tool.name)
    )
    drifted = type == QUARANTINED
    if drifted:
        await _keep_listed(session, server, tool, seen, data, at)
    else:
        await forget(session, seen)
    if drifted != tool.drifted:
        tool.drifted = drifted
        await _tell(session, server, tool, data)


async def _found(
    session: AsyncSession, data: dict[str, Any]
) -> tuple[ToolServerRow, RegisteredToolRow] | None:
    """The organisation's own server, else everyone's: to the gateway, an organisation with policies of its
    own for a server of the release has a server of its own."""
    name = data.get("own_name") or data.get("tool")
    owner = data.get("server_organisation_id")
    whose = ToolServerRow.organisation_id.is_(None)
    if owner is not None:
        whose = or_(whose, ToolServerRow.organisation_id == UUID(str(owner)))
    rows = await session.execute(
        select(ToolServerRow, RegisteredToolRow)
        .join(RegisteredToolRow, RegisteredToolRow.server_id == ToolServerRow.id)
        .where(whose, ToolServerRow.name == data.get("server"), RegisteredToolRow.name == name)
        .order_by(ToolServerRow.organisation_id.nulls_last())
    )
    found = rows.first()
    return (found[0], found[1]) if found else None


async def _keep_listed(  # noqa: PLR0917  the rows about one tool
    session: AsyncSession,
    server: ToolServerRow,
    tool: RegisteredToolRow,
    seen: SeenToolRow | None,
    data: dict[str, Any],
    at: datetime,
) -> None:
    """Of no use, or too long to be reported: an admin's look brings it, or the reason."""
    if data.get("listed") is None:
        await forget(session, seen)
        return
    given: Any = data.get("definition")
    if not isinstance(given, dict):
        return
    try:
        listed = usable(cast(dict[str, Any], given))
    except BadDefinition as error:
        log.warning("toolbox.listed_definition_unusable", tool=tool.name, reason=error.detail)
        return
    if listed.name == tool.name and listed.hash == data["listed"] != tool.definition_hash:
        keep(session, server, tool, seen, listed, at)


async def _tell(
    session: AsyncSession, server: ToolServerRow, tool: RegisteredToolRow, data: dict[str, Any]
) -> None:
    change = "tool.drifted" if tool.drifted else "tool.as_approved_again"
    drifts_total.labels(change).inc()
    log.warning(f"toolbox.{change.replace('.', '_')}", tool=tool.name, server=server.name)
    hashes = {"approved": tool.definition_hash, "listed": data.get("listed")}
    whose = replace(PLATFORM, organisation_id=server.organisation_id or PLATFORM.organisation_id)
    told = {"tool": tool.name, "server": server.name, "noticed": "by the gateway", **hashes}
    await record(session, whose, change, told)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
