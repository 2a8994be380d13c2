"""People and events of the calendars' tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.people import Owner, Person

DANA = Person("dana@example.com", "Dana Hart")
OMAR = Person("omar@example.com", "Omar Nasser")
GUEST = Person("maya.guest@elsewhere.example", "Maya")
KEPT = frozenset({DANA.address, OMAR.address})
MONDAY = datetime(2026, 12, 7, tzinfo=UTC)


class MovedNow:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 12, 1, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def somebody() -> Owner:
    return Owner(uuid4(), uuid4())


def keeps(owner: Owner, email: str) -> bool:
    return email.casefold() in KEPT


def at(hour: float, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def meeting(start: float, minutes: int = 30, *, day: int = 0, uid: str | None = None) -> Event:
    begins = at(start, day)
    return Event(
        uid=uid or f"{uuid4()}@switchboard",
        title="About ACE training",
        start=begins,
        end=begins + timedelta(minutes=minutes),
        tz="Australia/Sydney",
        organiser=DANA,
        attendees=(GUEST,),
        location="Level 3; room 2, north",
        notes="Bring the plan.\nÄnderungen folgen.",
    )


def moved(event: Event, hours: float) -> Event:
    by = timedelta(hours=hours)
    return replace(event, start=event.start + by, end=event.end + by, sequence=event.sequence + 1)
