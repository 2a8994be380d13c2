"""Reads and writes of turns; reads start from the principal, the sweeper's from a lost lease."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Interval, Select, Table, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from platform_api.chat.models import TurnRow
from platform_api.interactions.models import InteractionRow
from platform_api.interactions.repository import mine, unheard


@dataclass(frozen=True, slots=True)
class Orphan:
    """A running turn whose lease is over."""

    id: UUID
    organisation_id: UUID
    session_id: UUID
    user_id: UUID
    request_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that an idempotency key stands for."""

    id: UUID
    session_id: UUID
    request_hash: str


def visible(principal: Principal) -> Select[TurnRow]:
    return select(TurnRow).where(
        TurnRow.organisation_id == principal.organisation_id, TurnRow.user_id == principal.id
    )


async def find(db: AsyncSession, principal: Principal, session_id: UUID, turn_id: UUID) -> TurnRow | None:
    statement = visible(principal).where(TurnRow.id == turn_id, TurnRow.session_id == session_id)
    return await db.scalar(statement)


async def exists(db: AsyncSession, turn_id: UUID) -> bool:
    return await db.scalar(select(TurnRow.id).where(TurnRow.id == turn_id)) is not None


async def is_to_come(db: AsyncSession, principal: Principal, session_id: UUID, turn_id: UUID) -> bool:
    """Whether an answer of this person's has been given that this turn will go on with."""
    row = InteractionRow
    statement = select(row.id).where(
        mine(principal), row.session_id == session_id, row.continued_by == turn_id, *unheard()
    )
    return await db.scalar(statement) is not None


# The statements of every turn are built once: building and hashing one costs more than sending it.
_TURNS = cast(Table, TurnRow.__table__)
_BEGUN_WITH = (
    "id",
    "organisation_id",
    "session_id",
    "user_id",
    "continues",
    "request_id",
    "idempotency_key",
    "request_hash",
    "owner",
)
_LEASE = func.now() + bindparam("lease", type_=Interval)
_BEGIN = insert(_TURNS).values(lease_until=_LEASE, **{name: bindparam(name) for name in _BEGUN_WITH})
_BY_KEY = select(_TURNS.c.id, _TURNS.c.session_id, _TURNS.c.request_hash).where(
    _TURNS.c.organisation_id == bindparam("whose_organisation_id"),
    _TURNS.c.user_id == bindparam("whose_user_id"),
    _TURNS.c.idempotency_key == bindparam("key"),
)
_END = (
    update(_TURNS)
    .where(_TURNS.c.id == bindparam("turn_id"), _TURNS.c.state == "running")
    .values(
        state=bindparam("ended_as"),
        terminal=bindparam("event"),
        outcome=bindparam("with_outcome"),
        finished_at=func.now(),
    )
    .returning(_TURNS.c.id)
)
_END_MINE = _END.where(_TURNS.c.owner == bindparam("by_owner"))


async def by_key(db: AsyncSession, principal: Principal, idempotency_key: str) -> Begun | None:
    """What this person has begun under this key before."""
    values = {
        "whose_organisation_id": principal.organisation_id,
        "whose_user_id": principal.id,
        "key": idempotency_key,
    }
    row = (await db.execute(_BY_KEY, values)).first()
    return Begun(*row) if row else None


async def begin(db: AsyncSession, lease_s: float, **values: Any) -> None:
    """Add a running turn; the columns of TurnRow but its state. Raises IntegrityError for a key in use."""
    await db.execute(_BEGIN, values | {"lease": timedelta(seconds=lease_s)})


async def end(
    db: AsyncSession,
    turn_id: UUID,
    state: str,
    terminal: str,
    *,
    outcome: str | None = None,
    owner: UUID | None = None,
) -> bool:
    """Write the one terminal state; False where it is written already, or not by this owner to write."""
    values = {"turn_id": turn_id, "ended_as": state, "event": terminal, "with_outcome": outcome}
    if owner is None:
        return (await db.execute(_END, values)).first() is not None
    return (await db.execute(_END_MINE, values | {"by_owner": owner})).first() is not None


async def terminal(db: AsyncSession, turn_id: UUID) -> str | None:
    """How a turn of this process ended; None where it runs, or was deleted with its session."""
    return await db.scalar(select(TurnRow.terminal).where(TurnRow.id == turn_id))


async def extend(db: AsyncSession, owner: UUID, turn_ids: Collection[UUID], lease_s: float) -> None:
    """The database's clock decides for all replicas."""
    await db.execute(
        update(TurnRow)
        .where(TurnRow.id.in_(turn_ids), TurnRow.owner == owner, TurnRow.state == "running")
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
    )


async def orphans(db: AsyncSession, limit: int) -> Sequence[Orphan]:
    """Locked, so that two sweepers never take the same one."""
    statement = (
        select(
            TurnRow.id,
            TurnRow.organisation_id,
            TurnRow.session_id,
            TurnRow.user_id,
            TurnRow.request_id,
            TurnRow.started_at,
        )
        .where(TurnRow.state == "running", TurnRow.lease_until < func.now())
        .order_by(TurnRow.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Orphan(*row) for row in await db.execute(statement)]
