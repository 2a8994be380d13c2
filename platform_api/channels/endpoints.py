"""Routes that only bots use: with their own key, never for a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from kit.errors import NotFound, TooLarge
from kit.wire.base import Page
from kit.wire.channels import (
    AckDelivery,
    ChannelName,
    ClaimDeliveries,
    Deliveries,
    PutState,
    StateEntries,
    StateEntry,
    StateSteps,
)
from platform_api.channels.errors import LeaseLost, NoSuchState, StateChanged
from platform_api.channels.service import ChannelState, Outgoing
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.identity import CurrentPrincipal
from platform_api.identity.errors import MayNotActAs

router = APIRouter(prefix="/api/v1", tags=["channels"])
_State = Annotated[ChannelState, Depends(provided(ChannelState))]
_Outgoing = Annotated[Outgoing, Depends(provided(Outgoing))]
_Key = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


@router.post("/deliveries/claim", summary="Claim messages to deliver", responses=raises(MayNotActAs))
async def claim_deliveries(
    principal: CurrentPrincipal, outgoing: _Outgoing, request: ClaimDeliveries
) -> Deliveries:
    """The caller's alone for `lease_s`; what is not acknowledged by then is claimed again by somebody.
    With `wait_s` an empty answer comes only after that time."""
    return await outgoing.claim(principal, request)


@router.post(
    "/deliveries/{delivery_id}/ack",
    status_code=204,
    summary="Say how a delivery ended",
    responses=raises(NotFound, LeaseLost, MayNotActAs),
)
async def acknowledge_delivery(
    principal: CurrentPrincipal, outgoing: _Outgoing, db: UnitOfWork, delivery_id: UUID, request: AckDelivery
) -> None:
    """`failed` comes again after a pause that doubles, until it expires."""
    await outgoing.acknowledge(db, principal, delivery_id, request)


@router.get("/channels/{channel}/state", summary="List a channel's state", responses=raises(MayNotActAs))
async def list_channel_state(
    principal: CurrentPrincipal,
    state: _State,
    db: UnitOfWork,
    *,
    channel: ChannelName,
    prefix: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page[StateEntry]:
    """By key; `prefix` narrows it, such as `install/`."""
    return await state.listed(db, principal, channel, prefix=prefix, after=cursor, limit=limit)


@router.post(
    "/channels/{channel}/state",
    summary="Read and change several entries at once",
    responses=raises(StateChanged, TooLarge, MayNotActAs),
)
async def change_channel_state(
    principal: CurrentPrincipal, state: _State, db: UnitOfWork, channel: ChannelName, request: StateSteps
) -> StateEntries:
    """In one commit: where one of them is refused, none is done."""
    return await state.together(db, principal, channel, request)


@router.get(
    "/channels/{channel}/state/{key:path}",
    summary="Read a channel's state",
    responses=raises(NoSuchState, MayNotActAs),
)
async def read_channel_state(
    principal: CurrentPrincipal, state: _State, db: UnitOfWork, channel: ChannelName, key: _Key
) -> StateEntry:
    """What the channel's bot kept under this key."""
    return await state.read(db, principal, channel, key)


@router.put(
    "/channels/{channel}/state/{key:path}",
    summary="Keep a channel's state",
    responses=raises(StateChanged, TooLarge, MayNotActAs),
)
async def put_channel_state(
    principal: CurrentPrincipal,
    state: _State,
    db: UnitOfWork,
    *,
    channel: ChannelName,
    key: _Key,
    request: PutState,
) -> StateEntry:
    """At most 64 KB of JSON, encrypted at rest. With `version`, only where that one is replaced."""
    return await state.put(db, principal, channel, key, request)


@router.delete(
    "/channels/{channel}/state/{key:path}",
    status_code=204,
    summary="Forget a channel's state",
    responses=raises(MayNotActAs),
)
async def remove_channel_state(
    principal: CurrentPrincipal, state: _State, db: UnitOfWork, channel: ChannelName, key: _Key
) -> None:
    """Also where there is none."""
    await state.remove(db, principal, channel, key)
