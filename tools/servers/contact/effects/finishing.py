"""The consumer: what a call has left open, or a crash, is finished here; what is over is forgotten."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Unavailable
from kit.wire.contact import BookingStep
from ports.queue import Queue, Tasks
from tools.servers.contact.effects.facts import Facts, forgotten
from tools.servers.contact.effects.ledger import Ledger
from tools.servers.contact.effects.performing import Performing
from tools.servers.contact.effects.reporting import Reporting
from tools.servers.contact.effects.settling import FINISH, Settling, finish_lock
from tools.servers.contact.store.models import CLOSED, BookingRow, EffectRow

SINGLE: Final = "contact.effect"
ABANDONED: Final = "contact.abandoned"
_TIDY_S: Final = 3600
_COUNT_S: Final = 60
_ATTEMPTS: Final = 60
_LONGEST_S: Final = 300.0
"""Between attempts; with this, 60 of them are some four hours: longer than mail is queued."""
_FACTS_KEPT: Final = timedelta(days=30)
_EFFECTS_KEPT: Final = timedelta(days=30)
_BATCH: Final = 500
letters_in_doubt = Gauge(
    "switchboard_contact_letters_in_doubt", "Letters of which nobody can tell whether they were sent."
)


class StillOpen(Unavailable):
    """Tried again by the queue."""

    code = "contact_still_open"
    title = "Something of it is not done yet"


class Finishing:
    def __init__(
        self, ledger: Ledger, settling: Settling, performing: Performing, queue: Queue, reporting: Reporting
    ) -> None:
        self._ledger = ledger
        self._settling = settling
        self._performing = performing
        self._queue = queue
        self._reporting = reporting

    def register(self, tasks: Tasks) -> None:
        """contact.finish, contact.effect, contact.abandoned; contact.tidy, every hour; contact.doubts, every
        minute; contact.report."""
        how: dict[str, Any] = {"attempts": _ATTEMPTS, "backoff_s": 2.0, "longest_s": _LONGEST_S}
        tasks.add(FINISH, self._finish, timeout_s=180.0, **how)
        tasks.add(SINGLE, self._single, timeout_s=120.0, **how)
        tasks.add(ABANDONED, self._abandoned)
        tasks.every(_TIDY_S, "contact.tidy", self._tidy)
        tasks.every(_COUNT_S, "contact.doubts", self._count_doubts)
        self._reporting.register(tasks)

    async def finish_later(self, session: AsyncSession, booking_id: UUID) -> None:
        """In the commit that writes the effects; it waits for as long as whoever wrote them is at work."""
        at = self._ledger.clock.now() + timedelta(seconds=self._ledger.lease_s)
        args = {"booking_id": str(booking_id)}
        await self._queue.defer(
            session,
            FINISH,
            args,
            queueing_lock=finish_lock(booking_id),
            lock=finish_lock(booking_id),
            run_at=at,
        )

    async def effect_later(self, session: AsyncSession, effect_id: UUID) -> None:
        at = self._ledger.clock.now() + timedelta(seconds=self._ledger.lease_s)
        await self._queue.defer(session, SINGLE, {"effect_id": str(effect_id)}, run_at=at)

    async def given_up_later(self, session: AsyncSession, begun: BookingStep, at: datetime) -> None:
        """Counted as abandoned at that time, unless it is booked or withdrawn by then; ids only."""
        booking_id, args = begun.booking_id, begun.model_dump(mode="json")
        await self._queue.defer(session, ABANDONED, args, queueing_lock=abandoned_lock(booking_id), run_at=at)

    async def _finish(self, args: dict[str, Any]) -> None:
        booking_id = UUID(args["booking_id"])
        if not await self._settling.take_up(booking_id):
            raise StillOpen
        await self._performing.booking(booking_id)
        if any(row.state not in CLOSED for row in await self._ledger.of(booking_id)):
            raise StillOpen

    async def _single(self, args: dict[str, Any]) -> None:
        row = await self._ledger.get(UUID(args["effect_id"]))
        if row is None or row.state in CLOSED:
            return
        await self._performing.one(row.id)
        row = await self._ledger.get(row.id)
        if row is not None and row.state not in CLOSED:
            raise StillOpen

    async def _abandoned(self, args: dict[str, Any]) -> None:
        booking_id = UUID(args["booking_id"])
        async with self._ledger.database.begin() as session:
            if await session.get(BookingRow, booking_id) is not None:
                return
            told = BookingStep.model_validate({**args, "step": "abandoned"})
            await self._reporting.tell(session, told)

    async def _count_doubts(self, _: dict[str, Any]) -> None:
        async with self._ledger.database.begin() as session:
            count = await session.scalar(
                select(func.count()).select_from(EffectRow).where(EffectRow.state == "in_doubt")
            )
        letters_in_doubt.set(count or 0)

    async def _tidy(self, _: dict[str, Any]) -> None:
        """Of meetings that are over the person is forgotten; of effects everything, after the time in which
        anybody repeats a key."""
        now = self._ledger.clock.now()
        async with self._ledger.database.begin() as session:
            over = await session.scalars(
                select(BookingRow)
                .where(BookingRow.end_at < now - _FACTS_KEPT, BookingRow.facts["email"].astext != "")
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            for booking in over:
                booking.facts = forgotten(Facts.of(booking)).kept()
                await session.execute(
                    update(EffectRow).where(EffectRow.booking_id == booking.id).values(content=None)
                )
            old = EffectRow.changed_at < now - _EFFECTS_KEPT
            alone = EffectRow.booking_id.is_(None)
            await session.execute(delete(EffectRow).where(old, alone, EffectRow.state.in_(sorted(CLOSED))))


def abandoned_lock(booking_id: UUID) -> str:
    return f"contact.abandoned:{booking_id}"
