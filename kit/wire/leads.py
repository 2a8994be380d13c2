"""Leads that somebody enters in the CRM by hand (SPEC 3, 11)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from kit.wire.base import Request, Wire

LeadState = Literal["open", "done"]


class LeadConsentShown(Wire):
    privacy: bool = False
    contact: bool = False
    record_id: UUID | None = None


class LeadDetails(Wire):
    """What the person gave; crm.upsert_lead's `lead`, as far as it was given."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str | None = None
    company: str | None = None
    reason: str | None = None
    service: str | None = None
    message: str | None = None
    tz: str | None = None
    consent: LeadConsentShown = LeadConsentShown()


class LeadHandled(Wire):
    """Where a lead of the list stands; crm_id: its number in the CRM, where the admin has said it."""

    id: UUID
    state: LeadState
    crm_id: str | None = None
    done_at: datetime | None = None


class ManualLead(LeadHandled):
    """why: why the CRM has not taken it. key: with it crm.upsert_lead enters the same lead, not a second."""

    key: str
    why: str
    reported_at: datetime
    booking_id: UUID | None = None
    lead: LeadDetails


class LeadDone(Request):
    """crm_id: what the CRM calls the lead."""

    crm_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = (
        Field(default=None)
    )
