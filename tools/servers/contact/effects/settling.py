"""What follows from an effect that has ended: in one commit with it, whoever performed it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from kit.wire.contact import BookingFinished, BookingStep, Finished, LeadManual, Step
from ports.queue import Queue
from tools.servers.contact.effects import sentences
from tools.servers.contact.effects.content import event_of
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.effects.ledger import Ledger
from tools.servers.contact.effects.reporting import Reporting
from tools.servers.contact.store.models import (
    CLOSED,
    BookingRow,
    ConsentRow,
    EffectRow,
    EffectState,
)

FINISH: Final = "contact.finish"
_STEPS: Final[dict[str, Step]] = {"place": "confirmed", "move": "moved", "remove": "cancelled"}
_ENDS: Final[dict[str, Finished]] = {"place": "confirmed", "move": "moved", "remove": "cancelled"}


class Settling:
    def __init__(self, ledger: Ledger, queue: Queue, reporting: Reporting) -> None:
        self._ledger = ledger
        self._queue = queue
        self._reporting = reporting

    async def close(
        self,
        row: EffectRow,
        state: EffectState,
        *,
        result: dict[str, Any] | None = None,
        reason: str = "",
        told: bool = False,
        only: EffectState | None = None,
    ) -> bool:
        """The effect's end, and what follows. False: somebody else has closed it. An end that is known
        after all replaces one that was in doubt. told: the person hears it in any case. only: nothing
        happens in any other state."""
        async with self._ledger.database.begin() as session:
            booking = await locked(session, row.booking_id)
            known = await session.get(EffectRow, row.id, with_for_update=True)
            if known is None or known.verb != row.verb or known.state not in ("doing", "in_doubt"):
                return False
            if only is not None and known.state != only:
                return False
            known.state, known.result, known.reason, known.held_until = state, result, reason, None
            known.changed_at = self._ledger.clock.now()
            if state == "manual":
                await self._by_hand(session, known)
            if state == "done" and known.kind != "event":
                known.content = None  # what people wrote is not kept longer than needed
            if booking is not None:
                booking.told_open = booking.told_open or told
                await self._follow(session, booking, known)
            elif known.verb == "remove":
                await session.delete(known)  # of a single event that was not placed: as if never asked for
        return True

    async def undo(self, row: EffectRow) -> None:
        """A booking whose event could not be placed: what may be left of it is taken out by the consumer."""
        async with self._ledger.database.begin() as session:
            booking = await locked(session, row.booking_id)
            known = await session.get(EffectRow, row.id, with_for_update=True)
            if known is None or known.verb != "place" or known.state == "done":
                return
            known.verb, known.state, known.held_until = "remove", "open", None
            if booking is not None:
                booking.state = "undoing"
                await session.execute(
                    delete(EffectRow).where(EffectRow.booking_id == booking.id, EffectRow.id != known.id)
                )

    async def drop(self, row: EffectRow, why: str) -> None:
        """A booking, or a change of one, that did nothing anywhere: it leaves nothing behind."""
        async with self._ledger.database.begin() as session:
            booking = await locked(session, row.booking_id)
            if booking is None:
                await session.execute(delete(EffectRow).where(EffectRow.id == row.id))
            elif row.verb == "move":
                await session.execute(
                    delete(EffectRow).where(EffectRow.booking_id == booking.id, EffectRow.key == row.key)
                )
                booking.sequence += 1  # the calendar may have seen this number
                await self._tell_not(session, booking, "not_moved", sentences.not_moved(booking, why))
            else:
                await self._tell_not(session, booking, "not_booked", sentences.not_booked(booking, why))
                await self._forget(session, booking)

    async def told_open(self, booking_id: UUID) -> Sequence[EffectRow]:
        """The person is being told how it stands now: where something is still open, its end is told, too."""
        async with self._ledger.database.begin() as session:
            booking = await locked(session, booking_id)
            effects = await self._ledger.of_booking(session, booking_id)
            if booking is not None:
                is_open = any(row.state not in CLOSED for row in effects)
                booking.told_open = is_open
                if not is_open:
                    await self._queue.withdraw(session, finish_lock(booking_id))
        return effects

    async def take_up(self, booking_id: UUID) -> bool:
        """The consumer begins where a call has left off: whoever made it is told the end. False: somebody
        is at it still."""
        now = self._ledger.clock.now()
        async with self._ledger.database.begin() as session:
            booking = await locked(session, booking_id)
            if booking is None:
                return True
            effects = await self._ledger.of_booking(session, booking_id)
            if any(one.state == "doing" and (one.held_until or now) > now for one in effects):
                return False
            if booking.state != "undoing" and any(one.state not in CLOSED for one in effects):
                booking.told_open = True
        return True

    async def _follow(self, session: AsyncSession, booking: BookingRow, row: EffectRow) -> None:
        if row.kind == "event":
            await self._event_ended(session, booking, row)
            if booking.state == "undoing":
                return
        effects = await self._ledger.of_booking(session, booking.id)
        if booking.told_open and all(one.state in CLOSED for one in effects):
            booking.told_open = False
            latest = [one for one in effects if one.key == effects[-1].key]
            verb = next((one.verb for one in latest if one.kind == "event"), "place")
            text = sentences.summary(booking, latest)
            await self._finished(session, booking, _ENDS[verb], text)

    async def _event_ended(self, session: AsyncSession, booking: BookingRow, row: EffectRow) -> None:
        if booking.state == "undoing":
            text = sentences.not_booked(booking, "the calendar did not answer")
            await self._tell_not(session, booking, "not_booked", text)
            await self._forget(session, booking)
            return
        if row.state != "done":
            return
        event = event_of(row.content)
        booking.changed_at = self._ledger.clock.now()
        if row.verb == "place":
            booking.state = "booked"
        if row.verb == "move":
            booking.start_at, booking.end_at, booking.sequence = event.start, event.end, event.sequence
        await self._step(session, booking, _STEPS[row.verb])

    async def _forget(self, session: AsyncSession, booking: BookingRow) -> None:
        await session.execute(delete(EffectRow).where(EffectRow.booking_id == booking.id))
        await session.execute(delete(ConsentRow).where(ConsentRow.booking_id == booking.id))
        await session.delete(booking)
        await self._queue.withdraw(session, finish_lock(booking.id))

    async def _tell_not(self, session: AsyncSession, booking: BookingRow, what: Finished, text: str) -> None:
        """Only where the person does not hear it as the answer to their last click."""
        if booking.told_open:
            booking.told_open = False
            await self._finished(session, booking, what, text)

    async def _finished(self, session: AsyncSession, booking: BookingRow, what: Finished, text: str) -> None:
        told = BookingFinished(
            booking_id=booking.id,
            organisation_id=booking.organisation_id,
            user_id=booking.user_id,
            what=what,
            summary=text[:2000],
        )
        await self._reporting.tell(session, told)

    async def _step(self, session: AsyncSession, booking: BookingRow, step: Step) -> None:
        told = BookingStep(
            booking_id=booking.id,
            organisation_id=booking.organisation_id,
            user_id=booking.user_id,
            step=step,
            channel=Facts.of(booking).channel,
        )
        await self._reporting.tell(session, told)

    async def _by_hand(self, session: AsyncSession, row: EffectRow) -> None:
        told = LeadManual(
            organisation_id=row.organisation_id,
            user_id=row.user_id,
            booking_id=row.booking_id,
            key=row.key,
            reason=row.reason[:500] or "The CRM did not answer.",
            lead=row.content or {},
        )
        await self._reporting.tell(session, told)


async def locked(session: AsyncSession, booking_id: UUID | None) -> BookingRow | None:
    """The booking first, then its effects: everybody in this order."""
    return await session.get(BookingRow, booking_id, with_for_update=True) if booking_id else None


def finish_lock(booking_id: UUID) -> str:
    return f"contact.finish:{booking_id}"
