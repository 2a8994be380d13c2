"""Calendars in other systems, behind one way of not booking twice.

Those systems answer "who is busy" and take an event, but do not check and place in one step. So each booking
first holds its people's time in our Postgres (holds.py), looks, places, and keeps the hold for some minutes,
until what was placed shows in the other system's own free/busy. Of two bookings through us one loses; against
an appointment that a person enters over there in the same second, nothing can be done.

Where an event was placed is written down before the first outside call, so an attempt that crashed is found.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.errors import Unavailable
from ports.db import Database
from tools.servers.contact.calendars import holds
from tools.servers.contact.calendars.builtin import Keeps
from tools.servers.contact.calendars.busy import merged, overlaps
from tools.servers.contact.calendars.errors import (
    CalendarRefused,
    CalendarUnavailable,
    NoSuchEvent,
    SlotTaken,
)
from tools.servers.contact.calendars.models import PlaceRow
from tools.servers.contact.calendars.port import Busy, Event, Placed
from tools.servers.contact.people import Owner

_HELD_FOR: Final = timedelta(minutes=10)
_ATTEMPTS: Final = 3
Answer = TypeVar("Answer")


class Changed(Exception):
    """Somebody has changed the event over there since it was read (HTTP 412)."""


class AlreadyThere(Exception):
    """An event with this uid is there."""


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Whose calendars an event stands in: the organiser's, and those of the other people who are kept."""

    organiser: str
    others: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.organiser, *self.others)


@dataclass(frozen=True, slots=True)
class Standing:
    """An event as it is over there. version: what a change must name (an ETag)."""

    event_id: str
    url: str
    start: datetime
    end: datetime
    sequence: int
    version: str


class Outside(Protocol):
    """What is different in each system. Every method raises CalendarUnavailable or CalendarRefused."""

    @property
    def notifies(self) -> bool:
        """Whether it sends invitations by itself."""
        ...

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime, but: str | None = None
    ) -> Mapping[str, list[Busy]]:
        """Of all the people. but: the uid of an event that is left out where the system can tell."""
        ...

    async def create(self, event: Event, mailboxes: Mailboxes) -> Standing:
        """Raises AlreadyThere."""
        ...

    async def change(self, event: Event, mailboxes: Mailboxes, standing: Standing) -> Standing:
        """Raises Changed where it is not what `standing` says, NoSuchEvent."""
        ...

    async def delete(self, uid: str, mailboxes: Mailboxes, sequence: int) -> None: ...

    async def get(self, uid: str, mailboxes: Mailboxes) -> Standing | None: ...


class OutsideCalendar:
    """The port `Calendar` over a system elsewhere."""

    def __init__(self, outside: Outside, database: Database, clock: Clock, keeps: Keeps) -> None:
        self._outside = outside
        self._database = database
        self._clock = clock
        self._keeps = keeps

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        kept = [one for one in people if self._keeps(owner, one)]
        if not kept:
            return {}
        found = await self._outside.busy(owner, kept, start, end)
        async with self._database.begin() as session:
            ours = await holds.held(session, owner, kept, start, end, now=self._clock.now())
        return {one: merged([*found[one], *ours[one]], start, end) for one in kept}

    async def place(self, owner: Owner, event: Event) -> Placed:
        mailboxes = self._mailboxes(owner, event)
        known = await self._known(owner, event.uid)
        if known and (standing := await self._outside.get(event.uid, known.mailboxes)):
            return self._placed(known, standing)
        try:
            row = await self._free(owner, event, mailboxes)
            return self._placed(row, await self._create(event, mailboxes))
        except (SlotTaken, CalendarRefused):
            mine = await self._known(owner, event.uid)
            if mine and (standing := await self._outside.get(event.uid, mine.mailboxes)):
                # placed by an attempt beside this one
                return self._placed(mine, standing)
            if mine:
                await self._take_back(owner, event, mine.mailboxes)
            raise

    async def _free(self, owner: Owner, event: Event, mailboxes: Mailboxes) -> "_Known":
        """Held for us, and free over there. Raises SlotTaken."""
        row = await self._claim(owner, event, mailboxes)
        if await self._taken(owner, event, mailboxes):
            raise SlotTaken
        return row

    async def move(self, owner: Owner, event: Event) -> Placed:
        row = await self._known(owner, event.uid)
        standing = await self._outside.get(event.uid, row.mailboxes) if row else None
        if row is None or standing is None:
            raise NoSuchEvent
        if standing.sequence >= event.sequence:
            return self._placed(row, standing)
        await self._claim(owner, event, row.mailboxes)
        if await self._taken(owner, event, row.mailboxes, standing):
            await self._let_go(owner, event.uid, forget=False)
            raise SlotTaken
        return self._placed(row, await self._change(event, row.mailboxes, standing))

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        row = await self._known(owner, uid)
        if row is None:
            return
        await self._outside.delete(uid, row.mailboxes, sequence)
        await self._let_go(owner, uid, forget=True)

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        row = await self._known(owner, uid)
        standing = await self._outside.get(uid, row.mailboxes) if row else None
        return self._placed(row, standing) if row and standing else None

    def _mailboxes(self, owner: Owner, event: Event) -> Mailboxes:
        """The organiser's calendar is written even where the host has gone from the file since."""
        kept = [one.address for one in event.people if self._keeps(owner, one.address)]
        organiser = event.organiser.address
        return Mailboxes(organiser, tuple(one for one in kept if one != organiser))

    async def _known(self, owner: Owner, uid: str) -> "_Known | None":
        async with self._database.begin() as session:
            return await _known(session, owner, uid)

    async def _claim(self, owner: Owner, event: Event, mailboxes: Mailboxes) -> "_Known":
        """Raises SlotTaken, and changes nothing."""
        now = self._clock.now()
        async with self._database.begin() as session:
            await holds.take_turns(session, owner, event.uid, mailboxes.all)
            if not await holds.hold(session, owner, event, mailboxes.all, now=now, until=now + _HELD_FOR):
                raise SlotTaken
            await session.execute(
                insert(PlaceRow)
                .values(
                    organisation_id=owner.organisation_id,
                    user_id=owner.user_id,
                    uid=event.uid,
                    organiser=mailboxes.organiser,
                    others=list(mailboxes.others),
                    created_at=now,
                )
                .on_conflict_do_nothing()
            )
            row = await _known(session, owner, event.uid)
            if row is None:
                # the uid is that of somebody else's event, about which nothing is said
                raise SlotTaken
            return row

    async def _taken(
        self, owner: Owner, event: Event, mailboxes: Mailboxes, standing: Standing | None = None
    ) -> bool:
        found = await self._outside.busy(owner, mailboxes.all, event.start, event.end, event.uid)
        busy = [one for busy in found.values() for one in busy]
        if standing is not None:
            busy = [piece for one in busy for piece in _without(one, standing)]
        return overlaps(busy, event.start.astimezone(UTC), event.end.astimezone(UTC))

    async def _create(self, event: Event, mailboxes: Mailboxes) -> Standing:
        try:
            return await self._outside.create(event, mailboxes)
        except AlreadyThere:
            if standing := await self._outside.get(event.uid, mailboxes):
                return standing
            raise CalendarUnavailable from None

    async def _change(self, event: Event, mailboxes: Mailboxes, standing: Standing) -> Standing:
        for _ in range(_ATTEMPTS):
            try:
                return await self._outside.change(event, mailboxes, standing)
            except Changed:
                found = await self._outside.get(event.uid, mailboxes)
                if found is None:
                    raise NoSuchEvent from None
                if found.sequence >= event.sequence:
                    return found
                standing = found
        raise CalendarUnavailable

    async def _take_back(self, owner: Owner, event: Event, mailboxes: Mailboxes) -> None:
        """Nothing stays, nor do copies that an attempt which crashed has left in some of the calendars."""
        gone = False
        with suppress(CalendarRefused, CalendarUnavailable):
            await self._outside.delete(event.uid, mailboxes, event.sequence)
            gone = True
        await self._let_go(owner, event.uid, forget=gone)

    async def _let_go(self, owner: Owner, uid: str, *, forget: bool) -> None:
        async with self._database.begin() as session:
            await holds.release(session, owner, uid)
            if forget:
                await session.execute(
                    delete(PlaceRow).where(
                        PlaceRow.organisation_id == owner.organisation_id,
                        PlaceRow.user_id == owner.user_id,
                        PlaceRow.uid == uid,
                    )
                )

    def _placed(self, row: "_Known", standing: Standing) -> Placed:
        return Placed(standing.event_id, standing.url, row.created_at, self._outside.notifies)


@dataclass(frozen=True, slots=True)
class _Known:
    mailboxes: Mailboxes
    created_at: datetime


async def _known(session: AsyncSession, owner: Owner, uid: str) -> _Known | None:
    """Of this person only."""
    row = await session.get(PlaceRow, (owner.organisation_id, uid))
    if row is None or row.user_id != owner.user_id:
        return None
    return _Known(Mailboxes(row.organiser, tuple(row.others)), row.created_at)


def _without(busy: Busy, standing: Standing) -> list[Busy]:
    """What the event itself occupied is not in its way."""
    pieces = [
        (busy.start, min(busy.end, standing.start)),
        (max(busy.start, standing.end), busy.end),
    ]
    return [Busy(start, end) for start, end in pieces if start < end]


def unavailable(error: Exception, name: str) -> CalendarUnavailable:
    wait = error.retry_after if isinstance(error, Unavailable) else None
    return CalendarUnavailable(f"{name} does not answer.", retry_after=wait)
