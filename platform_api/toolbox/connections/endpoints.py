"""Accounts at tool servers: a person's own, an admin's view of a server, and what the gateway asks for."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from kit.errors import Forbidden, NotFound
from kit.wire.base import Page
from kit.wire.connections import (
    AskToken,
    Connection,
    ConnectionStarted,
    ServerConnection,
    SetSignIn,
    SignIn,
    StartConnection,
    UpstreamToken,
)
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.identity import CurrentPrincipal, ServicePrincipal
from platform_api.identity.errors import NotThroughAChannel
from platform_api.identity.in_person import in_person
from platform_api.toolbox.connections.accounts import Accounts
from platform_api.toolbox.connections.connecting import Connecting
from platform_api.toolbox.connections.credentials import Credentials
from platform_api.toolbox.connections.errors import (
    AuthorizationServerDown,
    AuthorizationServerRefused,
    ConnectAccount,
    NoSignIn,
    SignInUnusable,
)
from platform_api.toolbox.connections.sign_ins import SignIns
from platform_api.toolbox.connections.vault import CredentialUnreadable, VaultMissing
from ports.http import AddressRefused

router = APIRouter(prefix="/api/v1", tags=["tools"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"])
_Accounts = Annotated[Accounts, Depends(provided(Accounts))]
_SignIns = Annotated[SignIns, Depends(provided(SignIns))]
_Name = Annotated[str, Path(max_length=100)]


@router.get("/connections", summary="List my accounts at tool servers")
async def list_connections(
    principal: CurrentPrincipal, accounts: _Accounts, session: UnitOfWork
) -> Page[Connection]:
    """The caller's own, by server; tokens are shown to nobody."""
    return Page(items=await accounts.mine(session, principal))


@router.post(
    "/connections",
    status_code=201,
    summary="Connect my account at a tool server",
    responses=raises(NotFound, NoSignIn, VaultMissing, NotThroughAChannel),
)
async def start_connection(
    principal: CurrentPrincipal,
    request: StartConnection,
    connecting: Annotated[Connecting, Depends(provided(Connecting))],
) -> ConnectionStarted:
    """Answers the address that the person opens in their own browser. Where the server takes a key that the
    person has, `secret` connects at once."""
    return await connecting.start(principal, request)


@router.delete(
    "/connections/{server}", status_code=204, summary="Disconnect my account", responses=raises(NotFound)
)
async def revoke_connection(principal: CurrentPrincipal, server: _Name, accounts: _Accounts) -> None:
    """Deleted here in any case, and revoked at its authorization server where that offers it. The gateway
    may use what it holds for 60 s."""
    await accounts.revoke(principal, server)


@router.put(
    "/mcp-servers/{name}/sign-in",
    dependencies=[Depends(in_person)],
    summary="Say how one signs in to a tool server",
    responses=raises(Forbidden, NotFound, SignInUnusable, AddressRefused, VaultMissing),
)
async def set_sign_in(
    principal: CurrentPrincipal, name: _Name, request: SetSignIn, sign_ins: _SignIns
) -> SignIn:
    """What is left out is found out: the authorization server from the tool server (RFC 9728), its endpoints
    from its metadata (RFC 8414, OpenID Connect), our client by CIMD or registration (RFC 7591)."""
    return await sign_ins.set(principal, name, request)


@router.get(
    "/mcp-servers/{name}/sign-in",
    dependencies=[Depends(in_person)],
    summary="Read how one signs in to a tool server",
    responses=raises(Forbidden, NoSignIn),
)
async def get_sign_in(
    principal: CurrentPrincipal, name: _Name, sign_ins: _SignIns, session: UnitOfWork
) -> SignIn:
    """Without its secrets; with the redirect URI to be registered by hand where that is needed."""
    return await sign_ins.shown(session, principal, name)


@router.get(
    "/mcp-servers/{name}/connections",
    dependencies=[Depends(in_person)],
    summary="List who is connected",
    responses=raises(Forbidden),
)
async def list_server_connections(
    principal: CurrentPrincipal, name: _Name, accounts: _Accounts, session: UnitOfWork, page: PageQuery
) -> Page[ServerConnection]:
    """Everyone of the organisation who is connected to this server, newest first."""
    return await accounts.of_server(session, principal, name, page)


@router.delete(
    "/mcp-servers/{name}/connections/{user_id}",
    status_code=204,
    dependencies=[Depends(in_person)],
    summary="Disconnect a person's account",
    responses=raises(Forbidden, NotFound),
)
async def revoke_server_connection(
    principal: CurrentPrincipal, name: _Name, user_id: UUID, accounts: _Accounts
) -> None:
    """As an admin; otherwise as disconnecting one's own."""
    await accounts.revoke(principal, name, user_id)


@internal.post(
    "/connections/{server}/token",
    summary="Get the credential for a person at a server",
    responses=raises(
        ConnectAccount, NoSignIn, AuthorizationServerDown, AuthorizationServerRefused, CredentialUnreadable
    ),
)
async def get_token(
    server: _Name,
    ask: AskToken,
    service: ServicePrincipal,
    credentials: Annotated[Credentials, Depends(provided(Credentials))],
) -> UpstreamToken:
    """Renewed where it is due, or where `rejected` is the one in use. 409 `connect_account` with `url` where
    the person has to connect the account first."""
    return await credentials.of(server, ask)
