"""What goes in and out of the contact server's tools (notes: tool contracts). Times carry an offset."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kit.wire.base import Request, Wire
from tools.servers.contact.plain import many_lines, one_line

DEFAULT_TZ = "Australia/Sydney"
_YEARS = (2000, 2200)
"""Beyond, arithmetic with zones and margins leaves what a datetime can say."""
LONGEST_EVENT = timedelta(days=1)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA time zone, such as Australia/Sydney")
    return name


def _with_offset(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("write the offset, too: 2026-12-01T14:00:00+11:00")
    if not _YEARS[0] <= moment.year < _YEARS[1]:
        raise ValueError(f"a year from {_YEARS[0]} to {_YEARS[1] - 1}")
    return moment


def _something(text: str) -> str:
    if not text:
        raise ValueError("nothing that can be shown")
    return text


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
Moment = Annotated[datetime, AfterValidator(_with_offset)]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$"
    ),
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Line = Annotated[str, AfterValidator(one_line)]
Lines = Annotated[str, AfterValidator(many_lines)]
Said = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(one_line),
    AfterValidator(_something),
]
Minutes = Annotated[int, Field(ge=15, le=480)]
Reason = Literal["training", "operational", "media", "tender", "other"]


class FindSlots(Request):
    participants: Annotated[list[Email], Field(min_length=1, max_length=20)]
    duration_min: Minutes = 30
    window_start: Moment
    window_end: Moment
    min_slots: Annotated[int, Field(ge=1, le=20)] = 3
    tz: Zone = DEFAULT_TZ


class TimeRange(Wire):
    start: datetime
    end: datetime


class Slots(Wire):
    """next_window: where to look where there are fewer than asked for."""

    slots: list[TimeRange]
    generated_at: datetime
    next_window: TimeRange | None = None


class CreateEvent(Request):
    idempotency_key: Key
    title: Said
    start_time: Moment
    end_time: Moment
    attendees: Annotated[list[Email], Field(min_length=1, max_length=50)]
    location: Annotated[Line, Field(max_length=300)] | None = None
    notes: Annotated[Lines, Field(max_length=4000)] | None = None
    privacy_ack: Literal[True]
    consent_record_id: UUID

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not timedelta() < self.end_time - self.start_time <= LONGEST_EVENT:
            raise ValueError("end_time is after start_time, by a day at most")
        return self


class CreatedEvent(Wire):
    event_id: str
    calendar_url: str
    created_at: datetime
    attendee_notifications_sent: bool


class SendEmail(Request):
    idempotency_key: Key
    thread_key: Annotated[str, Field(max_length=200)] | None = None
    to: Annotated[list[Email], Field(min_length=1, max_length=50)]
    cc: Annotated[list[Email], Field(max_length=50)] = []
    bcc: Annotated[list[Email], Field(max_length=50)] = []
    subject: Annotated[str, Field(min_length=1, max_length=300)]
    html: Annotated[str, Field(min_length=1, max_length=200_000)]
    consent_confirmed: Literal[True]
    consent_record_id: UUID


class SentEmail(Wire):
    """queued: not sent yet; it is tried again for up to an hour. in_doubt: nobody can tell whether it was."""

    message_id: str | None = None
    thread_id: str | None = None
    sent_at: datetime | None = None
    queued: bool
    in_doubt: bool | None = None


class LeadConsent(Request):
    privacy: Literal[True]
    contact: bool
    record_id: UUID


class LeadSource(Request):
    channel: Annotated[str, Field(max_length=40)]
    session_id: Annotated[str, Field(max_length=100)] | None = None
    user_agent: Annotated[str, Field(max_length=300)] | None = None


class GivenLead(Request):
    first_name: Annotated[Line, Field(max_length=100)]
    last_name: Annotated[Line, Field(max_length=100)]
    email: Email
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None = None
    company: Annotated[str, Field(max_length=200)] | None = None
    reason: Reason
    service: Annotated[str, Field(max_length=60)]
    message: Annotated[str, Field(max_length=4000)] | None = None
    consent: LeadConsent
    tz: Zone = DEFAULT_TZ
    source: LeadSource


class UpsertLead(Request):
    idempotency_key: Key
    lead: GivenLead


class UpsertedLead(Wire):
    """deferred: the CRM was late; the lead is captured and entered later."""

    lead_id: str | None = None
    created: bool
    updated: bool
    crm_url: str | None = None
    deferred: bool


class BookMeeting(Request):
    """Whatever the person has said already; it is never asked again. `window`: their words, or start/end."""

    topic: Said | None = None
    service: Annotated[Line, Field(max_length=60)] | None = None
    with_: Annotated[Said | None, Field(alias="with")] = None
    duration_min: Minutes | None = None
    tz: Zone | None = None
    window: Said | None = None


class BookedEmail(Wire):
    sent: bool
    queued: bool
    in_doubt: bool | None = None


class BookedLead(Wire):
    lead_id: str | None = None
    deferred: bool


class Booked(Wire):
    """summary: what to tell the person, whole sentences. Without booking_id nothing was booked."""

    booking_id: UUID | None = None
    event: CreatedEvent | None = None
    email: BookedEmail | None = None
    crm: BookedLead | None = None
    summary: str


class ListMeetings(Request):
    past: bool = False
    """Those that are over, too."""


class Meeting(Wire):
    booking_id: UUID
    topic: str
    start: datetime
    end: datetime
    tz: str
    host: str
    location: str
    state: Literal["booked", "unfinished", "cancelled"]


class Meetings(Wire):
    bookings: list[Meeting]
    summary: str


class CancelMeeting(Request):
    """Without booking_id: the one among my coming meetings that `which` names, in the person's words."""

    booking_id: UUID | None = None
    which: Said | None = None


class RescheduleMeeting(Request):
    booking_id: UUID | None = None
    which: Said | None = None
    window: Said | None = None
    duration_min: Minutes | None = None
    tz: Zone | None = None


class Changed(Wire):
    booking_id: UUID | None = None
    event: CreatedEvent | None = None
    email: BookedEmail | None = None
    summary: str
