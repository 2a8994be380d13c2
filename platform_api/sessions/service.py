"""Sessions: begin, continue, read, rename, delete; and feedback on what was answered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.base import Page
from kit.wire.chat import ChatRequest, Citation, FeedbackRequest, Message, Session, SessionWithMessages
from kit.wire.events import InteractionRequested, TurnCompleted
from platform_api.edge import PageRequest, page_of
from platform_api.sessions import repository
from platform_api.sessions.errors import MessageNotFound, SessionNotFound
from platform_api.sessions.models import MessageRow, SessionRow

TITLE_LENGTH = 80
USE = "use_agent"
"""A conversation tells what documents say: a key that may not hold one may not read one either."""
_SPACE = re.compile(r"\s+")


def title_of(message: str) -> str:
    """The first message, on one line, cut at a word."""
    line = _SPACE.sub(" ", message).strip()
    if len(line) <= TITLE_LENGTH:
        return line or "New session"
    cut = line[:TITLE_LENGTH]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut else cut}…"


@dataclass(frozen=True, slots=True)
class Taken:
    """A session that belongs to one turn until it is released; `history` as (role, text), oldest first."""

    session_id: UUID
    history: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """What a turn has shown before it asked the person."""

    text: str
    citations: Sequence[Citation] = ()


async def take(
    db: AsyncSession, principal: Principal, turn_id: UUID, request: ChatRequest, history: int
) -> Taken | None:
    """The session for a turn, with the message kept in it; None while another turn runs there.

    Named by its id, by a channel's thread (one session per person and thread), or new. `history`:
    how many earlier messages are wanted. Raises SessionNotFound.
    """
    session_id = await _occupied(db, principal, turn_id, request)
    if session_id is None:
        return None
    new = session_id == turn_id
    earlier = [] if new else await repository.latest(db, principal, session_id, history)
    await repository.say(
        db,
        id=uuid4(),
        organisation_id=principal.organisation_id,
        session_id=session_id,
        turn_id=turn_id,
        role="user",
        text=request.message,
    )
    return Taken(session_id, tuple(earlier))


async def take_again(
    db: AsyncSession,
    principal: Principal,
    turn_id: UUID,
    session_id: UUID,
    *,
    before_turn_id: UUID,
    history: int,
) -> Taken | None:
    """The session for a turn that goes on with an earlier one, whose message stands there already; with
    what was said before that. None while another turn runs there. Raises SessionNotFound.
    """
    if not await repository.occupy(db, principal, session_id, turn_id):
        if await repository.find(db, principal, session_id) is None:
            raise SessionNotFound
        return None
    earlier = await repository.latest(db, principal, session_id, history, before_turn_id)
    return Taken(session_id, tuple(earlier))


async def _occupied(
    db: AsyncSession, principal: Principal, turn_id: UUID, request: ChatRequest
) -> UUID | None:
    """A new session has the id of its first turn, which tells it apart without asking again."""
    ref = request.external_ref
    known = request.session_id or (await repository.by_reference(db, principal, ref) if ref else None)
    if known is None:
        made = await repository.create(
            db, principal, turn_id, title=title_of(request.message), turn_id=turn_id, ref=ref
        )
        return turn_id if made else None
    if await repository.occupy(db, principal, known, turn_id):
        return known
    if await repository.find(db, principal, known) is None:
        raise SessionNotFound
    return None


async def answer(db: AsyncSession, organisation_id: UUID, event: TurnCompleted) -> None:
    """Keep what was answered and let the session go. The turn vouches for the session being its own."""
    await repository.say(
        db,
        id=event.message_id,
        organisation_id=organisation_id,
        session_id=event.session_id,
        turn_id=event.turn_id,
        role="assistant",
        text=event.text,
        outcome=event.outcome,
        citations=[one.model_dump(mode="json", exclude_none=True) for one in event.citations],
    )
    await release(db, event.session_id, event.turn_id)


async def pause(
    db: AsyncSession, organisation_id: UUID, event: InteractionRequested, session_id: UUID, said: Paused
) -> None:
    """Let the session go while the person is asked; what was shown so far is kept."""
    if said.text:
        await repository.say(
            db,
            id=uuid4(),
            organisation_id=organisation_id,
            session_id=session_id,
            turn_id=event.turn_id,
            role="assistant",
            text=said.text,
            outcome=None,
            citations=[one.model_dump(mode="json", exclude_none=True) for one in said.citations],
        )
    await release(db, session_id, event.turn_id)


async def note(
    db: AsyncSession, message_id: UUID, *, organisation_id: UUID, session_id: UUID, turn_id: UUID, text: str
) -> None:
    """A sentence of ours where nobody is being answered; once, and nothing where the session is gone."""
    await repository.say_once(
        db,
        id=message_id,
        organisation_id=organisation_id,
        session_id=session_id,
        turn_id=turn_id,
        role="assistant",
        text=text,
    )


async def release(db: AsyncSession, session_id: UUID, turn_id: UUID) -> None:
    """Let the session go, where it is this turn's."""
    await repository.release(db, session_id, turn_id)


async def listed(db: AsyncSession, principal: Principal, page: PageRequest) -> Page[Session]:
    """Those last used first."""
    principal.require(USE)
    rows = await repository.page(db, principal, page)
    return page_of(rows, page, lambda row: (row.updated_at, row.id), shown)


async def read(db: AsyncSession, principal: Principal, session_id: UUID) -> SessionWithMessages:
    """Raises SessionNotFound, also for somebody else's."""
    principal.require(USE)
    row = await repository.find(db, principal, session_id)
    if row is None:
        raise SessionNotFound
    said = await repository.messages(db, principal, session_id)
    return SessionWithMessages(**dict(shown(row)), messages=[_message(one) for one in said])


async def rename(db: AsyncSession, principal: Principal, session_id: UUID, title: str) -> Session:
    principal.require(USE)
    row = await repository.rename(db, principal, session_id, title)
    if row is None:
        raise SessionNotFound
    return shown(row)


async def remove(db: AsyncSession, principal: Principal, session_id: UUID) -> None:
    """With its messages, turns and feedback. A turn that still runs in it ends as failed."""
    principal.require(USE)
    if not await repository.remove(db, principal, session_id):
        raise SessionNotFound


async def give_feedback(
    db: AsyncSession, principal: Principal, message_id: UUID, feedback: FeedbackRequest
) -> None:
    """One vote per person and message; the last one counts. Raises MessageNotFound."""
    principal.require(USE)
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
