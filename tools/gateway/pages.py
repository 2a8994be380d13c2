"""Everything beside MCP: health, metrics, keys, and what RFC 9728 publishes."""

import hmac
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from access.tokens import SigningKey
from tools.gateway.protocol.door import base_url
from tools.gateway.settings import GatewaySettings

Readiness = Callable[[], str | None]
"""None when ready, else what is missing."""


def pages(
    settings: GatewaySettings,
    key: SigningKey,
    readiness: Readiness,
    internal: Sequence[Route],
) -> Starlette:
    """All of these but the metrics and the internal ones are public: they hold no one's data."""
    metrics_token = settings.metrics_token.get_secret_value()

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        missing = readiness()
        if missing is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable", "detail": missing}, 503, {"Retry-After": "2"})

    async def metrics(request: Request) -> Response:
        if refusal := _unless_reader(request, metrics_token):
            return refusal
        # in a thread: with many tools it takes tens of milliseconds
        return Response(await run_in_threadpool(generate_latest), media_type=CONTENT_TYPE_LATEST)

    async def jwks(request: Request) -> Response:
        return JSONResponse(key.jwks(), headers={"Cache-Control": "public, max-age=300"})

    async def protected_resource(request: Request) -> Response:
        return JSONResponse(_resource(settings, request))

    return Starlette(
        routes=[
            *internal,
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/health/startup", ready),
            Route("/metrics", metrics),
            Route("/.well-known/jwks.json", jwks),
            Route("/.well-known/oauth-protected-resource", protected_resource),
            Route("/.well-known/oauth-protected-resource/{resource:path}", protected_resource),
        ]
    )


def _unless_reader(request: Request, token: str) -> Response | None:
    """Metrics name servers and tools, which not everybody may know of."""
    if not token:
        told = "Nobody reads metrics here: set SWITCHBOARD_GATEWAY__METRICS_TOKEN, and send it as a bearer."
        return JSONResponse({"detail": told}, 403)
    given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
    if hmac.compare_digest(given, f"Bearer {token}".encode()):
        return None
    return JSONResponse(
        {"detail": "Send the metrics token as a bearer."}, 401, {"WWW-Authenticate": 'Bearer realm="metrics"'}
    )


def _resource(settings: GatewaySettings, request: Request) -> dict[str, Any]:
    """RFC 9728 metadata of the endpoint that the path names; of /mcp where it names none."""
    path = request.path_params.get("resource", "") or "mcp"
    about: dict[str, Any] = {
        "resource": f"{base_url(settings, request.scope)}/{path}",
        "resource_name": "Switchboard",
        "bearer_methods_supported": ["header"],
    }
    if settings.authorization_servers:
        about["authorization_servers"] = list(settings.authorization_servers)
    return about
