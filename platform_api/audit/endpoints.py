"""`POST /internal/v1/events`: the gateway's spool arrives here (SPEC 3b)."""

from fastapi import APIRouter

from kit.wire.internal import AuditAccepted, AuditBatch
from platform_api.audit.service import ingest
from platform_api.edge import UnitOfWork
from platform_api.identity import ServicePrincipal

internal = APIRouter(prefix="/internal/v1", tags=["internal"])


@internal.post("/events", status_code=202, summary="Hand over audit and usage records")
async def events(batch: AuditBatch, service: ServicePrincipal, session: UnitOfWork) -> AuditAccepted:
    """Append a batch of at most 500. Sending it again is harmless: repeats are dropped by their id."""
    return await ingest(session, batch.events)
