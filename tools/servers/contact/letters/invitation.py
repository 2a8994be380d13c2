"""Invitations and their withdrawal as iCalendar (RFC 5545, RFC 5546)."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.ical import add, address, visible
from tools.servers.contact.letters.zone import vtimezone
from tools.servers.contact.mail.port import Method
from tools.servers.contact.people import Person

if TYPE_CHECKING:
    from icalendar import Event as EventComponent
    from icalendar import vCalAddress

_PRODUCT = "-//Switchboard//Booking//EN"


def invitation(event: Event, method: Method, sequence: int, stamp: datetime) -> bytes:
    """One VCALENDAR with the event and its zone. REQUEST invites, or tells a change (`sequence` raised);
    CANCEL withdraws. UID is the event's in all of them."""
    # lazy: 60 ms, needed only where a letter is written
    from icalendar import Calendar

    calendar = Calendar()
    add(calendar, "prodid", _PRODUCT)
    add(calendar, "version", "2.0")
    add(calendar, "calscale", "GREGORIAN")
    add(calendar, "method", method)
    if not _is_utc(event.tz):
        calendar.add_component(vtimezone(event.tz, event.start.year, event.end.year))
    calendar.add_component(_component(event, method, sequence, stamp))
    return calendar.to_ical()


def _component(event: Event, method: Method, sequence: int, stamp: datetime) -> "EventComponent":
    # lazy: see `invitation`
    from icalendar import Event as EventComponent

    component = EventComponent()
    add(component, "uid", event.uid)
    add(component, "sequence", sequence)
    add(component, "dtstamp", stamp.astimezone(UTC))
    add(component, "dtstart", _local(event, event.start))
    add(component, "dtend", _local(event, event.end))
    add(component, "summary", visible(event.title))
    if event.location:
        add(component, "location", visible(event.location))
    if event.notes:
        add(component, "description", visible(event.notes))
    add(component, "status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    add(component, "transp", "OPAQUE")
    add(component, "organizer", address(event.organiser))
    for person in event.attendees:
        add(component, "attendee", _attendee(person, method))
    return component


def _attendee(person: Person, method: Method) -> "vCalAddress":
    attendee = address(person)
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    if method == "REQUEST":
        attendee.params["PARTSTAT"] = "NEEDS-ACTION"
        attendee.params["RSVP"] = "TRUE"
    return attendee


def _local(event: Event, moment: datetime) -> datetime:
    """In UTC where the zone is UTC, and where a clock shows the same time twice: a local time means the first
    of the two (RFC 5545, 3.3.5)."""
    zone = ZoneInfo(event.tz)
    twice = any(_is_repeated(one.astimezone(zone)) for one in (event.start, event.end))
    return moment.astimezone(UTC if twice or _is_utc(event.tz) else zone)


def _is_repeated(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _is_utc(tz: str) -> bool:
    return tz in {"UTC", "Etc/UTC"}
