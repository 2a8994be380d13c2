"""A new key for what is sealed: in batches, while everything is in use, again where it was stopped.

What is sealed with the current key already is passed over, so a second run only does what is left. A row that
is changed meanwhile is left alone: whoever changed it sealed it with the current key.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.sealing import KeyRing, SealBroken, sealed_by
from platform_api import audit
from platform_api.toolbox.connections.models import AttemptRow, ConnectionRow, SignInRow
from platform_api.toolbox.connections.vault import Owner, What
from ports.db import Database

_BATCH = 100
_NOBODY: Final = UUID(int=0)
_WHERE: tuple[tuple[Any, tuple[tuple[str, What], ...]], ...] = (
    (SignInRow, (("secret_sealed", "client_secret"),)),
    (ConnectionRow, (("access_sealed", "access"), ("refresh_sealed", "refresh"))),
    (AttemptRow, (("verifier_sealed", "verifier"),)),
)


@dataclass(slots=True)
class Resealed:
    """`unreadable`: sealed with a key that is not in the ring, or changed."""

    seen: int = 0
    resealed: int = 0
    unreadable: int = 0


async def reseal(database: Database, ring: KeyRing) -> Resealed:
    """Recorded per organisation and batch: `vault.resealed` {rows, key}. Raises Unavailable."""
    done = Resealed()
    for model, columns in _WHERE:
        after = _NOBODY
        while True:
            async with database.begin() as session:
                rows = (
                    await session.scalars(
                        select(model).where(model.id > after).order_by(model.id).limit(_BATCH)
                    )
                ).all()
                if not rows:
                    break
                await _batch(session, ring, rows, columns, done)
            after = rows[-1].id
    return done


async def _batch(
    session: AsyncSession, ring: KeyRing, rows: Any, columns: tuple[tuple[str, What], ...], done: Resealed
) -> None:
    changed: dict[UUID, int] = {}
    for row in rows:
        for column, what in columns:
            sealed = getattr(row, column)
            if sealed is None:
                continue
            done.seen += 1
            fresh = _fresh(ring, row, what, sealed, done)
            if fresh is not None and await _swap(session, row, column, sealed, fresh):
                done.resealed += 1
                changed[row.organisation_id] = changed.get(row.organisation_id, 0) + 1
    for organisation_id, count in changed.items():
        operator = Principal(organisation_id=organisation_id, id=_NOBODY, kind="service", name="keys")
        await audit.record(session, operator, "vault.resealed", {"rows": count, "key": ring.current})


def _fresh(ring: KeyRing, row: Any, what: What, sealed: str, done: Resealed) -> str | None:
    owner = Owner(row.organisation_id, getattr(row, "user_id", None), row.server)
    kind: What = "header" if what == "client_secret" and row.kind == "static" else what
    try:
        if sealed_by(sealed) == ring.current:
            return None
        return ring.seal(ring.open(sealed, owner.about(kind)), owner.about(kind))
    except SealBroken:
        done.unreadable += 1
        return None


async def _swap(session: AsyncSession, row: Any, column: str, before: str, after: str) -> bool:
    model: Any = row.__class__
    swapped: CursorResult[Any] = await session.execute(  # type: ignore[assignment]  # UPDATE has a cursor
        update(model)
        .where(model.id == row.id, getattr(model, column) == before)
        .values({column: after})
        .execution_options(synchronize_session=False)
    )
    return swapped.rowcount == 1
