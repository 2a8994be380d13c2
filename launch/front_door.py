"""One port for the all-in-one: the gateway's paths go to the gateway, the rest to the platform.

It is for this machine: the dev sign-in asks for no secret, and a web page can make a browser here call it,
also under a name of its own that it points to 127.0.0.1 (DNS rebinding). So host and origin are checked.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from kit.errors import SwitchboardError
from kit.wire.problem import MEDIA_TYPE

_GATEWAY_PATHS = (
    "/mcp",
    "/servers/",
    "/.well-known/oauth-protected-resource",
    "/internal/v1/definitions",
    "/internal/v1/approvals",
)
_READY_PATHS = ("/health/ready", "/health/startup")
_STARTING = b'{"status":"unavailable","checks":{"gateway":"down"}}'
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class NotThisMachine(SwitchboardError):
    status = 421
    code = "not_this_machine"
    title = "This Switchboard answers programs and pages of this machine only"
    default_hint = "Call it as http://localhost or http://127.0.0.1, not from a page of another site."


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
            headers: dict[bytes, bytes] = dict(scope["headers"])
            if not _is_here(b"//" + headers.get(b"host", b"")):
                return await _refuse(send)
            if path.startswith(_GATEWAY_PATHS):
                return await self._gateway(scope, receive, send)
            # The gateway looks at origins itself: an admin can allow some.
            if not _is_here(headers.get(b"origin", b"//localhost")):
                return await _refuse(send)
            if not self._open and path in _READY_PATHS:
                return await _starting(send)
        return await self._platform(scope, receive, send)


def _is_here(address: bytes) -> bool:
    try:
        found = urlsplit(address.decode("latin-1"))
        return found.hostname in _THIS_MACHINE and found.username is None and not found.fragment
    except ValueError:
        return False


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": NotThisMachine.status, "headers": headers})
    await send({"type": "http.response.body", "body": NotThisMachine().problem("").dump().encode()})


async def _starting(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _STARTING})
