"""A new key for all that is sealed: in batches, while everything is in use, again where it was stopped.

Which columns those are, their domains say (`ports.db.sealed`). What is sealed with the current key already is
not looked at, so a second run does only what is left. A row that is changed meanwhile is left alone: whoever
changed it sealed it with the key that it holds for current, and the count at the end says which that was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, and_, func, inspect, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.sealing import KeyRing, SealBroken
from platform_api import audit
from platform_api.migrations.tables import SEALED
from ports.db import Database, SealedColumn

BATCH: Final = 100
_NOBODY: Final = UUID(int=0)


@dataclass(slots=True)
class Resealed:
    """resealed: texts; unreadable: sealed with a key that is not in the ring, or changed. by_key: how many
    texts are sealed with each key now, whether it is in the ring or not."""

    resealed: int = 0
    unreadable: int = 0
    by_key: Counter[str] = field(default_factory=Counter[str])

    def unused(self, ring: KeyRing) -> list[str]:
        """Keys of the ring that nothing needs any more."""
        return [kid for kid in ring.key_ids if kid != ring.current and not self.by_key[kid]]


async def reseal(database: Database, ring: KeyRing) -> Resealed:
    """Recorded per organisation and batch: `vault.resealed` {table, column, texts, key}.

    Raises Unavailable.
    """
    done = Resealed()
    for column in SEALED:
        await _column(database, ring, column, done)
    async with database.begin() as session:
        for column in SEALED:
            done.by_key.update(await keys_of(session, column))
    return done


async def keys_of(session: AsyncSession, column: SealedColumn) -> dict[str, int]:
    """key id → how many texts say that they are sealed with it."""
    kid = func.split_part(column.attribute, ".", 2)
    statement = select(kid, func.count()).where(column.attribute.is_not(None)).group_by(kid)
    return {str(found): int(count) for found, count in (await session.execute(statement)).all()}


async def _column(database: Database, ring: KeyRing, column: SealedColumn, done: Resealed) -> None:
    keys = inspect(column.model).primary_key
    after: Any = None
    while True:
        async with database.begin() as session:
            waiting = and_(
                column.attribute.is_not(None),
                ~column.attribute.startswith(f"s1.{ring.current}.", autoescape=True),
            )
            statement = select(column.model, *keys).where(waiting).order_by(*keys).limit(BATCH)
            if after is not None:
                statement = statement.where(tuple_(*keys) > tuple_(*after[1:]))
            rows = (await session.execute(statement)).all()
            if rows:
                await _batch(session, ring, column, [row[0] for row in rows], done)
        if not rows:
            return
        after = rows[-1]


async def _batch(
    session: AsyncSession, ring: KeyRing, column: SealedColumn, rows: Sequence[Any], done: Resealed
) -> None:
    changed: Counter[UUID] = Counter()
    for row in rows:
        before, about = getattr(row, column.name), column.about(row)
        try:
            fresh = ring.seal(ring.open(before, about), about)
        except SealBroken:
            done.unreadable += 1
            continue
        if await _swapped(session, column, row, before, fresh):
            changed[row.organisation_id] += 1
    done.resealed += changed.total()
    for organisation_id, count in changed.items():
        operator = Principal(organisation_id=organisation_id, id=_NOBODY, kind="service", name="keys")
        told = {"table": column.table, "column": column.name, "texts": count, "key": ring.current}
        await audit.record(session, operator, "vault.resealed", told)


async def _swapped(session: AsyncSession, column: SealedColumn, row: Any, before: str, after: str) -> bool:
    found = zip(inspect(column.model).primary_key, inspect(row).identity, strict=True)
    swapped: CursorResult[Any] = await session.execute(  # type: ignore[assignment]  # UPDATE has a cursor
        update(column.model)
        .where(*(key == value for key, value in found), column.attribute == before)
        .values({column.name: after})
        .execution_options(synchronize_session=False)
    )
    return swapped.rowcount == 1
