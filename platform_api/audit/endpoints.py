"""`POST /internal/v1/events`: what the gateway and the contact server tell arrives here (SPEC 3b)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends

from access.principal import Principal
from access.services import GATEWAY
from kit.errors import Forbidden
from kit.wire.contact import CONTENTS, EVENTS, FINISHED, LEAD_MANUAL
from kit.wire.internal import AuditAccepted, AuditBatch, AuditEvent
from platform_api.audit.funnel import count
from platform_api.audit.service import storable, take
from platform_api.edge import UnitOfWork, provided
from platform_api.identity import ReportingPrincipal
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
    service: ReportingPrincipal,
    session: UnitOfWork,
    queue: Annotated[Queue, Depends(provided(Queue))],
) -> AuditAccepted:
    """Append a batch of at most 500. Sending it again is harmless: repeats are dropped by their id."""
    _check(service, batch.events)
    new = await take(session, [_recorded(event) for event in batch.events])
    for event in batch.events:
        if event.id not in new:
            continue
        count(event)
        if event.type in ANNOUNCED:
            told = {"type": event.type, "at": event.at, "data": storable(event.data)}
            await queue.defer(session, event.type, told, lock=ANNOUNCED[event.type])
    return AuditAccepted(accepted=len(new), repeated=len(batch.events) - len(new))


def _check(service: Principal, events: Sequence[AuditEvent]) -> None:
    """The contact server tells of its own matters, of the organisation that its token names, only."""
    if service == GATEWAY:
        return
    own = str(service.organisation_id)
    for event in events:
        about = {event.organisation_id, str(event.data.get("organisation_id"))}
        if event.type not in EVENTS or about != {own}:
            raise Forbidden("This service may not report that.")


def _recorded(event: AuditEvent) -> AuditEvent:
    """Without what people wrote: that is for who hears it, not for the record."""
    if event.type not in EVENTS:
        return event
    data = {name: value for name, value in event.data.items() if name not in CONTENTS}
    return event.model_copy(update={"data": data})
