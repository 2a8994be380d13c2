"""For admins: leads that the CRM did not take, to be entered by hand."""

from collections.abc import AsyncIterator
from uuid import UUID

from kit.wire.leads import LeadDone, LeadHandled, LeadState, ManualLead
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Transport, checked, write

LEADS = "/api/v1/admin/leads"


class AdminLeads:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, state: LeadState = "open") -> AsyncIterator[ManualLead]:
        """Newest first."""
        return every(self._transport, ManualLead, LEADS, {"state": state})

    async def done(self, lead_id: UUID, crm_id: str | None = None) -> LeadHandled:
        """crm_id: what the CRM calls it."""
        body = checked(LeadDone, crm_id=crm_id)
        return await self._transport.read(LeadHandled, write("POST", f"{LEADS}/{lead_id}/done", body))

    async def reopen(self, lead_id: UUID) -> LeadHandled:
        return await self._transport.read(LeadHandled, write("POST", f"{LEADS}/{lead_id}/reopen"))
