"""Every error leaves as application/problem+json (RFC 9457): what happened, and the next step."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from kit.errors import (
    BadRequest,
    Invalid,
    NotFound,
    SwitchboardError,
    TooLarge,
    UnsupportedType,
)
from kit.wire.problem import MEDIA_TYPE
from platform_api.edge.errors import MethodNotAllowed

_SHOWN_ERRORS = 5
_BY_STATUS: dict[int, tuple[type[SwitchboardError], str]] = {
    405: (MethodNotAllowed, ""),
    413: (TooLarge, "The body of this request is larger than the limit of this address."),
    415: (UnsupportedType, ""),
}
log = structlog.get_logger()


def install(app: FastAPI) -> None:
    app.add_exception_handler(SwitchboardError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def problem_response(
    error: SwitchboardError, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """`Retry-After` is in whole seconds, rounded up (RFC 9110, 10.2.3)."""
    extra = dict(headers or {})
    if error.retry_after is not None:
        extra["Retry-After"] = str(max(1, int(-(-error.retry_after // 1))))
    if error.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(error.problem(request_id).dump(), error.status, extra, media_type=MEDIA_TYPE)


def unexpected(request_id: str) -> Response:
    """What nobody foresaw: the person gets the request id, the log has the rest."""
    return problem_response(SwitchboardError(), request_id)


def _id(request: Request) -> str:
    return cast(str, request.scope.get("switchboard.request_id", ""))


async def _known(request: Request, error: Exception) -> Response:
    known = cast(SwitchboardError, error)
    if known.status >= 500:
        log.warning("request.unserved", code=known.code, detail=known.detail, exc_info=known.__cause__)
    return problem_response(known, _id(request))


async def _http(request: Request, error: Exception) -> Response:
    raised = cast(HTTPException, error)
    if isinstance(raised.__cause__, SwitchboardError):
        return problem_response(raised.__cause__, _id(request))
    return problem_response(_of_status(raised), _id(request), raised.headers)


def _of_status(raised: HTTPException) -> SwitchboardError:
    if raised.status_code == 404:
        # No route: this says nothing about any document.
        return NotFound("There is nothing at this address.", hint="Every address is listed at /docs.")
    known, detail = _BY_STATUS.get(raised.status_code, (None, ""))
    if known:
        return known(detail)
    if raised.status_code < 500:
        return BadRequest("The body could not be read: it is not valid UTF-8 of the announced type.")
    return SwitchboardError()


async def _invalid(request: Request, error: Exception) -> Response:
    found = cast(Sequence[Mapping[str, Any]], cast(RequestValidationError, error).errors())
    return problem_response(_explained(found), _id(request))


def _explained(found: Sequence[Mapping[str, Any]]) -> SwitchboardError:
    if any(item["loc"][0] == "path" for item in found):
        # An id that cannot exist looks like one that does not.
        return NotFound()
    if any(item["type"] == "json_invalid" for item in found):
        return BadRequest("The body is not valid JSON.", hint="Send a JSON object in UTF-8.")
    return Invalid(" ".join(sentence(item) for item in found[:_SHOWN_ERRORS]))


def sentence(item: Mapping[str, Any]) -> str:
    """One validation error with the field's name, never with the value that was sent."""
    path = ".".join(str(part) for part in item["loc"][1:])
    if item["type"] == "extra_forbidden":
        return f"Unknown field '{path}'."
    if item["type"] == "missing" and path:
        return f"Field '{path}' is missing."
    if not path:
        return "The body is missing." if item["type"] == "missing" else f"The body: {item['msg']}."
    return f"Field '{path}': {item['msg']}."
