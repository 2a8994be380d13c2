"""HTTP in and out, on bare ASGI: this is the hot path, and a framework would double its cost."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from kit.connection import CONNECTION
from kit.wire.mcp import METHOD_HEADER, NAME_HEADER, REVISION_HEADER, SESSION_HEADER, RequestId, RpcError
from tools.gateway.callers import Presented
from tools.gateway.deadlines import Deadlines
from tools.gateway.protocol.whole import whole_body

HEADER_BYTES = 32_768
HEADER_COUNT = 200
BODY_S = 30.0
_ONCE = tuple(
    name.encode()
    for name in ("authorization", "host", REVISION_HEADER, METHOD_HEADER, NAME_HEADER, SESSION_HEADER)
)
_KNOWN = {
    name: name.encode()
    for name in (
        *("authorization", "origin", "accept", "content-type", "content-length", "traceparent", "tracestate"),
        *(REVISION_HEADER, METHOD_HEADER, NAME_HEADER, SESSION_HEADER),
    )
}
_CHANGING_NAMES = ("content-length", "traceparent", "tracestate")
_CHANGING = frozenset(name.encode() for name in _CHANGING_NAMES)
_NOTHING: Mapping[str, Any] = {}
_encode = msgspec.json.Encoder().encode
Headers = Sequence[tuple[bytes, bytes]]
JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")


class HttpRefused(Exception):
    """Refused before there is a message: an HTTP status and a sentence."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


@dataclass(slots=True)
class Asked:
    """A request's method and headers. `twice`: those of ours that came more than once.

    passed: the door has looked at these headers and lets them in.
    """

    method: str
    headers: Mapping[bytes, bytes]
    twice: frozenset[str]
    passed: bool = False
    read: dict[str, str] = field(default_factory=dict[str, str])
    """What was decoded of them."""

    def get(self, name: str) -> str:
        """Empty where the header is absent."""
        value = self.read.get(name)
        if value is None:
            value = self.read[name] = self._decoded(name)
        return value

    def has(self, name: str) -> bool:
        return (_KNOWN.get(name) or name.encode()) in self.headers

    def _decoded(self, name: str) -> str:
        text = self.headers.get(_KNOWN.get(name) or name.encode(), b"").decode("latin-1")
        return Presented(text) if name == "authorization" else text


def asked(scope: Scope) -> Asked:
    """Raises HttpRefused for too many headers, or a credential that came twice.

    A client sends the same headers over a connection again and again, but for a length or a trace: what was
    read and checked of them is kept with the connection.
    """
    kept: dict[str, Any] | None = scope.get("extensions", _NOTHING).get(CONNECTION)
    if kept is None:
        return _asked(scope)
    listed: list[tuple[bytes, bytes]] = scope["headers"]
    line = (scope["method"], scope.get("http_version"))
    if kept.get("all") == listed and kept["line"] == line:
        return kept["asked"]
    lasting = [header for header in listed if header[0] not in _CHANGING]
    if kept.get("lasting") != lasting or kept["line"] != line:
        kept["asked"], kept["lasting"], kept["line"] = _asked(scope), lasting, line
    else:
        before, made = kept["asked"], _asked(scope)
        made.passed = before.passed
        made.read |= {name: value for name, value in before.read.items() if name not in _CHANGING_NAMES}
        kept["asked"] = made
    kept["all"] = listed
    return kept["asked"]


def _asked(scope: Scope) -> Asked:
    listed: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(listed)
    if sum(map(len, headers)) + sum(map(len, headers.values())) > HEADER_BYTES:
        raise HttpRefused(431, f"The headers are larger than {HEADER_BYTES} bytes.")
    # a mapping hides what came twice, so lengths are compared
    twice = frozenset[str]() if len(headers) == len(listed) else _twice(listed)
    for name in ("authorization", "host"):
        if name in twice:
            raise HttpRefused(400, f"The {name.title()} header came twice.")
    if b"host" not in headers and scope.get("http_version") == "1.1":
        raise HttpRefused(400, "The Host header is missing.")  # RFC 9112, 3.2
    return Asked(scope["method"], headers, twice)


def _twice(listed: Sequence[tuple[bytes, bytes]]) -> frozenset[str]:
    names = [name for name, _ in listed]
    if len(names) > HEADER_COUNT:
        raise HttpRefused(431, f"There are more than {HEADER_COUNT} headers.")
    once = {*_ONCE, *(name for name in names if name.startswith(b"mcp-"))}
    return frozenset(name.decode("latin-1") for name in once if names.count(name) > 1)


async def read_body(asked: Asked, receive: Receive, limit: int, deadlines: Deadlines) -> bytes:
    """Raises HttpRefused for a body that is too large, takes too long or breaks off."""
    whole = whole_body(receive)
    if whole is not None and len(whole) <= limit:
        return whole
    too_large = HttpRefused(413, f"The body is larger than {limit} bytes.")
    length = asked.get("content-length")
    if whole is not None or (length.isdecimal() and int(length[:20]) > limit):
        raise too_large
    first = await _first(receive, deadlines)
    if first["type"] != "http.request":
        raise HttpRefused(400, "The request broke off.")
    body: bytes = first.get("body", b"")
    if first.get("more_body"):
        body += await _rest(receive, limit - len(body), too_large)
    if len(body) > limit:
        raise too_large
    return body


async def _first(receive: Receive, deadlines: Deadlines) -> Message:
    """Also for this only so long: a body may be announced and never begin."""
    try:
        with deadlines.within(BODY_S):
            return await receive()
    except TimeoutError as error:
        raise HttpRefused(408, f"The body took longer than {BODY_S:g} s.") from error


async def _rest(receive: Receive, limit: int, too_large: HttpRefused) -> bytes:
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                part = await receive()
                if part["type"] != "http.request":
                    raise HttpRefused(400, "The request broke off.")
                content += part.get("body", b"")
                if len(content) > limit:
                    raise too_large
                if not part.get("more_body"):
                    return bytes(content)
    except TimeoutError as error:
        raise HttpRefused(408, f"The body took longer than {BODY_S:g} s.") from error


async def send_json(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def send_nothing(send: Send, status: int, headers: Headers = ()) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]}
    )
    await send({"type": "http.response.body", "body": b""})


def result_body(id: RequestId, result: bytes) -> bytes:
    """`result` goes through as it is."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encode(id), result)


def error_body(id: RequestId | None, error: RpcError) -> bytes:
    return _encode({"jsonrpc": "2.0", "id": id, "error": error})
