"""The outermost layer: request id, trace, security headers, metrics, and the last net for errors."""

import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

import structlog
from fastapi import Request
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from kit import telemetry
from platform_api.edge.problems import unexpected

log = structlog.get_logger()
tracer = telemetry.tracer("edge")
requests_total = Counter(
    "switchboard_http_requests_total", "Requests answered.", ["method", "route", "status"]
)
request_seconds = Histogram(
    "switchboard_http_request_seconds", "Time to the first byte of the answer.", ["method", "route"]
)

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)
_UNLESS_SET = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# The documentation page loads its viewer; it shows nothing of anybody.
_WITHOUT_POLICY = ("/docs",)


def request_id(request: Request) -> str:
    """What the logs know this request by; also in the answer's X-Request-Id."""
    return cast(str, request.scope["switchboard.request_id"])


class RequestContext:
    """Pure ASGI, so that streams pass through unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own_id = _accepted(headers.get("x-request-id")) or str(ULID())
        scope["switchboard.request_id"] = own_id
        answer = _Answer(scope, send, own_id)
        with (
            structlog.contextvars.bound_contextvars(request_id=own_id),
            tracer.start_as_current_span(
                f"{scope['method']} {scope['path']}",
                context=telemetry.extract(cast(Mapping[str, str], headers)),
                kind=SpanKind.SERVER,
            ),
        ):
            try:
                await self._app(scope, receive, answer.send)
            except Exception as error:
                await _rescue(error, scope, receive, answer)


async def _rescue(error: Exception, scope: Scope, receive: Receive, answer: "_Answer") -> None:
    log.error("request.failed", error=type(error).__name__, path=scope["path"], exc_info=error)
    if answer.started:
        raise error
    await unexpected(answer.request_id)(scope, receive, answer.send)


def _accepted(offered: str | None) -> str | None:
    return offered if offered and _SANE_ID.fullmatch(offered) else None


class _Answer:
    """Adds our headers to the start of the answer and counts it."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.started = False
        self._scope = scope
        self._send = send
        self._begun = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            _add_headers(message, self._scope["path"], self.request_id)
            self._count(message["status"])
        await self._send(message)

    def _count(self, status: int) -> None:
        route = getattr(self._scope.get("route"), "path", "other")
        method = self._scope["method"]
        requests_total.labels(method, route, status).inc()
        request_seconds.labels(method, route).observe(time.perf_counter() - self._begun)


def _add_headers(message: MutableMapping[str, Any], path: str, own_id: str) -> None:
    headers = cast(list[tuple[bytes, bytes]], list(message.get("headers", ())))
    present = {name for name, _ in headers}
    headers.append((b"x-request-id", own_id.encode()))
    headers.extend(pair for pair in _ALWAYS if pair[0] not in present)
    if not path.startswith(_WITHOUT_POLICY):
        headers.extend(pair for pair in _UNLESS_SET if pair[0] not in present)
    message["headers"] = headers
