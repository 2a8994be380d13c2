"""`POST /internal/v1/events`: the gateway's spool arrives here (SPEC 3b)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from kit.wire.contact import FINISHED, LEAD_MANUAL
from kit.wire.internal import AuditAccepted, AuditBatch
from platform_api.audit.funnel import count
from platform_api.audit.service import storable, take
from platform_api.edge import UnitOfWork, provided
from platform_api.identity import ServicePrincipal
from ports.queue import Queue

_DRIFT = "toolbox.drift"
ANNOUNCED: dict[str, str | None] = {
    "tool.quarantined": _DRIFT,
    "tool.released": _DRIFT,
    FINISHED: None,
    LEAD_MANUAL: None,
}
"""Reports that somebody else acts upon: each also becomes a job of this name, in the same commit,
under this lock."""

internal = APIRouter(prefix="/internal/v1", tags=["internal"])


@internal.post("/events", status_code=202, summary="Hand over audit and usage records")
async def events(
    batch: AuditBatch,
    service: ServicePrincipal,
    session: UnitOfWork,
    queue: Annotated[Queue, Depends(provided(Queue))],
) -> AuditAccepted:
    """Append a batch of at most 500. Sending it again is harmless: repeats are dropped by their id."""
    new = await take(session, batch.events)
    for event in batch.events:
        if event.id not in new:
            continue
        count(event)
        if event.type in ANNOUNCED:
            told = {"type": event.type, "at": event.at, "data": storable(event.data)}
            await queue.defer(session, event.type, told, lock=ANNOUNCED[event.type])
    return AuditAccepted(accepted=len(new), repeated=len(batch.events) - len(new))
