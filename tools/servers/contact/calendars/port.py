"""What every calendar does for us: built-in, CalDAV, Microsoft Graph, Google (SPEC 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tools.servers.contact.people import Owner, Person


@dataclass(frozen=True, slots=True, order=True)
class Busy:
    """Half-open: [start, end), both aware, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """start, end: aware, in this order; ValueError otherwise. tz: the IANA zone in which it was agreed (what
    people read in their calendars)."""

    uid: str
    title: str
    start: datetime
    end: datetime
    tz: str
    organiser: Person
    attendees: tuple[Person, ...] = ()
    location: str = ""
    notes: str = ""
    sequence: int = 0

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError("an event is from one instant to a later one")

    @property
    def people(self) -> tuple[Person, ...]:
        """Organiser first, everybody once."""
        once: dict[str, Person] = {}
        for person in (self.organiser, *self.attendees):
            once.setdefault(person.address, person)
        return tuple(once.values())


@dataclass(frozen=True, slots=True)
class Placed:
    """notified: the calendar itself sends invitations, so no other mail carries one."""

    event_id: str
    calendar_url: str
    created_at: datetime
    notified: bool


class Calendar(Protocol):
    """Every method raises CalendarUnavailable (a kit.errors.Unavailable) within its time limit where the
    system does not answer, and CalendarRefused where it will not do it however often it is asked."""

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        """By address as asked: what overlaps [start, end), sorted and merged. Somebody whom this calendar
        does not keep (a guest from outside) is left out: nothing is known of them."""
        ...

    async def place(self, owner: Owner, event: Event) -> Placed:
        """Idempotent by `uid` within the organisation: asked twice, the first answer comes again.
        Raises SlotTaken, and leaves nothing, when anybody whom this calendar keeps is busy meanwhile."""
        ...

    async def move(self, owner: Owner, event: Event) -> Placed:
        """The same uid, its sequence raised; idempotent by both. What the event itself occupied does not
        count as busy. Raises SlotTaken (it stays where it was), NoSuchEvent."""
        ...

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        """Gone already is fine."""
        ...

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        """What a crashed attempt has left."""
        ...
