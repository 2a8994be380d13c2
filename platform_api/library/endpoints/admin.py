"""For admins: dead letters of the queue, and the comparison of index and store with the database (SPEC 3)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from kit.errors import Forbidden, NotFound
from kit.wire.base import Page
from kit.wire.jobs import DeadLetter, DeadLetterQuery, Replayed, ReplayRequest
from kit.wire.library import Job
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.library.service.dead_letters import DeadLetters
from platform_api.library.service.reconciling import Reconciling

router = APIRouter(prefix="/api/v1/admin/jobs", tags=["admin"])
_Letters = Annotated[DeadLetters, Depends(provided(DeadLetters))]
_LetterId = Annotated[int, Path(ge=1, lt=2**63 - 1)]
_Reconciling = Annotated[Reconciling, Depends(provided(Reconciling))]


@router.get("/failed", summary="List dead letters", responses=raises(Forbidden))
async def list_dead_letters(
    principal: CurrentPrincipal,
    letters: _Letters,
    session: UnitOfWork,
    wanted: Annotated[DeadLetterQuery, Query()],
) -> Page[DeadLetter]:
    """Jobs after their last attempt, newest first, with the reason."""
    return await letters.list(session, principal, wanted)


@router.post("/replay", summary="Replay dead letters", responses=raises(Forbidden))
async def replay_dead_letters(
    principal: CurrentPrincipal,
    letters: _Letters,
    session: UnitOfWork,
    wanted: ReplayRequest,
    key: IdempotencyKey,
) -> Replayed:
    """All that fit get all their attempts again; what is not needed any more is dropped."""
    return await once(
        session,
        principal,
        key,
        f"replay/{wanted.model_dump_json()}",
        shape=Replayed,
        work=lambda: letters.replay(session, principal, wanted),
    )


@router.post(
    "/failed/{letter_id}/replay", summary="Replay a dead letter", responses=raises(Forbidden, NotFound)
)
async def replay_dead_letter(
    principal: CurrentPrincipal,
    letters: _Letters,
    session: UnitOfWork,
    letter_id: _LetterId,
    key: IdempotencyKey,
) -> Replayed:
    """It gets all its attempts again."""
    return await once(
        session,
        principal,
        key,
        f"replay/{letter_id}",
        shape=Replayed,
        work=lambda: letters.replay_one(session, principal, letter_id),
    )


@router.delete(
    "/failed/{letter_id}",
    status_code=204,
    summary="Delete a dead letter",
    responses=raises(Forbidden, NotFound),
)
async def delete_dead_letter(
    principal: CurrentPrincipal, letters: _Letters, session: UnitOfWork, letter_id: _LetterId
) -> None:
    """Its document, where it is about one, stays as it is."""
    await letters.delete(session, principal, letter_id)


@router.post("/reconcile", status_code=202, summary="Compare and repair", responses=raises(Forbidden))
async def start_reconciling(
    principal: CurrentPrincipal, reconciling: _Reconciling, session: UnitOfWork, key: IdempotencyKey
) -> Job:
    """Index and blob store are compared with the database and repaired; the job's `report` has the counts."""
    return await once(
        session,
        principal,
        key,
        "reconcile",
        shape=Job,
        work=lambda: reconciling.start(session, principal),
    )
