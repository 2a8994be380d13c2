"""Interactions over HTTP: list, read, answer; and the gateway's one-shots."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from kit.errors import Invalid
from kit.wire.base import Page
from kit.wire.interactions import (
    AskedOf,
    ConsumedOneShot,
    ConsumeOneShot,
    Interaction,
    OpenedOneShot,
    OpenOneShot,
    Respond,
    Responded,
    Status,
)
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey
from platform_api.identity import CurrentPrincipal, ServicePrincipal
from platform_api.interactions.errors import (
    AnswerInvalid,
    InteractionAnswered,
    InteractionCancelled,
    InteractionExpired,
    InteractionNotFound,
    SecondPersonNeeded,
    Unaskable,
)
from platform_api.interactions.one_shots import OneShots
from platform_api.interactions.service import LONGEST_WAIT_S, Interactions

router = APIRouter(prefix="/api/v1", tags=["interactions"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"])
_Interactions = Annotated[Interactions, Depends(provided(Interactions))]
_OneShots = Annotated[OneShots, Depends(provided(OneShots))]


@router.get("/interactions", summary="What I was asked, open ones first")
async def list_interactions(
    principal: CurrentPrincipal,
    interactions: _Interactions,
    session: UnitOfWork,
    page: PageQuery,
    *,
    status: Annotated[Status | None, Query(description="Only those in this state.")] = None,
    asked_of: Annotated[
        AskedOf | None,
        Query(description="`second_person`: what others asked that I may decide. Else what is mine."),
    ] = None,
) -> Page[Interaction]:
    """Forms, choices, approvals and pages to open, from every channel of mine."""
    return await interactions.list(session, principal, page, status=status, asked_of=asked_of)


@router.get(
    "/interactions/{interaction_id}",
    summary="Read an interaction",
    responses=raises(InteractionNotFound),
)
async def get_interaction(
    principal: CurrentPrincipal,
    interactions: _Interactions,
    interaction_id: UUID,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for it to be settled.")
    ] = 0,
) -> Interaction:
    """With `wait`, it answers once it was answered (wherever), has expired, or brought its result."""
    return await interactions.wait(principal, interaction_id, wait)


@router.post(
    "/interactions/{interaction_id}/respond",
    summary="Answer an interaction",
    status_code=status.HTTP_202_ACCEPTED,
    responses=raises(
        InteractionNotFound,
        AnswerInvalid,
        SecondPersonNeeded,
        InteractionAnswered,
        InteractionExpired,
        InteractionCancelled,
    ),
)
async def respond_to_interaction(
    principal: CurrentPrincipal,
    interactions: _Interactions,
    interaction_id: UUID,
    body: Respond,
    key: IdempotencyKey,
) -> Responded:
    """Counts once, from whichever channel it comes first. The same answer again, with or without a key, is
    answered the same; another one, or a late one, changes nothing."""
    return await interactions.respond(principal, interaction_id, body)


@internal.post(
    "/one-shots",
    summary="Ask a person for a permission that counts once",
    status_code=status.HTTP_201_CREATED,
    responses=raises(Invalid, Unaskable),
)
async def open_one_shot(
    service: ServicePrincipal, one_shots: _OneShots, session: UnitOfWork, body: OpenOneShot
) -> OpenedOneShot:
    """An interaction that the person, or those who may be the second one, see and answer."""
    return await one_shots.open(session, body)


@internal.post(
    "/one-shots/{one_shot_id}/consume", summary="Use a permission, once", responses=raises(Invalid)
)
async def consume_one_shot(
    service: ServicePrincipal,
    one_shots: _OneShots,
    session: UnitOfWork,
    one_shot_id: UUID,
    body: ConsumeOneShot,
) -> ConsumedOneShot:
    """True for one caller at most, of those with the same person and digest."""
    return await one_shots.consume(session, one_shot_id, body)
