"""Who am I, API keys, dev sign-in, and the keys that our tokens are signed with."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from access.tokens import Minter, SigningKey
from kit.errors import NotFound
from kit.wire.account import ApiKey, CreateApiKey, CreatedApiKey, DevSignIn, Me, SignedIn
from kit.wire.base import Page
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.rates import RequestRates
from platform_api.identity.dev_people import sign_in
from platform_api.identity.errors import ScopeTooWide, UnknownPerson
from platform_api.identity.principals import CurrentPrincipal, KeyEnds
from platform_api.identity.service import Identity

router = APIRouter(prefix="/api/v1", tags=["account"])
public = APIRouter(tags=["account"])
dev_only = APIRouter(tags=["account"])
_Identity = Annotated[Identity, Depends(provided(Identity))]
_Rates = Annotated[RequestRates, Depends(provided(RequestRates))]


@router.get("/me", summary="Who am I")
async def me(principal: CurrentPrincipal, identity: _Identity, rates: _Rates) -> Me:
    """The caller as the platform sees them: groups, roles and permissions, and what of their limits is left
    right now."""
    found = await identity.me(principal)
    return found.model_copy(update={"limits": await rates.left(principal)})


@router.get("/api-keys", summary="List my API keys")
async def list_api_keys(
    principal: CurrentPrincipal, identity: _Identity, session: UnitOfWork, page: PageQuery
) -> Page[ApiKey]:
    """The caller's own keys, newest first; never their secrets."""
    return await identity.list_api_keys(session, principal, page)


@router.post("/api-keys", status_code=201, summary="Create an API key", responses=raises(ScopeTooWide))
async def create_api_key(
    principal: CurrentPrincipal,
    identity: _Identity,
    session: UnitOfWork,
    request: CreateApiKey,
    not_after: KeyEnds,
) -> CreatedApiKey:
    """The key is shown this once: only its hash is kept. It carries at most what the caller carries, and
    a key that is made with another one expires with it at the latest."""
    return await identity.create_api_key(session, principal, request, not_after)


@router.delete("/api-keys/{key_id}", status_code=204, summary="Delete an API key", responses=raises(NotFound))
async def delete_api_key(
    principal: CurrentPrincipal, identity: _Identity, session: UnitOfWork, key_id: UUID
) -> None:
    """It stops working at once here, and within 30 s on every other replica and the gateway's 60 s."""
    await identity.delete_api_key(session, principal, key_id)


@public.get("/.well-known/jwks.json", summary="Public keys of our tokens")
async def jwks(key: Annotated[SigningKey, Depends(provided(SigningKey))]) -> dict[str, Any]:
    """The JWK set (RFC 7517) of the issuer `platform`: who verifies our tokens fetches it here."""
    return key.jwks()


@dev_only.post("/auth/dev", summary="Sign in as a dev person", responses=raises(UnknownPerson))
async def dev_sign_in(
    request: DevSignIn, identity: _Identity, minter: Annotated[Minter, Depends(provided(Minter))]
) -> SignedIn:
    """maya, tom or ada, without a password: exists in the all-in-one shape only."""
    return await sign_in(identity, minter, request.person)
