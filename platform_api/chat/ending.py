"""The second commit of a turn: exactly one terminal state, with its message and its outbox job."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import SwitchboardError
from kit.wire.chat import Usage
from kit.wire.events import InteractionRequested, TurnCompleted, TurnFailed
from platform_api.chat import repository
from platform_api.sessions import service as sessions
from ports.queue import Queue

COMPLETED = "turn.completed.v1"
FAILED = "turn.failed.v1"
SUSPENDED = "turn.suspended.v1"


async def complete(
    db: AsyncSession, queue: Queue, owner: UUID, whose: dict[str, UUID], event: TurnCompleted
) -> bool:
    """False where the turn has ended otherwise. `whose`: organisation_id, user_id."""
    turn_id = event.turn_id
    if not await repository.end(db, turn_id, "completed", event.dump(), outcome=event.outcome, owner=owner):
        return False
    await sessions.answer(db, whose["organisation_id"], event)
    told: dict[str, Any] = {
        "outcome": event.outcome,
        "degraded": event.degraded,
        "usage": event.usage.model_dump(),
        "timings": event.timings.model_dump(),
        "citations": len(event.citations),
    }
    await queue.defer(db, COMPLETED, _about(turn_id, event.session_id, whose, event.request_id) | told)
    return True


async def suspend(
    db: AsyncSession,
    queue: Queue,
    owner: UUID,
    whose: dict[str, UUID],
    event: InteractionRequested,
    *,
    session_id: UUID,
    request_id: str,
    said: sessions.Paused,
    usage: Usage,
) -> bool:
    """False where the turn has ended otherwise; then the interaction of the same commit must go as well."""
    if not await repository.end(db, event.turn_id, "suspended", event.dump(), owner=owner):
        return False
    await sessions.pause(db, whose["organisation_id"], event, session_id, said)
    about = _about(event.turn_id, session_id, whose, request_id)
    told = {
        "interaction_id": str(event.interaction_id),
        "interaction_kind": event.kind,
        "usage": usage.model_dump(),
    }
    await queue.defer(db, SUSPENDED, about | told)
    return True


async def fail(
    db: AsyncSession,
    queue: Queue,
    event: TurnFailed,
    session_id: UUID,
    whose: dict[str, UUID],
    *,
    owner: UUID | None = None,
) -> bool:
    """`owner` None: the sweeper's, which ends turns of others."""
    if not await repository.end(db, event.turn_id, "failed", event.dump(), owner=owner):
        return False
    await sessions.release(db, session_id, event.turn_id)
    about = _about(event.turn_id, session_id, whose, event.request_id)
    await queue.defer(db, FAILED, about | {"code": event.code})
    return True


def failure(turn_id: UUID, seq: int, error: SwitchboardError, request_id: str) -> TurnFailed:
    return TurnFailed(
        turn_id=turn_id,
        seq=seq,
        code=error.code,
        detail=error.detail,
        hint=error.hint,
        request_id=request_id,
        retryable=error.retryable,
    )


def _about(turn_id: UUID, session_id: UUID, whose: dict[str, UUID], request_id: str) -> dict[str, Any]:
    ids = {"turn_id": turn_id, "session_id": session_id, **whose}
    return {name: str(value) for name, value in ids.items()} | {"request_id": request_id}
