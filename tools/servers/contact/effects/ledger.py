"""The effects as rows: kept in the caller's commit, held by whoever performs them, closed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.errors import Conflict, TooMany
from ports.db import Database
from tools.servers.contact.effects.content import Wanted
from tools.servers.contact.people import Owner
from tools.servers.contact.store.models import EffectRow

_DAY: Final = timedelta(days=1)


class KeyReused(Conflict):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"
    default_hint = "Repeat exactly what you sent before, or send a new idempotency_key."


class TooManyLetters(TooMany):
    code = "too_many_letters"
    title = "You have had as many letters sent today as one person may"
    default_hint = "Try again tomorrow, or ask an admin for more (SWITCHBOARD_CONTACT__LETTERS_PER_DAY)."


@dataclass(frozen=True, slots=True)
class Held:
    """lost: an attempt was begun before and its end is not known."""

    row: EffectRow
    lost: bool


class Ledger:
    def __init__(self, database: Database, clock: Clock, lease_s: float, letters_per_day: int) -> None:
        self.database = database
        self.clock = clock
        self.lease_s = lease_s
        self._letters_per_day = letters_per_day

    def add(
        self, session: AsyncSession, owner: Owner, wanted: Wanted, booking_id: UUID | None = None
    ) -> EffectRow:
        now = self.clock.now()
        row = EffectRow(
            id=wanted.id(owner.organisation_id, owner.user_id),
            organisation_id=owner.organisation_id,
            user_id=owner.user_id,
            booking_id=booking_id,
            kind=wanted.kind,
            key=wanted.key,
            digest=wanted.digest,
            verb=wanted.verb,
            content=wanted.content,
            state="open",
            attempts=0,
            reason="",
            created_at=now,
            changed_at=now,
        )
        session.add(row)
        return row

    async def may_write(self, session: AsyncSession, owner: Owner) -> None:
        """Whoever books names the address that gets the letter: so it is not many a day. Raises
        TooManyLetters."""
        since = self.clock.now() - _DAY
        count = await session.scalar(
            select(func.count())
            .select_from(EffectRow)
            .where(
                EffectRow.organisation_id == owner.organisation_id,
                EffectRow.user_id == owner.user_id,
                EffectRow.kind == "letter",
                EffectRow.created_at > since,
            )
        )
        if (count or 0) >= self._letters_per_day:
            raise TooManyLetters(retry_after=_DAY.total_seconds() / 24)

    async def take_turns(self, session: AsyncSession, owner: Owner, wanted: Wanted) -> None:
        """Until the commit, nobody else begins what has this key."""
        number = int.from_bytes(wanted.id(owner.organisation_id, owner.user_id).bytes[:8], signed=True)
        await session.execute(select(func.pg_advisory_xact_lock(number)))

    async def known(self, session: AsyncSession, owner: Owner, wanted: Wanted) -> EffectRow | None:
        """What this key stands for already. Raises KeyReused where that is something else."""
        row = await session.get(EffectRow, wanted.id(owner.organisation_id, owner.user_id))
        if row is not None and row.digest != wanted.digest:
            raise KeyReused
        return row

    async def get(self, effect_id: UUID) -> EffectRow | None:
        async with self.database.begin() as session:
            return await session.get(EffectRow, effect_id)

    async def of(self, booking_id: UUID) -> list[EffectRow]:
        """All of a booking's, in the order in which they were wanted."""
        async with self.database.begin() as session:
            return list(await self.of_booking(session, booking_id))

    async def of_booking(self, session: AsyncSession, booking_id: UUID) -> Sequence[EffectRow]:
        found = await session.scalars(
            select(EffectRow)
            .where(EffectRow.booking_id == booking_id)
            .order_by(EffectRow.created_at, EffectRow.kind)
        )
        return found.all()

    async def hold(self, effect_id: UUID) -> Held | None:
        """To be performed by the caller, and by nobody else while it is renewed. None: it is closed, gone, or
        somebody else's for now."""
        now = self.clock.now()
        async with self.database.begin() as session:
            row = await session.get(EffectRow, effect_id, with_for_update=True)
            if row is None or row.state not in ("open", "doing"):
                return None
            lost = row.state == "doing"
            if lost and row.held_until is not None and row.held_until > now:
                return None
            row.state, row.held_until = "doing", now + timedelta(seconds=self.lease_s)
            row.attempts += 1
            row.changed_at = now
        return Held(row, lost)

    async def renew(self, row: EffectRow) -> None:
        await self._mine(row, held_until=self.clock.now() + timedelta(seconds=self.lease_s))

    async def release(self, row: EffectRow, reason: str) -> None:
        """An attempt that surely did nothing: the next one may begin at once."""
        await self._mine(row, state="open", held_until=None, reason=reason)

    async def leave(self, row: EffectRow) -> None:
        """An attempt whose end is not known: the next one, which may begin at once, asks what it left."""
        await self._mine(row, held_until=self.clock.now())

    async def _mine(self, row: EffectRow, **values: Any) -> None:
        async with self.database.begin() as session:
            await session.execute(
                update(EffectRow)
                .where(EffectRow.id == row.id, EffectRow.state == "doing", EffectRow.attempts == row.attempts)
                .values(**values)
            )
