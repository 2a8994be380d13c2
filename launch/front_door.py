"""One port for the all-in-one: the gateway's paths go to the gateway, the rest to the platform."""

from starlette.types import ASGIApp, Receive, Scope, Send

_GATEWAY_PATHS = ("/mcp", "/servers/", "/.well-known/oauth-protected-resource")
_READY_PATHS = ("/health/ready", "/health/startup")
_STARTING = b'{"status":"unavailable","checks":{"gateway":"down"}}'


class FrontDoor:
    """ASGI. Not ready before `open` is called: the gateway starts when the port answers already."""

    def __init__(self, platform: ASGIApp, gateway: ASGIApp) -> None:
        self._platform = platform
        self._gateway = gateway
        self._open = False

    def open(self) -> None:
        self._open = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(_GATEWAY_PATHS):
                return await self._gateway(scope, receive, send)
            if not self._open and path in _READY_PATHS:
                return await _starting(send)
        return await self._platform(scope, receive, send)


async def _starting(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _STARTING})
