"""Sessions over HTTP."""

from uuid import UUID

from fastapi import APIRouter, status

from kit.wire.base import Page
from kit.wire.chat import FeedbackRequest, RenameSession, Session, SessionWithMessages
from platform_api.edge import PageQuery, UnitOfWork, raises
from platform_api.identity import CurrentPrincipal
from platform_api.sessions import service
from platform_api.sessions.errors import MessageNotFound, SessionNotFound

router = APIRouter(prefix="/api/v1", tags=["sessions"])
_SESSION = raises(SessionNotFound)


@router.get("/sessions", summary="My sessions, last used first")
async def list_sessions(db: UnitOfWork, principal: CurrentPrincipal, page: PageQuery) -> Page[Session]:
    """The caller's own; `running_turn_id` tells which one is being answered now."""
    return await service.listed(db, principal, page)


@router.get(
    "/sessions/{session_id}",
    summary="One session with its messages",
    responses=_SESSION,
    response_model_exclude_none=True,
)
async def read_session(db: UnitOfWork, principal: CurrentPrincipal, session_id: UUID) -> SessionWithMessages:
    """Everything that was said, oldest first, with the citations of each answer."""
    return await service.read(db, principal, session_id)


@router.patch("/sessions/{session_id}", summary="Rename a session", responses=_SESSION)
async def rename_session(
    db: UnitOfWork, principal: CurrentPrincipal, session_id: UUID, body: RenameSession
) -> Session:
    """The title is only for lists; what was said does not change."""
    return await service.rename(db, principal, session_id, body.title)


@router.delete(
    "/sessions/{session_id}",
    summary="Delete a session with everything in it",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=_SESSION,
)
async def delete_session(db: UnitOfWork, principal: CurrentPrincipal, session_id: UUID) -> None:
    """With its messages, turns and feedback. A turn that is running ends as failed."""
    await service.remove(db, principal, session_id)


@router.post(
    "/messages/{message_id}/feedback",
    summary="Say whether an answer helped",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=raises(MessageNotFound),
)
async def give_feedback(
    db: UnitOfWork, principal: CurrentPrincipal, message_id: UUID, body: FeedbackRequest
) -> None:
    """One vote per person and answer: a new one replaces it."""
    await service.give_feedback(db, principal, message_id, body)
