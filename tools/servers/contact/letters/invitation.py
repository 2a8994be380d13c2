"""Invitations and their withdrawal as iCalendar (RFC 5545, RFC 5546)."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.mail.port import Method
from tools.servers.contact.people import Person

if TYPE_CHECKING:
    from icalendar import Event as EventComponent
    from icalendar import Timezone, vCalAddress

_PRODUCT = "-//Switchboard//Booking//EN"


def invitation(event: Event, method: Method, sequence: int, stamp: datetime) -> bytes:
    """One VCALENDAR with the event and its zone. REQUEST invites, or tells a change (`sequence` raised);
    CANCEL withdraws. UID is the event's in all of them."""
    # lazy: 60 ms, needed only where a letter is written
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if not _is_utc(event.tz):
        calendar.add_component(_zone(event.tz, event.start.year, event.end.year))
    calendar.add_component(_component(event, method, sequence, stamp))
    return calendar.to_ical()


def _component(event: Event, method: Method, sequence: int, stamp: datetime) -> "EventComponent":
    # lazy: see `invitation`
    from icalendar import Event as EventComponent

    component = EventComponent()
    component.add("uid", event.uid)
    component.add("sequence", sequence)
    component.add("dtstamp", stamp.astimezone(UTC))
    component.add("dtstart", _local(event.start, event.tz))
    component.add("dtend", _local(event.end, event.tz))
    component.add("summary", _visible(event.title))
    if event.location:
        component.add("location", _visible(event.location))
    if event.notes:
        component.add("description", _visible(event.notes))
    component.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    component.add("transp", "OPAQUE")
    component.add("organizer", _address(event.organiser), encode=False)
    for person in event.attendees:
        component.add("attendee", _attendee(person, method), encode=False)
    return component


def _attendee(person: Person, method: Method) -> "vCalAddress":
    attendee = _address(person)
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    if method == "REQUEST":
        attendee.params["PARTSTAT"] = "NEEDS-ACTION"
        attendee.params["RSVP"] = "TRUE"
    return attendee


def _address(person: Person) -> "vCalAddress":
    # lazy: see `invitation`
    from icalendar import vCalAddress

    address = vCalAddress(f"mailto:{person.email}")
    # a parameter cannot hold a quotation mark (RFC 5545, 3.2)
    if name := " ".join(_visible(person.name).replace('"', "'").split()):
        address.params["CN"] = name
    return address


def _local(moment: datetime, tz: str) -> datetime:
    """In UTC for the zones that are UTC: these need no VTIMEZONE."""
    return moment.astimezone(UTC) if _is_utc(tz) else moment.astimezone(ZoneInfo(tz))


def _is_utc(tz: str) -> bool:
    return tz in {"UTC", "Etc/UTC"}


@lru_cache(maxsize=64)
def _zone(tz: str, first_year: int, last_year: int) -> "Timezone":
    """Two years of changes around the event: what a reader needs, and no table of the last century."""
    # lazy: see `invitation`
    from icalendar import Timezone

    return Timezone.from_tzid(
        tz, first_date=date(first_year - 1, 1, 1), last_date=date(last_year + 1, 12, 31)
    )


def _visible(text: str) -> str:
    """Without control characters, of which RFC 5545 allows line breaks and tabs."""
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
