"""How much a request may carry: refused by its announced length, else while it is read."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import TooLarge
from platform_api.edge.problems import problem_response

JSON_LIMIT = 1_000_000
"""Bytes."""
MULTIPART_LIMIT = 256_000_000
"""Bytes of all files of one upload together; each file has its own, smaller limit."""


class BodyLimit:
    """Starlette's own limiter answers an announced length in plain text; every error of ours is a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = _limit(headers.get("content-type", ""))
        announced = headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > limit:
            refusal = problem_response(_too_large(limit), scope["switchboard.request_id"])
            await refusal(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise _too_large(limit)
        return message

    return counted


def _limit(content_type: str) -> int:
    return MULTIPART_LIMIT if content_type.startswith("multipart/form-data") else JSON_LIMIT


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body of this request is larger than {limit // 1_000_000} MB.")
