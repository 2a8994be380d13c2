"""What the contact server tells the platform, as events of the internal contract (SPEC 3b, 12).

Each is the `data` of an AuditEvent of issuer `contact`, whose `type` is the name below; the platform keeps a
record without what people wrote, and gives the whole to whoever hears it as a job of the same name, with
the arguments {type, at, data}.
"""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request

ISSUER: Final = "contact"
STEP: Final = "booking.step"
FINISHED: Final = "booking.finished"
LEAD_MANUAL: Final = "lead.manual"
EVENTS: Final = frozenset({STEP, FINISHED, LEAD_MANUAL})
"""All that this issuer may tell, each about its own organisation only."""
CONTENTS: Final = frozenset({"summary", "lead"})
"""Fields of `data` that hold what people wrote: for the hearer, never for the record."""

Step = Literal["started", "form", "slot", "confirmed", "abandoned", "cancelled", "moved"]
"""cancelled: before or after it was booked. abandoned: not answered in time."""
Finished = Literal["confirmed", "not_booked", "moved", "not_moved", "cancelled"]
"""What has come to an end after the person was told that it was still open."""


class BookingStep(Request):
    cleaned = True

    booking_id: UUID
    organisation_id: UUID
    user_id: UUID
    step: Step
    channel: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")] = "api"
    """Where the person was: slack, teams, …; `api` where no bot acted for them."""


class BookingFinished(Request):
    """summary: whole sentences for the person, plain text."""

    cleaned = True

    booking_id: UUID
    organisation_id: UUID
    user_id: UUID
    what: Finished
    summary: Annotated[str, Field(max_length=2000)]


class LeadManual(Request):
    """A lead that the CRM did not take in time: somebody enters it by hand (SPEC 11).

    key: the idempotency key under which it was tried; lead: crm.upsert_lead's `lead`.
    """

    cleaned = True

    organisation_id: UUID
    user_id: UUID
    booking_id: UUID | None = None
    key: Annotated[str, Field(max_length=200)]
    reason: Annotated[str, Field(max_length=500)]
    lead: dict[str, Any]
