"""What a letter about a meeting is written from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.people import Person

Kind = Literal["confirmed", "moved", "cancelled"]


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """key: the letter's. event: as it stands now (cancelled: as it stood). guest: who booked, whom the letter
    addresses. host: whom they meet, as people say it. tz: the IANA zone in which the guest reads times.
    was: the start before it was moved. how_to_cancel: one sentence.

    calendar_notifies: the calendar has sent invitations of its own (`Placed.notified`): no second one.
    """

    key: str
    event: Event
    guest: Person
    host: str
    tz: str
    was: datetime | None = None
    phone: str = ""
    how_to_cancel: str = ""
    organisation: str = ""
    calendar_notifies: bool = False
