"""Linked channel accounts, and the keys of bots."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from kit.errors import NotFound
from kit.wire.account import CreatedApiKey
from kit.wire.base import Page
from kit.wire.channels import ChannelLink, ConfirmLink, CreateBot, LinkOffer, LinkState, RequestLink
from platform_api.account.errors import AdminsOnly, LinkedToSomebodyElse, NoSuchCode, WholeRightsNeeded
from platform_api.account.service import Linking
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.identity import CurrentPrincipal, KeyEnds
from platform_api.identity.errors import MayNotActAs, NotThroughAChannel

router = APIRouter(prefix="/api/v1", tags=["account"])
_Linking = Annotated[Linking, Depends(provided(Linking))]
_Code = Annotated[str, Path(min_length=8, max_length=40)]


@router.post("/links", summary="Link somebody of a channel", responses=raises(MayNotActAs))
async def request_link(
    principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork, request: RequestLink
) -> LinkState:
    """For the bot of that channel. Where the workspace is trusted and its verified address is a person's,
    they are linked at once; else the answer holds a code for the person to confirm."""
    return await linking.request(db, principal, request)


@router.get("/links", summary="My linked accounts")
async def list_links(principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork) -> Page[ChannelLink]:
    """Where messages are taken for mine."""
    return await linking.mine(db, principal)


@router.get(
    "/links/offers/{code}", summary="What a code links", responses=raises(NoSuchCode, NotThroughAChannel)
)
async def read_offer(
    principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork, code: _Code
) -> LinkOffer:
    """Whose account it is: look before confirming. Somebody else's code would let them ask as you."""
    return await linking.look(db, principal, code)


@router.post(
    "/links/confirm",
    status_code=201,
    summary="Confirm a link",
    responses=raises(NoSuchCode, LinkedToSomebodyElse, NotThroughAChannel, WholeRightsNeeded),
)
async def confirm_link(
    principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork, request: ConfirmLink
) -> ChannelLink:
    """From now on messages of that account are the caller's, with all rights of the caller: an API key of
    fewer scopes links nothing. A code works once."""
    return await linking.confirm(db, principal, request)


@router.delete("/links/{link_id}", status_code=204, summary="Undo a link", responses=raises(NotFound))
async def remove_link(principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork, link_id: UUID) -> None:
    """Messages of that account are a guest's again, at once."""
    await linking.remove(db, principal, link_id)


@router.post("/admin/bots", status_code=201, summary="Make a bot's key", responses=raises(AdminsOnly))
async def create_bot(
    principal: CurrentPrincipal, linking: _Linking, db: UnitOfWork, request: CreateBot, not_after: KeyEnds
) -> CreatedApiKey:
    """A service that may ask for the people of one channel (`X-Act-As`), and for nothing else. The key is
    shown this once; made with an API key, it expires with that one at the latest."""
    return await linking.create_bot(db, principal, request, not_after)
