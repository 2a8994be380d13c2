"""Time that is held for somebody. Postgres itself refuses two holds of one person that overlap, so of all
bookings that go through us, none is double, on however many replicas and whatever calendar is behind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tools.servers.contact.calendars.models import HoldRow, calendar_id
from tools.servers.contact.calendars.port import Busy, Event
from tools.servers.contact.people import Owner

# In order, so that two bookings of the same people never wait for each other in a circle.
_TAKE_TURNS: Final = select(func.pg_advisory_xact_lock(func.hashtextextended(text("k"), 0))).select_from(
    text("unnest(CAST(:keys AS text[])) k")
)


async def take_turns(session: AsyncSession, owner: Owner, uid: str, people: Iterable[str] = ()) -> None:
    """Until the transaction ends, nobody else changes this event, or what these people have."""
    held = sorted(str(calendar_id(owner.organisation_id, one)) for one in people)
    keys = [f"contact.event:{owner.organisation_id}:{uid}", *(f"contact.calendar:{one}" for one in held)]
    await session.execute(_TAKE_TURNS, {"keys": keys})


async def hold(
    session: AsyncSession,
    owner: Owner,
    event: Event,
    people: Sequence[str],
    *,
    now: datetime,
    until: datetime | None,
) -> bool:
    """All of the people, or False: then roll back. What the event held before is let go. After take_turns."""
    await release(session, owner, event.uid)
    if not people:
        return True
    ids = sorted({calendar_id(owner.organisation_id, one) for one in people})
    await _forget(session, ids, now)
    rows = [
        {
            "organisation_id": owner.organisation_id,
            "user_id": owner.user_id,
            "uid": event.uid,
            "calendar_id": one,
            "start_at": event.start,
            "end_at": event.end,
            "until": until,
        }
        for one in ids
    ]
    adding = insert(HoldRow).values(rows).on_conflict_do_nothing().returning(HoldRow.calendar_id)
    return len((await session.execute(adding)).all()) == len(ids)


async def release(session: AsyncSession, owner: Owner, uid: str) -> None:
    """Of this person's event only."""
    await session.execute(
        delete(HoldRow).where(
            HoldRow.organisation_id == owner.organisation_id,
            HoldRow.user_id == owner.user_id,
            HoldRow.uid == uid,
        )
    )


async def held(
    session: AsyncSession,
    owner: Owner,
    people: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    now: datetime,
) -> Mapping[str, list[Busy]]:
    """By address as asked, those with nothing included."""
    ids = {one: calendar_id(owner.organisation_id, one) for one in people}
    found = await session.execute(
        select(HoldRow.calendar_id, HoldRow.start_at, HoldRow.end_at).where(
            HoldRow.calendar_id.in_(set(ids.values())),
            HoldRow.start_at < end,
            HoldRow.end_at > start,
            or_(HoldRow.until.is_(None), HoldRow.until > now),
        )
    )
    by_id: dict[UUID, list[Busy]] = {}
    for row in found:
        by_id.setdefault(row.calendar_id, []).append(Busy(row.start_at, row.end_at))
    return {one: by_id.get(found_id, []) for one, found_id in ids.items()}


async def _forget(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """Holds of attempts that never came back."""
    await session.execute(delete(HoldRow).where(HoldRow.calendar_id.in_(ids), HoldRow.until <= now))
