"""How much a request may carry, and how slowly: refused by its announced length, else while it is read.

Bodies are read before anybody is asked who they are, but for uploads.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import SwitchboardError, TooLarge
from platform_api.edge.problems import problem_response

JSON_LIMIT = 1_000_000
"""Bytes."""
MULTIPART_LIMIT = 256_000_000
"""Bytes of all files of one upload together; each file has its own, smaller limit."""
_UPLOADS = "/documents"
_PATIENCE_S = 30.0
_SLOWEST = 100_000
"""Bytes per second of a body that is longer than the patience."""


class BodyTooSlow(SwitchboardError):
    status = 408
    code = "body_too_slow"
    title = "The body of this request took too long"
    default_hint = "Send it again, in smaller parts where the connection is slow."
    retryable = True


class BodyLimit:
    """Starlette's own limiter answers an announced length in plain text; every error of ours is a problem."""

    def __init__(self, app: ASGIApp, patience_s: float = _PATIENCE_S) -> None:
        self._app = app
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = _limit(scope["path"], headers.get("content-type", ""))
        announced = headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > limit:
            refusal = problem_response(_too_large(limit), scope["switchboard.request_id"])
            await refusal(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit, self._patience_s), send)


def _counted(receive: Receive, limit: int, patience_s: float) -> Receive:
    read, ended, since = 0, False, None

    async def counted() -> Message:
        nonlocal read, ended, since
        # From the first look on: an endpoint that works for long may look for the caller only then.
        since = since or asyncio.get_running_loop().time()
        try:
            # After its end, whoever answers a stream waits here for the caller to leave.
            async with asyncio.timeout_at(None if ended else since + patience_s + read / _SLOWEST):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooSlow from error
        ended = not message.get("more_body")
        read += len(message.get("body", b""))
        if read > limit:
            raise _too_large(limit)
        return message

    return counted


def _limit(path: str, content_type: str) -> int:
    large = path.endswith(_UPLOADS) and content_type.startswith("multipart/form-data")
    return MULTIPART_LIMIT if large else JSON_LIMIT


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body of this request is larger than {limit // 1_000_000} MB.")
