"""One event as iCalendar text for a CalDAV server (RFC 4791, 4.1): without METHOD, in UTC, which needs no
VTIMEZONE since it does not recur."""

from datetime import UTC, datetime
from typing import Any, cast

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.ical import add, address, visible

_PRODUCT = "-//Switchboard//Calendar//EN"


def written(event: Event, stamp: datetime) -> bytes:
    # lazy: 60 ms, for who has chosen CalDAV
    from icalendar import Calendar
    from icalendar import Event as Component

    calendar, component = Calendar(), Component()
    add(calendar, "prodid", _PRODUCT)
    add(calendar, "version", "2.0")
    add(component, "uid", event.uid)
    add(component, "sequence", event.sequence)
    add(component, "dtstamp", stamp.astimezone(UTC))
    add(component, "dtstart", event.start.astimezone(UTC))
    add(component, "dtend", event.end.astimezone(UTC))
    add(component, "summary", visible(event.title))
    add(component, "location", visible(event.location))
    add(component, "description", visible(event.notes))
    add(component, "status", "CONFIRMED")
    add(component, "organizer", address(event.organiser))
    for person in event.attendees:
        attendee = address(person)
        # The invitation goes by our own mail: the server shall not send another (RFC 6638, 7.1).
        attendee.params["SCHEDULE-AGENT"] = "CLIENT"
        add(component, "attendee", attendee)
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
