"""Slack over HTTP: signed events, presses and commands, and the pages of an installation."""

from typing import Final

from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.starlette.async_handler import (
    AsyncSlackRequestHandler,
    to_async_bolt_request,
    to_starlette_response,
)

from bot.slack import installing, manifest
from bot.slack.app import SlackBot
from bot.slack.installs import Installs

LARGEST: Final = 1_000_000
"""Bytes of a request; Slack's own are far smaller."""


class NotSigned(Exception):
    """There is no signing secret, so nothing that comes over HTTP could be believed."""


def web(bot: SlackBot) -> FastAPI:
    """POST /slack/events for everything that Slack sends; GET /slack/install where workspaces install us.

    Raises NotSigned.
    """
    settings = bot.settings
    if not settings.signing_secret.get_secret_value():
        raise NotSigned("SWITCHBOARD_SLACK__SIGNING_SECRET is not set: see Basic Information of the app.")
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    handler = AsyncSlackRequestHandler(bot.bolt)

    async def events(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                return Response(status_code=413)
        return to_starlette_response(
            await handler.app.async_dispatch(to_async_bolt_request(request, bytes(body)))
        )

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
