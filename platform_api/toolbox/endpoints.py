"""The tools that a caller may use, and what the gateway asks of us."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from access.tokens import claims_of
from kit.clock import Clock
from kit.errors import NotFound, ToolTimedOut
from kit.wire.base import Page
from kit.wire.interactions import RememberedApproval
from kit.wire.internal import Grant, ResolvedPrincipal, ResolvePrincipal
from kit.wire.tools import Registry, Tool
from platform_api.audit import record
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.identity import CurrentPrincipal, Identity, ServicePrincipal
from platform_api.identity.grants import Grants
from platform_api.toolbox.errors import GatewayFailed, ToolsUnavailable
from platform_api.toolbox.gateway import HttpToolGateway
from platform_api.toolbox.probing import Remembering
from platform_api.toolbox.registry import LONGEST_WAIT_S, RegistryWatch, with_servers

RESOLVED_S = 60
router = APIRouter(prefix="/api/v1", tags=["tools"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"])
_Gateway = Annotated[HttpToolGateway, Depends(provided(HttpToolGateway))]
_Remembering = Annotated[Remembering, Depends(provided(Remembering))]
_DOWN = (ToolsUnavailable, ToolTimedOut, GatewayFailed)


@router.get(
    "/me/approvals", summary="List my remembered approvals", responses=raises(ToolsUnavailable, GatewayFailed)
)
async def list_remembered_approvals(
    principal: CurrentPrincipal, remembering: _Remembering
) -> Page[RememberedApproval]:
    """Tools that are called without asking again, each in one conversation, newest first. A tool or a policy
    that changes ends them, too."""
    return Page(items=(await remembering.ask(principal)).items)


@router.delete(
    "/me/approvals/{approval_id}",
    status_code=204,
    summary="Forget a remembered approval",
    responses=raises(NotFound, ToolsUnavailable, GatewayFailed),
)
async def forget_remembered_approval(
    principal: CurrentPrincipal,
    remembering: _Remembering,
    session: UnitOfWork,
    approval_id: Annotated[str, Path(max_length=100)],
) -> None:
    """The next call of that tool asks again, on every replica at once."""
    if not (await remembering.ask(principal, forget=approval_id)).forgotten:
        raise NotFound
    await record(session, principal, "approval.forgotten", {"approval": approval_id})


@router.get("/tools", summary="List the tools that I may use", responses=raises(*_DOWN))
async def list_tools(principal: CurrentPrincipal, gateway: _Gateway, session: UnitOfWork) -> Page[Tool]:
    """The gateway's own answer for the caller: what is not here cannot be called."""
    return Page(items=await with_servers(session, principal, await gateway.list_tools(principal)))


@internal.get(
    "/registry",
    summary="Read the tool registry",
    responses={304: {"description": "Still the version of If-None-Match"}},
)
async def get_registry(
    *,
    service: ServicePrincipal,
    asked: Request,
    response: Response,
    watch: Annotated[RegistryWatch, Depends(provided(RegistryWatch))],
    if_none_match: Annotated[str | None, Header()] = None,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for a change.")] = 0,
) -> Registry:
    """All approved tools, with an ETag. With `wait`, an unchanged registry answers only after a change."""
    known = if_none_match.strip().removeprefix("W/").strip('"') if if_none_match else None
    registry = await watch.changed(known, wait if known else 0, asked.is_disconnected)
    if registry is None:
        return Response(status_code=304, headers={"ETag": f'"{known}"'})  # pyright: ignore[reportReturnType]  # as FastAPI allows
    response.headers["ETag"] = f'"{registry.version}"'
    return registry


@internal.post("/principals/resolve", summary="Resolve a credential")
async def resolve_principal(
    request: ResolvePrincipal,
    service: ServicePrincipal,
    identity: Annotated[Identity, Depends(provided(Identity))],
    grants: Annotated[Grants, Depends(provided(Grants))],
    clock: Annotated[Clock, Depends(provided(Clock))],
) -> ResolvedPrincipal:
    """Whose API key this is, as claims, and for how many seconds the answer may be kept (at most 60)."""
    principal, expires_at = await identity.by_api_key(request.api_key)
    await grants.keep(principal)
    left = int((expires_at - clock.now()).total_seconds())
    return ResolvedPrincipal(
        claims=claims_of(principal, principal.access_keys), cache_s=max(0, min(RESOLVED_S, left))
    )


@internal.get("/grants/{hash}", summary="Read a grant", responses=raises(NotFound))
async def get_grant(
    hash: Annotated[str, Path(max_length=64)],
    service: ServicePrincipal,
    grants: Annotated[Grants, Depends(provided(Grants))],
) -> Grant:
    """The access keys that a token names by this hash, for when Redis has lost them."""
    return Grant(keys=await grants.fetch(hash))
