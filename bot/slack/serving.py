"""Slack over HTTP: signed events, presses and commands, and the pages of an installation."""

import time
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.starlette.async_handler import (
    AsyncSlackRequestHandler,
    to_async_bolt_request,
    to_starlette_response,
)

from bot.slack import installing, manifest
from bot.slack.app import SlackBot
from bot.slack.installs import Installs

log = structlog.get_logger()
LARGEST: Final = 1_000_000
"""Bytes of a request; Slack's own are far smaller."""


_REFUSED: Final = 401
_TOLD_EVERY_S: Final = 1.0


class Refusals:
    """Requests that Slack has not signed, or not now: told, but nobody fills our log with them."""

    def __init__(self) -> None:
        self._told = float("-inf")
        self._since = 0

    def tell(self, request: Request) -> None:
        self._since += 1
        now = time.monotonic()
        if now - self._told < _TOLD_EVERY_S:
            return
        address = request.client.host if request.client else ""
        log.warning("slack.refused_request", why="signature or time", address=address, requests=self._since)
        self._told, self._since = now, 0


class NotSigned(Exception):
    """There is no signing secret, so nothing that comes over HTTP could be believed."""


def web(bot: SlackBot) -> FastAPI:
    """POST /slack/events for everything that Slack sends; GET /slack/install where workspaces install us.

    Raises NotSigned.
    """
    settings = bot.settings
    if not settings.signing_secret.get_secret_value():
        raise NotSigned("SWITCHBOARD_SLACK__SIGNING_SECRET is not set: see Basic Information of the app.")
    refusals = Refusals()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    handler = AsyncSlackRequestHandler(bot.bolt)

    async def events(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                return Response(status_code=413)
        answer = await handler.app.async_dispatch(to_async_bolt_request(request, bytes(body)))
        if answer.status == _REFUSED:
            refusals.tell(request)
        return to_starlette_response(answer)

    async def live() -> dict[str, str]:
        return {"status": "ok"}

    app.add_api_route("/slack/events", events, methods=["POST"])
    app.add_api_route("/health/live", live, methods=["GET"])
    if settings.client_id and isinstance(bot.installs, Installs):
        _installable(app, bot, bot.installs)
    return app


def _installable(app: FastAPI, bot: SlackBot, installs: Installs) -> None:
    flow = installing.flow(bot.settings, installs, bot.desk.switchboard, list(manifest.SCOPES))

    async def install(request: Request) -> Response:
        return to_starlette_response(await flow.handle_installation(to_async_bolt_request(request, b"")))

    async def installed(request: Request) -> Response:
        return to_starlette_response(await flow.handle_callback(to_async_bolt_request(request, b"")))

    app.add_api_route("/slack/install", install, methods=["GET"])
    app.add_api_route("/slack/oauth_redirect", installed, methods=["GET"])
