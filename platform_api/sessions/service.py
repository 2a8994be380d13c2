"""Sessions: begin, continue, read, rename, delete; and feedback on what was answered."""

import re
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.base import Page
from kit.wire.chat import ChatRequest, Citation, FeedbackRequest, Message, Session, SessionWithMessages
from platform_api.edge import PageRequest, page_of
from platform_api.sessions import repository
from platform_api.sessions.errors import MessageNotFound, SessionNotFound
from platform_api.sessions.models import MessageRow, SessionRow

TITLE_LENGTH = 80
_SPACE = re.compile(r"\s+")


def title_of(message: str) -> str:
    """The first message, on one line, cut at a word."""
    line = _SPACE.sub(" ", message).strip()
    if len(line) <= TITLE_LENGTH:
        return line or "New session"
    cut = line[:TITLE_LENGTH]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut else cut}…"


async def take(
    db: AsyncSession, principal: Principal, turn_id: UUID, request: ChatRequest
) -> tuple[UUID, bool] | None:
    """The session for a turn, taken for it, and whether it is new; None while another turn runs in it.

    Named by its id, by a channel's thread (one session per person and thread), or new.
    Raises SessionNotFound.
    """
    ref = request.external_ref
    known = request.session_id or (await repository.by_reference(db, principal, ref) if ref else None)
    if known is None:
        known = uuid4()
        title = title_of(request.message)
        if await repository.create(db, principal, known, title=title, turn_id=turn_id, ref=ref):
            return known, True
        return None
    if await repository.occupy(db, principal, known, turn_id):
        return known, False
    if await repository.find(db, principal, known) is None:
        raise SessionNotFound
    return None


async def listed(db: AsyncSession, principal: Principal, page: PageRequest) -> Page[Session]:
    """Those last used first."""
    rows = await repository.page(db, principal, page)
    return page_of(rows, page, lambda row: (row.updated_at, row.id), shown)


async def read(db: AsyncSession, principal: Principal, session_id: UUID) -> SessionWithMessages:
    """Raises SessionNotFound, also for somebody else's."""
    row = await repository.find(db, principal, session_id)
    if row is None:
        raise SessionNotFound
    said = await repository.messages(db, principal, session_id)
    return SessionWithMessages(**dict(shown(row)), messages=[_message(one) for one in said])


async def rename(db: AsyncSession, principal: Principal, session_id: UUID, title: str) -> Session:
    row = await repository.rename(db, principal, session_id, title)
    if row is None:
        raise SessionNotFound
    return shown(row)


async def remove(db: AsyncSession, principal: Principal, session_id: UUID) -> None:
    """With its messages, turns and feedback. A turn that still runs in it ends as failed."""
    if not await repository.remove(db, principal, session_id):
        raise SessionNotFound


async def give_feedback(
    db: AsyncSession, principal: Principal, message_id: UUID, feedback: FeedbackRequest
) -> None:
    """One vote per person and message; the last one counts. Raises MessageNotFound."""
    if not await repository.has_message(db, principal, message_id):
        raise MessageNotFound
    await repository.vote(db, principal, message_id, feedback)


def shown(row: SessionRow) -> Session:
    return Session(
        id=row.id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        running_turn_id=row.running_turn_id,
    )


def _message(row: MessageRow) -> Message:
    return Message.model_validate(
        {
            "id": row.id,
            "role": row.role,
            "text": row.text,
            "created_at": row.created_at,
            "turn_id": row.turn_id,
            "outcome": row.outcome,
            "citations": [Citation.model_validate(one) for one in row.citations or ()],
        }
    )
