"""Writes records: one in the caller's transaction, or a batch from the gateway's spool."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from ulid import ULID

from access.principal import Principal
from kit import telemetry
from kit.errors import Invalid
from kit.wire.internal import AuditAccepted, AuditEvent
from platform_api.audit.models import AuditRecordRow

_NUL = "\\u0000"
"""Postgres keeps no NUL in JSON; one in a tool's argument must not stop the record of the call."""

_RECORDS = cast(Table, AuditRecordRow.__table__)
# Built once: with its rows in it, the statement would be compiled anew for each batch.
_ADD_NEW = insert(_RECORDS).on_conflict_do_nothing().returning(_RECORDS.c.id)


async def record(session: AsyncSession, principal: Principal, type: str, data: Mapping[str, Any]) -> None:
    """What the principal did, saved with it. `data` holds ids and counts, never contents or secrets."""
    row = AuditRecordRow(
        id=str(ULID()),
        organisation_id=principal.organisation_id,
        at=datetime.now(UTC),
        kind="audit",
        type=type,
        actor=f"{principal.kind}:{principal.id}",
        trace_id=telemetry.trace_id(),
        data=storable(data),
    )
    session.add(row)


async def ingest(session: AsyncSession, events: Sequence[AuditEvent]) -> AuditAccepted:
    """Save what is new of a batch; the same id again is a repeat. Raises Invalid for a bad time."""
    accepted = len(await take(session, events))
    return AuditAccepted(accepted=accepted, repeated=len(events) - accepted)


async def take(session: AsyncSession, events: Sequence[AuditEvent]) -> frozenset[str]:
    """The same; the ids of those that are new."""
    if not events:
        return frozenset()
    added = await session.execute(_ADD_NEW, [_row(event) for event in events])
    return frozenset(added.scalars())


def _row(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "organisation_id": _uuid(event.organisation_id),
        "at": _time(event.at),
        "kind": event.kind,
        "type": event.type,
        "actor": event.actor[:200].replace("\x00", ""),
        "trace_id": event.trace_id[:64].replace("\x00", "") if event.trace_id else None,
        "data": storable(event.data),
    }


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as reason:
        raise Invalid("Field 'at': not an ISO 8601 time.") from reason
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def storable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what Postgres does not keep."""
    encoded = msgspec.json.encode(dict(data)).decode()
    return msgspec.json.decode(encoded.replace(_NUL, "\\ufffd")) if _NUL in encoded else dict(data)
