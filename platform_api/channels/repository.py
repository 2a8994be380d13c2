"""Reads and writes of channel state and deliveries: always of one organisation and one channel."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from platform_api.channels.models import ChannelStateRow, DeliveryRow
from platform_api.identity.models import ChannelLinkRow, UserRow


def _state(bot: Principal, channel: str, now: datetime) -> Select[ChannelStateRow]:
    row = ChannelStateRow
    good = or_(row.expires_at.is_(None), row.expires_at > now)
    return select(row).where(row.organisation_id == bot.organisation_id, row.channel == channel, good)


async def entry(
    db: AsyncSession, bot: Principal, channel: str, key: str, now: datetime
) -> ChannelStateRow | None:
    return await db.scalar(_state(bot, channel, now).where(ChannelStateRow.key == key))


async def entries(
    db: AsyncSession, bot: Principal, channel: str, now: datetime, *, prefix: str, after: str, limit: int
) -> Sequence[ChannelStateRow]:
    """By key, those whose key begins with `prefix` and comes behind `after`."""
    row = ChannelStateRow
    statement = _state(bot, channel, now).where(row.key.startswith(prefix, autoescape=True), row.key > after)
    return (await db.scalars(statement.order_by(row.key).limit(limit))).all()


async def put(
    db: AsyncSession, bot: Principal, values: dict[str, Any], version: int | None, now: datetime
) -> ChannelStateRow | None:
    """None where the version is not the one that is there. What has expired counts as not there."""
    row = ChannelStateRow
    gone = row.expires_at.is_not(None) & (row.expires_at <= now)
    key = {"organisation_id": bot.organisation_id, "channel": values["channel"], "key": values["key"]}
    made = insert(row).values({**values, **key, "version": 1, "updated_at": now})
    if version is not None and version > 0:
        same = [getattr(row, name) == value for name, value in key.items()]
        changed = update(row).where(*same, row.version == version, ~gone)
        fields = {name: values[name] for name in ("sealed", "expires_at")}
        statement = changed.values(**fields, version=row.version + 1, updated_at=now).returning(row)
        return await db.scalar(statement, execution_options={"populate_existing": True})
    replaced = made.on_conflict_do_update(
        index_elements=["organisation_id", "channel", "key"],
        set_={
            "sealed": values["sealed"],
            "expires_at": values["expires_at"],
            "updated_at": now,
            "version": row.version + 1,
        },
        where=gone if version == 0 else None,
    )
    return await db.scalar(replaced.returning(row), execution_options={"populate_existing": True})


async def remove(db: AsyncSession, bot: Principal, channel: str, key: str) -> None:
    row = ChannelStateRow
    await db.execute(
        delete(row).where(row.organisation_id == bot.organisation_id, row.channel == channel, row.key == key)
    )


async def identities(
    db: AsyncSession, organisation_id: UUID, user_id: UUID, channel: str | None
) -> Sequence[tuple[str, str]]:
    """(channel, identity) by which the person is reached; a guest is reached where they came from."""
    row = ChannelLinkRow
    statement = select(row.channel, row.identity).where(
        row.organisation_id == organisation_id, row.user_id == user_id
    )
    linked = [(found.channel, found.identity) for found in await db.execute(statement)]
    guest = select(UserRow.email).where(
        UserRow.organisation_id == organisation_id, UserRow.id == user_id, UserRow.kind == "guest"
    )
    if identity := await db.scalar(guest):
        linked.append((identity.partition(":")[0], identity))
    return [one for one in linked if channel in (None, one[0])]


async def add(db: AsyncSession, deliveries: Sequence[dict[str, Any]]) -> int:
    """How many were new."""
    if not deliveries:
        return 0
    made = insert(DeliveryRow).values(list(deliveries)).on_conflict_do_nothing()
    return len((await db.scalars(made.returning(DeliveryRow.id))).all())


async def claim(
    db: AsyncSession, bot: Principal, channel: str, *, limit: int, now: datetime, until: datetime
) -> Sequence[DeliveryRow]:
    """The longest waiting ones, for this caller alone until `until`; oldest first."""
    row = DeliveryRow
    due = (
        select(row.id)
        .where(
            row.organisation_id == bot.organisation_id,
            row.channel == channel,
            row.state == "waiting",
            row.due_at <= now,
            row.expires_at > now,
        )
        .order_by(row.created_at, row.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(row)
        .where(row.id.in_(due.scalar_subquery()))
        .values(lease=func.gen_random_uuid(), due_at=until, attempts=row.attempts + 1)
        .returning(row)
    )
    found = (await db.scalars(claimed, execution_options={"populate_existing": True})).all()
    return sorted(found, key=lambda one: (one.created_at, one.id))


async def held(db: AsyncSession, bot: Principal, delivery_id: UUID) -> DeliveryRow | None:
    row = DeliveryRow
    mine = select(row).where(row.id == delivery_id, row.organisation_id == bot.organisation_id)
    return await db.scalar(mine.with_for_update())


async def purge(db: AsyncSession, now: datetime, kept: timedelta) -> None:
    """Periodically: state and deliveries that have expired."""
    state, row = ChannelStateRow, DeliveryRow
    await db.execute(delete(state).where(state.expires_at <= now))
    late = update(row).where(row.state == "waiting", row.expires_at <= now)
    await db.execute(late.values(state="expired", lease=None))
    await db.execute(delete(row).where(row.expires_at <= now - kept))
