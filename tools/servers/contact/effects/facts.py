"""The facts of a booking, and what is made of them: event, letter, lead."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.crm.port import Lead
from tools.servers.contact.effects import content
from tools.servers.contact.effects.content import Wanted
from tools.servers.contact.letters import Kind, LetterFacts
from tools.servers.contact.people import Person
from tools.servers.contact.shapes import LeadConsent, LeadSource, Reason
from tools.servers.contact.store.models import BookingRow

HOW_TO_CANCEL: Final = 'To change or cancel it, tell the assistant: "cancel my meeting".'


@dataclass(frozen=True, slots=True)
class Facts:
    """guest: who booked; people: who receives; tz: in which the guest reads times."""

    first_name: str
    last_name: str
    email: str
    topic: str
    reason: Reason
    service: str
    tz: str
    host: str
    people: tuple[Person, ...]
    host_tz: str
    location: str = ""
    host_phone: str = ""
    phone: str | None = None
    company: str | None = None
    message: str | None = None
    contact: bool = False
    channel: str = "api"
    session_id: str | None = None

    @property
    def guest(self) -> Person:
        return Person(self.email, f"{self.first_name} {self.last_name}".strip())

    def kept(self) -> dict[str, Any]:
        return msgspec.json.decode(msgspec.json.encode(self))

    @classmethod
    def of(cls, row: BookingRow) -> "Facts":
        return msgspec.convert(row.facts, cls)


def uid_of(booking_id: UUID) -> str:
    return f"{booking_id}@switchboard"


def event_of(booking_id: UUID, facts: Facts, start: datetime, end: datetime, sequence: int) -> Event:
    return Event(
        uid=uid_of(booking_id),
        title=facts.topic,
        start=start,
        end=end,
        tz=facts.host_tz,
        organiser=facts.people[0],
        attendees=(*facts.people[1:], facts.guest),
        location=facts.location,
        notes=facts.message or "",
        sequence=sequence,
    )


def key_of(booking_id: UUID, sequence: int) -> str:
    """Of all three effects of one change of a booking."""
    return f"booking:{booking_id}:{sequence}"


def letter(booking_id: UUID, kind: Kind, facts: Facts, event: Event, was: datetime | None = None) -> Wanted:
    told = LetterFacts(
        key=key_of(booking_id, event.sequence),
        event=event,
        guest=facts.guest,
        host=facts.host,
        tz=facts.tz,
        was=was,
        phone=facts.host_phone,
        how_to_cancel=HOW_TO_CANCEL,
    )
    return content.write(kind, told)


def lead(booking_id: UUID, facts: Facts, consent_id: UUID, sequence: int, note: str) -> Wanted:
    """note: what has happened, before what the person wrote."""
    given = Lead(
        first_name=facts.first_name,
        last_name=facts.last_name,
        email=facts.email,
        phone=facts.phone,
        company=facts.company,
        reason=facts.reason,
        service=facts.service,
        message=f"{note}\n{facts.message}" if facts.message else note,
        consent=LeadConsent(privacy=True, contact=facts.contact, record_id=consent_id),
        tz=facts.tz,
        source=LeadSource(channel=facts.channel, session_id=facts.session_id),
    )
    return content.upsert(key_of(booking_id, sequence), given)


def lasting(facts: Facts, minutes: int | None, start: datetime, end: datetime) -> timedelta:
    return timedelta(minutes=minutes) if minutes else end - start


def forgotten(facts: Facts) -> Facts:
    """Without the person: what stays of a booking that is long over."""
    return replace(
        facts, first_name="", last_name="", email="", phone=None, company=None, message=None, topic=""
    )
