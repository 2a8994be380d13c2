"""The calendars of the contract suite: each with a second connection, and a way to fill it from outside."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ports.db import Database, libpq_url
from tests.tools.contact.calendars.world import MovedNow, keeps, meeting, somebody
from tools.servers.contact.calendars.builtin import BuiltinCalendar
from tools.servers.contact.calendars.port import Calendar
from tools.servers.contact.people import Owner, Person


@dataclass
class Backend:
    """other: the same calendar through another process's eyes. events: how many there are, by the backend's
    own count. puts: somebody's own appointment. goes_away: it answers nothing from then on."""

    owner: Owner
    calendar: Calendar
    other: Calendar
    events: Callable[[], int]
    puts: Callable[[Person, datetime, datetime], Awaitable[None]]
    goes_away: Callable[[], Awaitable[None]]


@asynccontextmanager
async def builtin(url: str, now: MovedNow) -> AsyncIterator[Backend]:
    owner = somebody()
    here, there = Database(url, pool_size=2), Database(url, pool_size=2)
    calendar = BuiltinCalendar(here, now, keeps)

    def events() -> int:
        asked = "SELECT count(*) FROM contact.calendar_events WHERE organisation_id = %s"
        with psycopg.connect(libpq_url(url)) as connection:
            row = connection.execute(asked, (owner.organisation_id,)).fetchone()
        return row[0] if row else 0

    async def puts(person: Person, start: datetime, end: datetime) -> None:
        minutes = int((end - start).total_seconds() // 60)
        event = meeting(start.hour, minutes)
        assert (event.start, event.organiser) == (start, person)
        await calendar.place(owner, event)

    async def goes_away() -> None:
        await here.close()
        calendar._database = Database("postgresql://x:y@127.0.0.1:9/none", pool_size=1)  # pyright: ignore[reportPrivateUsage]

    yield Backend(owner, calendar, BuiltinCalendar(there, now, keeps), events, puts, goes_away)
    await here.close()
    await there.close()


BACKENDS = ["builtin"]
