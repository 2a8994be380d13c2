"""For admins: leads that the CRM did not take in time (SPEC 3, 11)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.leads import LeadDone, LeadHandled, LeadState, ManualLead
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.identity.in_person import in_person
from platform_api.leads.errors import LeadIsDone, LeadIsOpen, LeadsForAdmins
from platform_api.leads.service import ManualLeads

router = APIRouter(prefix="/api/v1/admin/leads", tags=["admin"], dependencies=[Depends(in_person)])
_Leads = Annotated[ManualLeads, Depends(provided(ManualLeads))]
_State = Annotated[LeadState, Query(description="open: to be entered; done: entered.")]


@router.get("", summary="List leads for manual entry", responses=raises(LeadsForAdmins))
async def list_manual_leads(
    principal: CurrentPrincipal, leads: _Leads, session: UnitOfWork, page: PageQuery, state: _State = "open"
) -> Page[ManualLead]:
    """Leads that the CRM did not take, newest first, with all that is to be entered."""
    return await leads.list(session, principal, state, page)


@router.post(
    "/{lead_id}/done", summary="A lead was entered", responses=raises(LeadsForAdmins, NotFound, LeadIsDone)
)
async def manual_lead_done(  # noqa: PLR0917  what FastAPI hands over
    principal: CurrentPrincipal,
    leads: _Leads,
    session: UnitOfWork,
    lead_id: UUID,
    asked: LeadDone,
    key: IdempotencyKey,
) -> LeadHandled:
    """Somebody has entered it in the CRM by hand."""
    return await once(
        session,
        principal,
        key,
        f"lead-done/{lead_id}/{asked.crm_id or ''}",
        shape=LeadHandled,
        work=lambda: leads.done(session, principal, lead_id, asked),
    )


@router.post(
    "/{lead_id}/reopen",
    summary="A lead was not entered after all",
    responses=raises(LeadsForAdmins, NotFound, LeadIsOpen),
)
async def reopen_manual_lead(
    principal: CurrentPrincipal, leads: _Leads, session: UnitOfWork, lead_id: UUID, key: IdempotencyKey
) -> LeadHandled:
    """It stands in the list of open ones again."""
    return await once(
        session,
        principal,
        key,
        f"lead-reopen/{lead_id}",
        shape=LeadHandled,
        work=lambda: leads.reopen(session, principal, lead_id),
    )
