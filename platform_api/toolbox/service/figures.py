"""How a server does, from the audit: what went wrong, how long calls took. Of one's own organisation."""

import re
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Float, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.wire.base import Page
from kit.wire.governance import ServerEvent, ServerUsage, ToolUsage
from platform_api.audit.models import AuditRecordRow
from platform_api.edge.errors import BadCursor
from platform_api.toolbox.repository import server_of
from platform_api.toolbox.service.servers import PERMISSION

_CALL = "tool.call"
_FAILED: Final = (
    "error",
    "internal",
    "upstream_failed",
    "unavailable",
    "timed_out",
    "tool_timed_out",
    "result_too_large",
    "tool_refused",
    "server_refused",
    "needs_input",
    "input_expired",
)
_WITHOUT_FAULT: Final = ("ok", "cancelled")
_KEPT_BACK: Final = frozenset(
    {"arguments", "definition", "tool", "own_name", "server", "outcome", "latency_ms", "via"}
)
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_ROW = AuditRecordRow
_SERVER = _ROW.data["server"].astext
_TOOL = _ROW.data["tool"].astext
_OUTCOME = _ROW.data["outcome"].astext


class Figures:
    """Raises Forbidden without manage_mcp_servers, NotFound for another organisation's server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def logs(
        self, session: AsyncSession, principal: Principal, server_id: UUID, limit: int, cursor: str | None
    ) -> Page[ServerEvent]:
        """Calls that were refused or failed, drift, and what admins did; newest first. Raises BadCursor."""
        principal.require(PERMISSION)
        server = await server_of(session, principal, server_id)
        if cursor is not None and not _ULID.fullmatch(cursor):
            raise BadCursor
        about = [_ROW.organisation_id == principal.organisation_id, server.name == _SERVER]
        about.append(or_(_ROW.type != _CALL, _OUTCOME.not_in(_WITHOUT_FAULT)))
        if cursor is not None:
            about.append(_ROW.id < cursor)
        found = select(_ROW).where(*about).order_by(_ROW.id.desc()).limit(limit + 1)
        rows = (await session.scalars(found)).all()
        more = len(rows) > limit
        named = principal.may("view_audit_logs")
        return Page(
            items=[_event(row, named) for row in rows[:limit]],
            next_cursor=rows[limit - 1].id if more else None,
        )

    async def usage(
        self, session: AsyncSession, principal: Principal, server_id: UUID, hours: int
    ) -> ServerUsage:
        """Calls of the last `hours`, by tool; times are of calls that reached the server."""
        principal.require(PERMISSION)
        server = await server_of(session, principal, server_id)
        until = self._clock.now()
        since = until - timedelta(hours=hours)
        rows = await session.execute(_counted(principal, server.name, since, until))
        return ServerUsage(since=since, until=until, items=[_usage(row) for row in rows])


def _counted(principal: Principal, server: str, since: datetime, until: datetime) -> Any:
    latency = _ROW.data["latency_ms"].astext.cast(Float)
    answered = _OUTCOME.in_(("ok", *_FAILED))
    refused = and_(_OUTCOME.not_in(_FAILED), _OUTCOME.not_in(_WITHOUT_FAULT))
    return (
        select(
            _TOOL.label("tool"),
            func.count().label("calls"),
            func.count().filter(_OUTCOME.in_(_FAILED)).label("errors"),
            func.count().filter(refused).label("refused"),
            func.percentile_cont(0.5).within_group(latency).filter(answered).label("p50"),
            func.percentile_cont(0.95).within_group(latency).filter(answered).label("p95"),
        )
        .where(
            _ROW.organisation_id == principal.organisation_id,
            _ROW.type == _CALL,
            _ROW.at >= since,
            _ROW.at <= until,
            server == _SERVER,
        )
        .group_by(_TOOL)
        .order_by(_TOOL)
    )


def _usage(row: Any) -> ToolUsage:
    return ToolUsage(
        tool=row.tool,
        calls=row.calls,
        errors=row.errors,
        refused=row.refused,
        p50_ms=_rounded(row.p50),
        p95_ms=_rounded(row.p95),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _event(row: AuditRecordRow, named: bool) -> ServerEvent:
    """named: whether the reader may know who it was."""
    data = row.data
    return ServerEvent(
        at=row.at,
        type=row.type,
        tool=cast(str | None, data.get("tool")),
        outcome=cast(str | None, data.get("outcome")),
        actor=row.actor if named else None,
        latency_ms=cast(float | None, data.get("latency_ms")),
        detail={name: value for name, value in data.items() if name not in _KEPT_BACK},
    )
