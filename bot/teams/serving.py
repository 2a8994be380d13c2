"""Teams over HTTP: POST /api/messages, answered early; the work goes on behind it."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from bot.teams.invoking import InvokeAnswer
from bot.teams.sending import Away, NotAllowed

log = structlog.get_logger()
LARGEST: Final = 1_000_000
"""Bytes of a request; Teams' own are far smaller."""
_TOLD_EVERY_S: Final = 1.0
MESSAGES: Final = "/api/messages"


class Receives(Protocol):
    """`app.TeamsBot`."""

    async def receive(self, header: str, body: Mapping[str, Any]) -> InvokeAnswer | None: ...


class Refusals:
    """Requests that Microsoft has not signed for us: told, but nobody fills our log with them."""

    def __init__(self) -> None:
        self._told = float("-inf")
        self._since = 0

    def tell(self, request: Request, why: str) -> None:
        self._since += 1
        now = time.monotonic()
        if now - self._told < _TOLD_EVERY_S:
            return
        address = request.client.host if request.client else ""
        log.warning("teams.refused_request", why=why, address=address, requests=self._since)
        self._told, self._since = now, 0


def web(bot: Receives, *, signed: bool = True) -> FastAPI:
    """signed: False for the playground alone."""
    refusals = Refusals()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def messages(request: Request) -> Response:
        header = request.headers.get("Authorization", "")
        if signed and not header:
            refusals.tell(request, "no token")
            return _refused()
        raw = await _body(request)
        if raw is None:
            return Response(status_code=413)
        body = _object(raw)
        if body is None:
            return Response(status_code=400)
        try:
            answer = await bot.receive(header, body)
        except NotAllowed as error:
            refusals.tell(request, str(error))
            return _refused()
        except Away:
            return Response(status_code=503, headers={"Retry-After": "5"})
        return _answered(answer)

    async def live() -> dict[str, str]:
        return {"status": "ok"}

    app.add_api_route(MESSAGES, messages, methods=["POST"])
    app.add_api_route("/health/live", live, methods=["GET"])
    app.add_api_route("/health/ready", live, methods=["GET"])
    return app


def _answered(answer: InvokeAnswer | None) -> Response:
    if answer is None:
        return Response(status_code=201)
    if answer.body is None:
        return Response(status_code=answer.status)
    return JSONResponse(answer.body, status_code=answer.status)


def _refused() -> Response:
    return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})


async def _body(request: Request) -> bytes | None:
    """None: too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None
