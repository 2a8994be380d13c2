"""A thousand people want a hundred slots, at once and on two replicas."""

import asyncio
from collections import Counter
from dataclasses import replace

import psycopg
import pytest

from kit.errors import Unavailable
from ports.db import Database, libpq_url
from tests.tools.contact.calendars.world import GUEST, OMAR, MovedNow, keeps, meeting, somebody
from tools.servers.contact.calendars.builtin import BuiltinCalendar
from tools.servers.contact.calendars.errors import SlotTaken
from tools.servers.contact.people import Owner

OVERLAPS = """
SELECT count(*) FROM contact.calendar_holds a JOIN contact.calendar_holds b
ON a.calendar_id = b.calendar_id AND a.uid < b.uid AND a.start_at < b.end_at AND b.start_at < a.end_at
"""


async def tried(calendar: BuiltinCalendar, owner: Owner, number: int, slot: int) -> str:
    """Whether it got its slot. Every third wants a second person there, too, in the other order."""
    event = meeting(slot % 20 / 2 + 8, 30, day=slot // 20)
    if number % 3 == 0:
        event = replace(event, organiser=OMAR, attendees=(event.organiser, GUEST))
    while True:
        try:
            await calendar.place(owner, event)
        except SlotTaken:
            return "taken"
        except Unavailable:
            # all connections are in use: whoever wants a slot asks again
            continue
        return "booked"


@pytest.mark.proves("CAL-107", "CAL-102")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("slots", "bookings"), [(10, 100), pytest.param(100, 1000, marks=pytest.mark.full)])
async def test_no_slot_is_booked_twice_however_many_want_it(
    calendar_url: str, now: MovedNow, slots: int, bookings: int
) -> None:
    owner = somebody()
    replicas = [Database(calendar_url, pool_size=5) for _ in range(2)]
    calendars = [BuiltinCalendar(one, now, keeps) for one in replicas]
    wishes = (tried(calendars[number % 2], owner, number, number % slots) for number in range(bookings))
    ended = Counter(await asyncio.gather(*wishes))
    for one in replicas:
        await one.close()

    assert ended == {"booked": slots, "taken": bookings - slots}
    with psycopg.connect(libpq_url(calendar_url)) as connection:
        assert connection.execute(OVERLAPS).fetchone() == (0,)


@pytest.mark.proves("CAL-102")
async def test_postgres_itself_refuses_a_second_hold(calendar_url: str) -> None:
    insert = """INSERT INTO contact.calendar_holds
    (organisation_id, user_id, uid, calendar_id, start_at, end_at) VALUES (%s, %s, %s, %s, %s, %s)"""
    owner, first = somebody(), meeting(9)
    mine = (owner.organisation_id, owner.user_id)
    with psycopg.connect(libpq_url(calendar_url)) as connection:
        connection.execute(insert, (*mine, "a", owner.user_id, first.start, first.end))
        connection.execute(insert, (*mine, "b", owner.organisation_id, first.start, first.end))
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute(insert, (*mine, "c", owner.user_id, first.start, first.end))
