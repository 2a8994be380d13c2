"""Reads and writes of sessions; every read starts from the principal."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.chat import FeedbackRequest
from platform_api.edge import PageRequest, keyset
from platform_api.sessions.models import FeedbackRow, MessageRow, SessionRow

_SESSIONS = cast(Table, SessionRow.__table__)
_MESSAGES = cast(Table, MessageRow.__table__)


def mine(principal: Principal) -> tuple[Any, Any]:
    """A session is seen by the person who holds it, and by nobody else."""
    return (
        SessionRow.organisation_id == principal.organisation_id,
        SessionRow.user_id == principal.id,
    )


def visible(principal: Principal) -> Select[SessionRow]:
    return select(SessionRow).where(*mine(principal))


async def find(db: AsyncSession, principal: Principal, session_id: UUID) -> SessionRow | None:
    return await db.scalar(visible(principal).where(SessionRow.id == session_id))


async def page(db: AsyncSession, principal: Principal, request: PageRequest) -> Sequence[SessionRow]:
    statement = keyset(visible(principal), request, SessionRow.updated_at, SessionRow.id)
    return (await db.scalars(statement)).all()


async def messages(db: AsyncSession, principal: Principal, session_id: UUID) -> Sequence[MessageRow]:
    statement = (
        select(MessageRow)
        .join(SessionRow, SessionRow.id == MessageRow.session_id)
        .where(*mine(principal), SessionRow.id == session_id)
        .order_by(MessageRow.position)
    )
    return (await db.scalars(statement)).all()


async def latest(
    db: AsyncSession, principal: Principal, session_id: UUID, limit: int, before_turn_id: UUID | None = None
) -> list[tuple[str, str]]:
    """The last messages as (role, text), oldest first; of those before a turn's, if one is named."""
    statement = (
        select(MessageRow.role, MessageRow.text)
        .join(SessionRow, SessionRow.id == MessageRow.session_id)
        .where(*mine(principal), SessionRow.id == session_id)
        .order_by(MessageRow.position.desc())
        .limit(limit)
    )
    if before_turn_id is not None:
        first = select(func.min(MessageRow.position)).where(
            MessageRow.session_id == session_id, MessageRow.turn_id == before_turn_id
        )
        statement = statement.where(MessageRow.position < first.scalar_subquery())
    rows = (await db.execute(statement)).all()
    return [(row.role, row.text) for row in reversed(rows)]


async def rename(db: AsyncSession, principal: Principal, session_id: UUID, title: str) -> SessionRow | None:
    statement = (
        update(SessionRow)
        .where(*mine(principal), SessionRow.id == session_id)
        .values(title=title)
        .returning(SessionRow)
    )
    return await db.scalar(statement)


async def remove(db: AsyncSession, principal: Principal, session_id: UUID) -> bool:
    statement = (
        delete(SessionRow).where(*mine(principal), SessionRow.id == session_id).returning(SessionRow.id)
    )
    return await db.scalar(statement) is not None


# The statements of a turn are built once: building and hashing one costs more than sending it.
_CREATE = insert(_SESSIONS).on_conflict_do_nothing().returning(_SESSIONS.c.id)
_OCCUPY = (
    update(_SESSIONS)
    .where(
        _SESSIONS.c.id == bindparam("session_id"),
        _SESSIONS.c.organisation_id == bindparam("whose_organisation_id"),
        _SESSIONS.c.user_id == bindparam("whose_user_id"),
        _SESSIONS.c.running_turn_id.is_(None),
    )
    .values(running_turn_id=bindparam("turn_id"), updated_at=func.now())
    .returning(_SESSIONS.c.id)
)
_RELEASE = (
    update(_SESSIONS)
    .where(
        _SESSIONS.c.id == bindparam("session_id"),
        _SESSIONS.c.running_turn_id == bindparam("turn_id"),
    )
    .values(running_turn_id=None, updated_at=func.now())
)
_SAY = insert(_MESSAGES)


async def create(
    db: AsyncSession, principal: Principal, session_id: UUID, *, title: str, turn_id: UUID, ref: str | None
) -> bool:
    """False where another request has just made the session of this thread."""
    values = {
        "id": session_id,
        "organisation_id": principal.organisation_id,
        "user_id": principal.id,
        "external_ref": ref,
        "title": title,
        "running_turn_id": turn_id,
    }
    return (await db.execute(_CREATE, values)).first() is not None


async def by_reference(db: AsyncSession, principal: Principal, ref: str) -> UUID | None:
    statement = select(SessionRow.id).where(*mine(principal), SessionRow.external_ref == ref)
    return await db.scalar(statement)


async def occupy(db: AsyncSession, principal: Principal, session_id: UUID, turn_id: UUID) -> bool:
    """Take an idle session for a turn; the row lock makes two takers queue up."""
    values = {
        "session_id": session_id,
        "turn_id": turn_id,
        "whose_organisation_id": principal.organisation_id,
        "whose_user_id": principal.id,
    }
    return (await db.execute(_OCCUPY, values)).first() is not None


async def release(db: AsyncSession, session_id: UUID, turn_id: UUID) -> None:
    await db.execute(_RELEASE, {"session_id": session_id, "turn_id": turn_id})


async def say(db: AsyncSession, **values: Any) -> None:
    """Add one message; the columns of MessageRow but `position` and `created_at`."""
    await db.execute(_SAY, values)


async def say_once(db: AsyncSession, **values: Any) -> None:
    """The same, where there is no message of this id and the session still is."""
    held = select(SessionRow.id).where(SessionRow.id == values["session_id"])
    if await db.scalar(held.with_for_update(key_share=True)) is not None:
        await db.execute(_SAY.on_conflict_do_nothing(), values)


async def has_message(db: AsyncSession, principal: Principal, message_id: UUID) -> bool:
    statement = (
        select(MessageRow.id)
        .join(SessionRow, SessionRow.id == MessageRow.session_id)
        .where(*mine(principal), MessageRow.id == message_id, MessageRow.role == "assistant")
    )
    return await db.scalar(statement) is not None


async def vote(db: AsyncSession, principal: Principal, message_id: UUID, feedback: FeedbackRequest) -> None:
    values = {"vote": feedback.vote, "comment": feedback.comment}
    key = {"message_id": message_id, "user_id": principal.id}
    statement = insert(FeedbackRow).values(**key, organisation_id=principal.organisation_id, **values)
    await db.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_={**values, "updated_at": func.now()})
    )
