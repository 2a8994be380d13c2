"""Calling a tool by itself over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from kit.errors import ToolTimedOut
from kit.wire.interactions import Interaction, ToolAsks
from kit.wire.tools import InvokeTool, ToolOutcome
from platform_api.agents.invoking import Invoking
from platform_api.edge import provided, raises
from platform_api.edge.errors import IdempotencyKeyReused, StillUnknown
from platform_api.edge.idempotency import IdempotencyKey
from platform_api.identity import CurrentPrincipal
from platform_api.interactions.errors import Unaskable
from platform_api.toolbox.errors import GatewayFailed, NoSuchTool, ToolsUnavailable

router = APIRouter(prefix="/api/v1", tags=["tools"])
_MAY_FAIL = (NoSuchTool, IdempotencyKeyReused, StillUnknown, Unaskable, ToolsUnavailable)


@router.post(
    "/tools/{name}/invoke",
    summary="Call a tool",
    response_model=ToolOutcome,
    responses=raises(*_MAY_FAIL, ToolTimedOut, GatewayFailed)
    | {202: {"model": ToolAsks, "description": "The tool asks first: respond to the interaction."}},
)
async def invoke_tool(
    principal: CurrentPrincipal,
    invoking: Annotated[Invoking, Depends(provided(Invoking))],
    name: Annotated[str, Path(max_length=200)],
    body: InvokeTool,
    key: IdempotencyKey,
) -> Response:
    """Through the gateway, under the same policy and audit as any other call. A failure of the tool itself
    is an answer with `is_error`. Where the tool asks the person first, 202: respond to the interaction, and
    read what came of it there (`GET /api/v1/interactions/{id}?wait=25`)."""
    done = await invoking.invoke(principal, name, body.arguments, key)
    if isinstance(done, Interaction):
        asks = ToolAsks(interaction=done).dump()
        where = {"Location": f"/api/v1/interactions/{done.id}"}
        return Response(asks, status_code=202, headers=where, media_type="application/json")
    return Response(done.model_dump_json(), media_type="application/json")
