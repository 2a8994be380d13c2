"""The two guards of every route that is not public: a person (or service), or the gateway."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from access.jwks import TrustedKeys
from access.principal import Principal
from access.services import GATEWAY, contact_of
from access.tokens import Verifier
from kit.clock import Clock
from kit.errors import Unauthenticated
from kit.wire.contact import ISSUER as CONTACT
from platform_api.edge import provided
from platform_api.edge.rates import RequestRates
from platform_api.identity.api_key import looks_like_api_key
from platform_api.identity.errors import MayNotActAs
from platform_api.identity.service import Identity

AUDIENCE = "platform"
OWN_ISSUER = "platform"
GATEWAY_ISSUER = "gateway"

_person_bearer = HTTPBearer(
    scheme_name="bearer", description="An API key (`sb_…`) or a token from sign-in.", auto_error=False
)
_service_bearer = HTTPBearer(
    scheme_name="service", description="A service token of the gateway, for `/internal/v1`.", auto_error=False
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Verifies what is made out to the platform, whoever issued it."""

    verifier: Verifier

    @classmethod
    def trusting(cls, trusted: TrustedKeys, clock: Clock) -> "Tokens":
        return cls(Verifier(trusted.find, AUDIENCE, clock))


Credentials = HTTPAuthorizationCredentials | None
_Identity = Annotated[Identity, Depends(provided(Identity))]
_Tokens = Annotated[Tokens, Depends(provided(Tokens))]
_Named = Annotated[str, Field(max_length=400)]
_Rates = Annotated[RequestRates, Depends(provided(RequestRates))]


async def current_principal(  # noqa: PLR0917  a dependency each
    request: Request,
    sent: Annotated[Credentials, Security(_person_bearer)],
    identity: _Identity,
    tokens: _Tokens,
    rates: _Rates,
    x_act_as: Annotated[list[_Named] | None, Header(include_in_schema=False)] = None,
) -> Principal:
    """Who is asking: whose credential it is, or for whom a bot asks (`X-Act-As`, SPEC 6).

    Raises Unauthenticated, MayNotActAs, LinkNeeded, TooMany.
    """
    try:
        principal = await _holder(sent, identity, tokens)
    except Unauthenticated:
        if sent is not None:
            await rates.unknown(request.scope)
        raise
    if x_act_as is not None:
        if len(x_act_as) != 1:
            # which of two counts is nobody's to guess
            raise MayNotActAs
        principal = await identity.acted_for(principal, x_act_as[0])
    await rates.known(principal, request.scope)
    return principal


async def _holder(sent: Credentials, identity: Identity, tokens: Tokens) -> Principal:
    """The token only says who; what they may is read with each request."""
    if sent is None:
        raise Unauthenticated
    if looks_like_api_key(sent.credentials):
        principal, _ = await identity.by_api_key(sent.credentials)
        return principal
    verified = tokens.verifier.verify(sent.credentials)
    if verified.issuer != OWN_ISSUER:
        raise Unauthenticated
    person = await identity.person(verified.principal.id)
    return person.principal.limited(verified.principal.limits)


async def key_ends(
    sent: Annotated[Credentials, Security(_person_bearer)], identity: _Identity
) -> datetime | None:
    """When the API key that was sent expires; None where it is no key. Raises Unauthenticated."""
    if sent is None or not looks_like_api_key(sent.credentials):
        return None
    _, expires_at = await identity.by_api_key(sent.credentials)
    return expires_at


async def service_principal(
    sent: Annotated[Credentials, Security(_service_bearer)], tokens: _Tokens
) -> Principal:
    """The gateway itself. Raises Unauthenticated for everyone else, people included."""
    if sent is None:
        raise Unauthenticated
    verified = tokens.verifier.verify(sent.credentials)
    # the gateway's key also signs for people, towards tool servers: such a token is nobody's here
    if verified.issuer != GATEWAY_ISSUER or verified.principal != GATEWAY:
        raise Unauthenticated
    return verified.principal


async def reporting_principal(
    sent: Annotated[Credentials, Security(_service_bearer)], tokens: _Tokens
) -> Principal:
    """Who hands over records: the gateway; or the contact server, for the organisation in its token and for
    no other. Raises Unauthenticated for everyone else."""
    if sent is None:
        raise Unauthenticated
    verified = tokens.verifier.verify(sent.credentials)
    if verified.issuer == CONTACT and verified.principal == contact_of(verified.principal.organisation_id):
        return verified.principal
    return await service_principal(sent, tokens)


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]
KeyEnds = Annotated[datetime | None, Depends(key_ends)]
ServicePrincipal = Annotated[Principal, Depends(service_principal)]
ReportingPrincipal = Annotated[Principal, Depends(reporting_principal)]
GUARDS = frozenset({current_principal, service_principal, reporting_principal})
