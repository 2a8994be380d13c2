"""The built-in calendar, for who has no other: in our own Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from ports.db import Database
from tools.servers.contact.calendars import holds
from tools.servers.contact.calendars.busy import merged
from tools.servers.contact.calendars.errors import NoSuchEvent, SlotTaken
from tools.servers.contact.calendars.models import CalendarEventRow
from tools.servers.contact.calendars.port import Busy, Event, Placed
from tools.servers.contact.people import Owner, Person

Keeps = Callable[[Owner, str], bool]
"""Whether a calendar is kept of this address, for that organisation. Of guests none is: whoever types
another's address into a form must not be able to fill that person's day."""


class BuiltinCalendar:
    """Notifies nobody: the invitation goes by e-mail."""

    def __init__(self, database: Database, clock: Clock, keeps: Keeps) -> None:
        self._database = database
        self._clock = clock
        self._keeps = keeps

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        kept = [one for one in people if self._keeps(owner, one)]
        async with self._database.begin() as session:
            found = await holds.held(session, owner, kept, start, end, now=self._clock.now())
        return {one: merged(busy, start, end) for one, busy in found.items()}

    async def place(self, owner: Owner, event: Event) -> Placed:
        async with self._database.begin() as session:
            people = await self._turn(session, owner, event)
            row = await _row(session, owner, event.uid)
            if row is not None:
                return _placed(row)
            return await self._write(session, owner, event, people, self._clock.now())

    async def move(self, owner: Owner, event: Event) -> Placed:
        async with self._database.begin() as session:
            people = await self._turn(session, owner, event)
            row = await _row(session, owner, event.uid)
            if row is None:
                raise NoSuchEvent
            if row.sequence >= event.sequence:
                return _placed(row)
            created_at = row.created_at
            await session.delete(row)
            await session.flush()
            return await self._write(session, owner, event, people, created_at)

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        async with self._database.begin() as session:
            await holds.take_turns(session, owner, uid)
            row = await _row(session, owner, uid)
            if row is None:
                return
            await holds.release(session, owner, uid)
            await session.execute(
                delete(CalendarEventRow).where(
                    CalendarEventRow.organisation_id == owner.organisation_id, CalendarEventRow.uid == uid
                )
            )

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        async with self._database.begin() as session:
            row = await _row(session, owner, uid)
        return _placed(row) if row is not None else None

    async def _turn(self, session: AsyncSession, owner: Owner, event: Event) -> list[str]:
        """The people of the event that are kept, once it is our turn with them."""
        people = [one.address for one in event.people if self._keeps(owner, one.address)]
        await holds.take_turns(session, owner, event.uid, people)
        return people

    async def _write(
        self, session: AsyncSession, owner: Owner, event: Event, people: Sequence[str], created_at: datetime
    ) -> Placed:
        if not await holds.hold(session, owner, event, people, now=self._clock.now(), until=None):
            raise SlotTaken
        row = CalendarEventRow(
            organisation_id=owner.organisation_id,
            user_id=owner.user_id,
            uid=event.uid,
            title=event.title,
            start_at=event.start,
            end_at=event.end,
            tz=event.tz,
            organiser=_written(event.organiser),
            attendees=[_written(one) for one in event.attendees],
            location=event.location,
            notes=event.notes,
            sequence=event.sequence,
            created_at=created_at,
        )
        session.add(row)
        try:
            await session.flush()
        except IntegrityError as error:
            # the uid is that of somebody else's event, about which nothing is said
            raise SlotTaken from error
        return _placed(row)


async def _row(session: AsyncSession, owner: Owner, uid: str) -> CalendarEventRow | None:
    """Of this person only: somebody else's event is not there."""
    return await session.scalar(
        select(CalendarEventRow).where(
            CalendarEventRow.organisation_id == owner.organisation_id,
            CalendarEventRow.uid == uid,
            CalendarEventRow.user_id == owner.user_id,
        )
    )


def _written(person: Person) -> list[str]:
    return [person.email, person.name]


def _placed(row: CalendarEventRow) -> Placed:
    return Placed(row.uid, "", row.created_at, notified=False)
