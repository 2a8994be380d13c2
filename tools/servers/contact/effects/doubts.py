"""Letters of which nobody can tell whether they were sent: an operator has looked, and ends the doubt."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Conflict, NotFound
from ports.db import Database
from ports.queue import Queue
from tools.servers.contact.effects.content import facts_of, letter_of
from tools.servers.contact.effects.finishing import SINGLE
from tools.servers.contact.effects.performing import SENT_AGAIN
from tools.servers.contact.effects.settling import FINISH, Settling, finish_lock, locked
from tools.servers.contact.store.models import EffectRow

SETTLED = "Settled by an operator: it did arrive."
_log = structlog.get_logger()


class NoSuchLetter(NotFound):
    code = "no_such_letter"
    title = "There is no such letter"
    default_hint = "`switchboard contact doubtful` lists those in doubt."


class NotInDoubt(Conflict):
    code = "letter_not_in_doubt"
    title = "This letter is not in doubt"
    default_hint = "It was settled, or is being sent again: `switchboard contact doubtful` lists the others."


class Replaced(Conflict):
    code = "letter_replaced"
    title = "A later letter about this meeting has replaced this one"
    default_hint = "Do not send it: it would say what is not so any more. Settle it."


@dataclass(frozen=True, slots=True)
class Doubt:
    """to: masked addresses. since: when the attempt ended. why: what is known of it."""

    id: UUID
    organisation_id: UUID
    booking_id: UUID | None
    to: tuple[str, ...]
    since: datetime
    why: str


class Doubts:
    """Of all organisations: for whoever runs the deployment, not for people of one of them."""

    def __init__(self, database: Database, settling: Settling, queue: Queue) -> None:
        self._database = database
        self._settling = settling
        self._queue = queue

    async def listed(self, limit: int = 100) -> list[Doubt]:
        """The oldest first."""
        async with self._database.begin() as session:
            rows = await session.scalars(
                select(EffectRow)
                .where(EffectRow.state == "in_doubt")
                .order_by(EffectRow.changed_at, EffectRow.id)
                .limit(limit)
            )
            return [_doubt(row) for row in rows]

    async def resend(self, effect_id: UUID) -> None:
        """One more attempt, by the consumer. Asked twice, it is sent once: the first call ends the doubt.
        Raises NoSuchLetter, NotInDoubt, Replaced."""
        async with self._database.begin() as session:
            row = await _in_doubt(session, effect_id)
            await _not_replaced(session, row)
            row.state, row.reason, row.held_until = "open", SENT_AGAIN, None
            if row.booking_id is None:
                await self._queue.defer(session, SINGLE, {"effect_id": str(row.id)})
            else:
                lock = finish_lock(row.booking_id)
                args = {"booking_id": str(row.booking_id)}
                await self._queue.defer(session, FINISH, args, queueing_lock=lock, lock=lock)
        _log.info("contact.letter_sent_again", effect_id=str(effect_id))

    async def settle(self, effect_id: UUID) -> None:
        """It did arrive: closed, and the person is told. Raises NoSuchLetter, NotInDoubt."""
        async with self._database.begin() as session:
            row = await _in_doubt(session, effect_id)
        if not await self._settling.close(row, "done", reason=SETTLED, told=True, only="in_doubt"):
            raise NotInDoubt
        _log.info("contact.letter_settled", effect_id=str(effect_id))


async def _in_doubt(session: AsyncSession, effect_id: UUID) -> EffectRow:
    """Locked, its booking first."""
    seen = await session.get(EffectRow, effect_id)
    if seen is None or seen.kind != "letter":
        raise NoSuchLetter
    await locked(session, seen.booking_id)
    row = await session.get(EffectRow, effect_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuchLetter
    if row.state != "in_doubt":
        raise NotInDoubt
    return row


async def _not_replaced(session: AsyncSession, row: EffectRow) -> None:
    if row.content is None:
        raise Replaced("What it said is forgotten: the meeting is long over.")
    if row.booking_id is None:
        return
    later = await session.scalar(
        select(func.count())
        .select_from(EffectRow)
        .where(
            EffectRow.booking_id == row.booking_id,
            EffectRow.kind == "letter",
            EffectRow.created_at > row.created_at,
        )
    )
    if later:
        raise Replaced


def _doubt(row: EffectRow) -> Doubt:
    to = tuple(_masked(address) for address in _addresses(row))
    return Doubt(row.id, row.organisation_id, row.booking_id, to, row.changed_at, row.reason)


def _addresses(row: EffectRow) -> list[str]:
    if row.content is None:
        return []
    if row.verb == "send":
        return [person.email for person in letter_of(row.content).to]
    return [facts_of(row.content)[1].guest.email]


def _masked(address: str) -> str:
    """'m***@example.com'."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"
