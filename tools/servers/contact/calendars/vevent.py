"""One event as iCalendar text for a CalDAV server (RFC 4791, 4.1): without METHOD, in UTC, which needs no
VTIMEZONE since it does not recur."""

from datetime import UTC, datetime
from typing import Any, cast

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.people import Person

_PRODUCT = "-//Switchboard//Calendar//EN"


def written(event: Event, stamp: datetime) -> bytes:
    # lazy: 60 ms, for who has chosen CalDAV
    from icalendar import Calendar
    from icalendar import Event as Component

    calendar, component = cast(Any, Calendar()), cast(Any, Component())
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    component.add("dtstamp", stamp.astimezone(UTC))
    component.add("dtstart", event.start.astimezone(UTC))
    component.add("dtend", event.end.astimezone(UTC))
    component.add("summary", _visible(event.title))
    component.add("location", _visible(event.location))
    component.add("description", _visible(event.notes))
    component.add("status", "CONFIRMED")
    component.add("organizer", _address(event.organiser))
    for person in event.attendees:
        attendee = _address(person)
        # The invitation goes by our own mail: the server shall not send another (RFC 6638, 7.1).
        attendee.params["SCHEDULE-AGENT"] = "CLIENT"
        component.add("attendee", attendee)
    calendar.add_component(component)
    return calendar.to_ical()


def read_back(text: str) -> tuple[datetime, datetime, int]:
    """start, end, sequence of what `written` has written, whoever has changed it since. Raises ValueError."""
    # lazy: see `written`
    from icalendar import Calendar

    [component, *_] = cast(Any, Calendar.from_ical(text)).walk("VEVENT") or [None]
    if component is None:
        raise ValueError("no event")
    start, end = component["DTSTART"].dt, component["DTEND"].dt
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        raise ValueError("it was made an event of whole days")
    return start.astimezone(UTC), end.astimezone(UTC), int(component.get("SEQUENCE", 0))


def _address(person: Person) -> Any:
    # lazy: see `written`
    from icalendar import vCalAddress

    found = cast(Any, vCalAddress)(f"mailto:{person.email}")
    # a parameter cannot hold a quotation mark (RFC 5545, 3.2)
    if name := " ".join(_visible(person.name).replace('"', "'").split()):
        found.params["CN"] = name
    return found


def _visible(text: str) -> str:
    """Without control characters, of which RFC 5545 allows line breaks and tabs."""
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
