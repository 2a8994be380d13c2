"""The commits of bookings: everything that is agreed in one, before anything is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.wire.contact import BookingStep, Step
from ports.queue import Queue
from tools.servers.asking import LIVES_S
from tools.servers.contact.booking.errors import BookingChanging, NoSuchBooking
from tools.servers.contact.effects import content, facts
from tools.servers.contact.effects.content import Wanted
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.effects.finishing import Finishing, abandoned_lock
from tools.servers.contact.effects.ledger import Ledger
from tools.servers.contact.effects.reporting import Reporting
from tools.servers.contact.effects.settling import locked
from tools.servers.contact.letters import ConsentText
from tools.servers.contact.letters.consent import keep_text
from tools.servers.contact.people import Owner
from tools.servers.contact.store.models import CLOSED, BookingRow, ConsentRow, EffectRow
from tools.servers.contact.times.shapes import Slot

_ACTIVE: Final = ("booking", "booked")


@dataclass(frozen=True, slots=True)
class Kept:
    """row: this booking, or (other) the same meeting that the person has already."""

    row: BookingRow
    other: bool = False


class Keeping:
    def __init__(self, ledger: Ledger, finishing: Finishing, queue: Queue, reporting: Reporting) -> None:
        self._ledger = ledger
        self._finishing = finishing
        self._queue = queue
        self._reporting = reporting

    async def begun(self, owner: Owner, booking_id: UUID, channel: str) -> None:
        """Somebody has begun to book; counted as abandoned when the question has expired."""
        at = self._ledger.clock.now() + timedelta(seconds=LIVES_S)
        told = _step(owner, booking_id, "started", channel)
        async with self._ledger.database.begin() as session:
            await self._reporting.tell(session, told)
            await self._finishing.given_up_later(session, told, at)

    async def stepped(self, owner: Owner, booking_id: UUID, step: Step, channel: str) -> None:
        async with self._ledger.database.begin() as session:
            await self._reporting.tell(session, _step(owner, booking_id, step, channel))
            if step == "cancelled":
                await self._queue.withdraw(session, abandoned_lock(booking_id))

    async def book(
        self, owner: Owner, booking_id: UUID, agreed: Facts, slot: Slot, text: ConsentText
    ) -> Kept:
        """Booking, consent and three effects in one commit. Asked twice, what is there comes back."""
        consent_id = uuid5(booking_id, "consent")
        async with self._ledger.database.begin() as session:
            if not await self._insert(session, owner, booking_id, consent_id, agreed, slot):
                return await self._there(session, owner, booking_id, agreed.host, slot.start)
            await self._ledger.may_write(session, owner)
            await keep_text(session, owner, text, self._ledger.clock.now())
            session.add(self._consent(owner, booking_id, consent_id, agreed, text))
            event = facts.event_of(booking_id, agreed, slot.start, slot.end, 0)
            key = facts.key_of(booking_id, 0)
            note = f"Booked: {event.title}, {slot.start.isoformat()}"
            self._add(
                session,
                owner,
                booking_id,
                content.place(key, event),
                facts.letter(booking_id, "confirmed", agreed, event),
                facts.lead(booking_id, agreed, consent_id, 0, note),
            )
            await self._finishing.finish_later(session, booking_id)
            await self._queue.withdraw(session, abandoned_lock(booking_id))
            row = await session.get_one(BookingRow, booking_id)
        return Kept(row)

    async def move(self, owner: Owner, booking_id: UUID, sequence: int, slot: Slot) -> BookingRow:
        """sequence: of the change; asked twice, it is made once. Raises NoSuchBooking, BookingChanging."""
        async with self._ledger.database.begin() as session:
            row, effects = await self._mine(session, owner, booking_id)
            if _has(effects, facts.key_of(booking_id, sequence)):
                return row
            self._changeable(row, effects, sequence)
            await self._ledger.may_write(session, owner)
            agreed = Facts.of(row)
            event = facts.event_of(booking_id, agreed, slot.start, slot.end, sequence)
            note = f"Moved: {event.title}, {slot.start.isoformat()}"
            self._add(
                session,
                owner,
                booking_id,
                content.move(facts.key_of(booking_id, sequence), event),
                facts.letter(booking_id, "moved", agreed, event, was=row.start_at),
                facts.lead(booking_id, agreed, row.consent_id, sequence, note),
            )
            await self._finishing.finish_later(session, booking_id)
        return row

    async def cancel(self, owner: Owner, booking_id: UUID, sequence: int) -> BookingRow:
        """The booking is cancelled with the commit; what follows from it is done after. Raises as `move`."""
        async with self._ledger.database.begin() as session:
            row, effects = await self._mine(session, owner, booking_id)
            if _has(effects, facts.key_of(booking_id, sequence)):
                return row
            self._changeable(row, effects, sequence)
            row.state, row.changed_at = "cancelled", self._ledger.clock.now()
            agreed = Facts.of(row)
            event = facts.event_of(booking_id, agreed, row.start_at, row.end_at, sequence)
            self._add(
                session,
                owner,
                booking_id,
                content.remove(facts.key_of(booking_id, sequence), event),
                facts.letter(booking_id, "cancelled", agreed, event),
                facts.lead(booking_id, agreed, row.consent_id, sequence, f"Cancelled: {event.title}"),
            )
            await self._finishing.finish_later(session, booking_id)
        return row

    async def coming(self, owner: Owner, *, past: bool = False) -> list[BookingRow]:
        """Mine, by time; cancelled ones only among the past."""
        query = select(BookingRow).where(
            BookingRow.organisation_id == owner.organisation_id, BookingRow.user_id == owner.user_id
        )
        if not past:
            now = self._ledger.clock.now()
            query = query.where(BookingRow.end_at > now, BookingRow.state.in_(_ACTIVE))
        async with self._ledger.database.begin() as session:
            return list(await session.scalars(query.order_by(BookingRow.start_at).limit(100)))

    async def get(self, owner: Owner, booking_id: UUID) -> BookingRow:
        """Raises NoSuchBooking, also for somebody else's."""
        async with self._ledger.database.begin() as session:
            row = await session.get(BookingRow, booking_id)
        return _own(row, owner)

    async def consented(self, owner: Owner, consent_id: UUID) -> ConsentRow | None:
        """None: there is none of this person's."""
        async with self._ledger.database.begin() as session:
            row = await session.get(ConsentRow, consent_id)
        mine = row is not None and (row.organisation_id, row.user_id) == (
            owner.organisation_id,
            owner.user_id,
        )
        return row if mine else None

    def _add(self, session: AsyncSession, owner: Owner, booking_id: UUID, *wanted: Wanted) -> None:
        for one in wanted:
            self._ledger.add(session, owner, one, booking_id)

    async def _insert(  # noqa: PLR0917  the columns
        self,
        session: AsyncSession,
        owner: Owner,
        booking_id: UUID,
        consent_id: UUID,
        agreed: Facts,
        slot: Slot,
    ) -> bool:
        """False: this booking, or the same meeting, is there already."""
        now = self._ledger.clock.now()
        added = await session.scalar(
            insert(BookingRow)
            .values(
                id=booking_id,
                organisation_id=owner.organisation_id,
                user_id=owner.user_id,
                state="booking",
                consent_id=consent_id,
                host=agreed.host,
                start_at=slot.start,
                end_at=slot.end,
                facts=agreed.kept(),
                created_at=now,
                changed_at=now,
            )
            .on_conflict_do_nothing()
            .returning(BookingRow.id)
        )
        return added is not None

    async def _there(
        self, session: AsyncSession, owner: Owner, booking_id: UUID, host: str, start: datetime
    ) -> Kept:
        row = await session.get(BookingRow, booking_id)
        if row is not None:
            return Kept(_own(row, owner))
        other = await session.scalar(
            select(BookingRow).where(
                BookingRow.organisation_id == owner.organisation_id,
                BookingRow.user_id == owner.user_id,
                BookingRow.host == host,
                BookingRow.start_at == start,
                BookingRow.state.in_(_ACTIVE),
            )
        )
        if other is None:
            raise BookingChanging
        return Kept(other, other=True)

    def _consent(
        self, owner: Owner, booking_id: UUID, consent_id: UUID, agreed: Facts, text: ConsentText
    ) -> ConsentRow:
        return ConsentRow(
            id=consent_id,
            organisation_id=owner.organisation_id,
            user_id=owner.user_id,
            booking_id=booking_id,
            email=agreed.email,
            text_version=text.version,
            privacy=True,
            contact=agreed.contact,
            channel=agreed.channel,
            given_at=self._ledger.clock.now(),
        )

    async def _mine(
        self, session: AsyncSession, owner: Owner, booking_id: UUID
    ) -> tuple[BookingRow, Sequence[EffectRow]]:
        row = _own(await locked(session, booking_id), owner)
        return row, await self._ledger.of_booking(session, booking_id)

    def _changeable(self, row: BookingRow, effects: Sequence[EffectRow], sequence: int) -> None:
        """One change after the other."""
        if row.state == "cancelled":
            raise NoSuchBooking("This meeting is cancelled already.")
        if row.end_at <= self._ledger.clock.now():
            raise NoSuchBooking("This meeting is over.")
        events = [one for one in effects if one.kind == "event"]
        if row.state != "booked" or any(one.state not in CLOSED for one in events):
            raise BookingChanging
        if sequence != row.sequence + 1:
            raise BookingChanging("This meeting has been changed meanwhile.")


def _has(effects: Sequence[EffectRow], key: str) -> bool:
    return any(one.key == key for one in effects)


def _own(row: BookingRow | None, owner: Owner) -> BookingRow:
    if row is None or (row.organisation_id, row.user_id) != (owner.organisation_id, owner.user_id):
        raise NoSuchBooking
    return row


def _step(owner: Owner, booking_id: UUID, step: Step, channel: str) -> BookingStep:
    return BookingStep(
        booking_id=booking_id,
        organisation_id=owner.organisation_id,
        user_id=owner.user_id,
        step=step,
        channel=channel,
    )
