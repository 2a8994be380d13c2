"""What the platform asks of the gateway (SPEC 3b): with its own token, and of nobody else's."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kit.errors import Invalid, SwitchboardError, TooLarge
from kit.wire.interactions import AskRemembered
from kit.wire.internal import ProbeServer
from kit.wire.problem import MEDIA_TYPE
from tools.gateway.approvals_kept import KeptApprovals
from tools.gateway.callers import Callers
from tools.gateway.probing import Probing

DEFINITIONS = "/internal/v1/definitions"
APPROVALS = "/internal/v1/approvals"
Asked = TypeVar("Asked", bound=BaseModel)
LARGEST = 4_000_000
"""Bytes of a request: an OpenAPI document may be in it."""


def internal_routes(callers: Callers, probing: Probing, kept: KeptApprovals) -> list[Route]:
    return [
        _route(DEFINITIONS, callers, ProbeServer, probing.probe),
        _route(APPROVALS, callers, AskRemembered, kept.shown),
    ]


def _route(
    path: str, callers: Callers, shape: type[Asked], answer: Callable[[Asked], Awaitable[BaseModel]]
) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            callers.platform(request.headers.get("authorization", ""))
            found = await answer(_asked(shape, await _body(request)))
        except SwitchboardError as error:
            return _refused(error)
        return Response(found.model_dump_json(), media_type="application/json")

    return Route(path, endpoint, methods=["POST"])


def _asked(shape: type[Asked], body: bytes) -> Asked:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors()[:5])
        raise Invalid(f"Not what they must be: {fields}.") from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise TooLarge(f"A request may have {LARGEST} bytes.")
    return bytes(body)


def _refused(error: SwitchboardError) -> Response:
    return Response(error.problem(uuid4().hex).dump(), error.status, media_type=MEDIA_TYPE)
