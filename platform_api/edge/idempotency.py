"""Idempotency-Key: a repeated write answers what the first one answered, and does nothing (SPEC 3)."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Header
from sqlalchemy import String, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from access.principal import Principal
from kit.wire.base import Wire
from platform_api.edge.errors import BadIdempotencyKey, IdempotencyKeyReused, StillUnknown
from ports.db import Base, Timestamp

KEPT_H = 24
Answer = TypeVar("Answer", bound=Wire)


class IdempotencyKeyRow(Base):
    __tablename__ = "idempotency_keys"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(300))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now(), index=True)


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None, Header(description="Repeat a write safely: the same key answers the same.")
    ] = None,
) -> str | None:
    if idempotency_key is not None and not re.fullmatch(r"[!-~]{1,200}", idempotency_key):
        raise BadIdempotencyKey
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


async def once(
    session: AsyncSession,
    principal: Principal,
    key: str | None,
    fingerprint: str,
    *,
    shape: type[Answer],
    work: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Do `work` in this transaction, or answer what it answered before under this key.

    Two at once wait for each other. Raises IdempotencyKeyReused where the fingerprint differs.
    """
    if key is None:
        return await work()
    if not await _claim(session, principal, key, fingerprint):
        return shape.model_validate(await _replay(session, principal, key, fingerprint))
    answer = await work()
    done = update(IdempotencyKeyRow).where(*_is(principal, key))
    await session.execute(done.values(answer=answer.model_dump(mode="json")))
    return answer


async def begin(
    session: AsyncSession, principal: Principal, key: str, fingerprint: str, shape: type[Answer]
) -> Answer | None:
    """For work that no transaction may stay open for: claim the key in this one, do the work where the
    answer is None, then `end` it in another one.

    Raises IdempotencyKeyReused; StillUnknown where it was begun before and has not ended.
    """
    if await _claim(session, principal, key, fingerprint):
        return None
    row = (await session.scalars(select(IdempotencyKeyRow).where(*_is(principal, key)))).one()
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    if row.answer is None:
        raise StillUnknown
    return shape.model_validate(row.answer)


async def end(session: AsyncSession, principal: Principal, key: str, answer: Wire) -> None:
    """What the work that was begun under this key has come to."""
    done = update(IdempotencyKeyRow).where(*_is(principal, key))
    await session.execute(done.values(answer=answer.model_dump(mode="json")))


async def forget(session: AsyncSession, principal: Principal, key: str) -> None:
    """What was begun under this key came to nothing: it may be tried again."""
    await session.execute(delete(IdempotencyKeyRow).where(*_is(principal, key)))


async def purge(session: AsyncSession, now: datetime) -> None:
    """Periodically: keys older than a day."""
    before = now - timedelta(hours=KEPT_H)
    await session.execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < before))


async def _claim(session: AsyncSession, principal: Principal, key: str, fingerprint: str) -> bool:
    # A concurrent insert of the same key waits here until the first transaction ends.
    claimed = await session.scalar(
        insert(IdempotencyKeyRow)
        .values(
            organisation_id=principal.organisation_id,
            principal_id=principal.id,
            key=key,
            fingerprint=fingerprint,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKeyRow.key)
    )
    return claimed is not None


async def _replay(session: AsyncSession, principal: Principal, key: str, fingerprint: str) -> dict[str, Any]:
    row = (await session.scalars(select(IdempotencyKeyRow).where(*_is(principal, key)))).one()
    if row.fingerprint != fingerprint or row.answer is None:
        raise IdempotencyKeyReused
    return row.answer


def _is(principal: Principal, key: str) -> tuple[Any, ...]:
    row = IdempotencyKeyRow
    return (
        row.organisation_id == principal.organisation_id,
        row.principal_id == principal.id,
        row.key == key,
    )
