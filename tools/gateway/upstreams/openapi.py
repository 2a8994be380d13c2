"""A REST API as a tool server: its OpenAPI document makes the tools, HTTP makes the calls (SPEC 9, 13).

A `Peer` like the others, so the whole chain, pins and drift hold for it. Its address is confirmed by an
admin and still goes through the guard for outside addresses; redirects leave neither origin nor base path.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import httpx
import msgspec
import structlog
from msgspec import Raw

from kit.errors import Unavailable, UpstreamFailed
from kit.wire.internal import ApiNotes, ApiSignIn
from kit.wire.mcp import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    SERVER_META,
    STATELESS,
    Answer,
    RpcError,
)
from kit.wire.tools import RegisteredServer
from ports.http import AddressRefused, Guard, guarded_client
from tools.gateway.upstreams.errors import CredentialRefused, ResultTooLarge
from tools.gateway.upstreams.openapi_document import Api, ApiTool, derived
from tools.gateway.upstreams.openapi_request import Prepared, prepared
from tools.gateway.upstreams.talk import Ask, authorised

OPENAPI = "openapi:"
_WAIT_S = 120.0
"""For one read; the call's own time limit is a wrapper's."""
_REDIRECTS = 3
_AT_ONCE = 100
_TOLD = 4_000
"""Characters of an API's own error that are passed on."""
_AGENT = "switchboard-gateway/1"
_AWAY = frozenset({502, 503, 504})
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()

Find = Callable[[], RegisteredServer | None]
"""The server as it is registered now; None once it is not."""
Servers = Callable[[], Mapping[str, RegisteredServer]]
"""All of them, of all organisations."""


class Apis:
    """The APIs that are registered as servers, by address."""

    def __init__(self, servers: Servers, guard: Guard, result_limit: int) -> None:
        self._servers = servers
        self._guard = guard
        self._limit = result_limit

    def peer(self, address: str) -> "OpenApiPeer":
        """Of a registered one, by `openapi:<server key>`; follows its document."""
        return OpenApiPeer(lambda: self._find(address), self._guard, self._limit)

    def _find(self, address: str) -> RegisteredServer | None:
        return self._servers().get(address.removeprefix(OPENAPI))

    def probing(self, server: RegisteredServer) -> "OpenApiPeer":
        """Of one that is not registered yet, or not so; to be closed by the caller."""
        return OpenApiPeer(lambda: server, self._guard, self._limit)


class OpenApiPeer:
    extensions: frozenset[str] = frozenset()

    def __init__(self, find: Find, guard: Guard, result_limit: int) -> None:
        self._find = find
        self._limit = result_limit
        self._client = guarded_client(guard, _WAIT_S, connections=_AT_ONCE)
        # what an API wants to remember of one caller must not go out with the next one's call
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._deriving = asyncio.Lock()
        self._document: Mapping[str, Any] | None = None
        self._api: Api | None = None

    async def ask(self, ask: Ask) -> Answer:
        """Raises Unavailable, UpstreamFailed; Invalid for arguments that the request cannot hold."""
        server, api = await self._current()
        if ask.method == "tools/list":
            return _answer({"tools": [tool.definition for tool in api.tools.values()], **_CACHEABLE})
        if ask.method == "server/discover":
            return _answer(_discovered(api))
        if ask.method != "tools/call":
            return Answer("2.0", error=RpcError(METHOD_NOT_FOUND, "An API has tools only."))
        tool = api.tools.get(str(ask.params.get("name")))
        if tool is None:
            return Answer("2.0", error=RpcError(INVALID_PARAMS, "Unknown tool"))
        if not _approved(server, tool):
            # the document may have changed since definitions were compared
            raise UpstreamFailed("This tool is not what was approved.", hint="Ask an admin to look at it.")
        return _answer(await self._call(api, tool, ask))

    async def notes(self) -> ApiNotes:
        """What an admin should know of the document beside its tools. Raises BadDocument, Unavailable."""
        _, api = await self._current()
        schemes = [ApiSignIn(**asdict(scheme)) for scheme in api.schemes]
        return ApiNotes(left_out=api.left_out, sign_in=schemes)

    async def listen(self, ask: Ask, ready: Callable[[], None]) -> None:
        raise UpstreamFailed("An API has nothing to listen to.")

    async def close(self) -> None:
        await self._client.aclose()

    async def _current(self) -> tuple[RegisteredServer, Api]:
        """The server as it is registered now, and what its document gives."""
        server = self._find()
        if server is None or server.document is None:
            raise Unavailable("This tool's server has no document.", retry_after=30)
        if self._api is not None and server.document is self._document:
            return server, self._api
        async with self._deriving:
            if self._api is None or server.document != self._document:
                self._api = await asyncio.to_thread(derived, server.document)
                _log.info("gateway.api_derived", server=server.name, tools=len(self._api.tools))
            self._document = server.document
            return server, self._api

    async def _call(self, api: Api, tool: ApiTool, ask: Ask) -> dict[str, Any]:
        wanted = prepared(tool.binding, cast(dict[str, Any], ask.params.get("arguments") or {}))
        headers = wanted.headers | _own_headers(ask)
        try:
            status, media_type, content = await self._exchange(api.base, wanted, headers)
        except AddressRefused as error:
            _log.error("gateway.api_address_refused", base=api.base)
            raise Unavailable(
                "This tool's API is at an address that may not be opened.", retry_after=60
            ) from error
        except httpx.TimeoutException as error:
            raise UpstreamFailed("This tool's API does not answer in time.") from error
        except httpx.ConnectError as error:
            raise Unavailable("This tool's API does not answer.", retry_after=2) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamFailed("This tool's API broke off its answer.") from error
        if status == HTTPStatus.UNAUTHORIZED and ask.credential:
            raise CredentialRefused
        return _result(tool, status, media_type, content)

    async def _exchange(
        self, base: str, wanted: Prepared, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        url = httpx.URL(base + wanted.target)
        for _ in range(_REDIRECTS + 1):
            request = httpx.Request(
                wanted.method,
                url,
                headers=dict(headers),
                content=wanted.content,
                extensions={"timeout": self._client.timeout.as_dict()},
            )
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                onward = _onward(wanted.method, base, url, response)
                if onward is None:
                    return await self._read(response)
                url = onward
            finally:
                await response.aclose()
        raise UpstreamFailed("This tool's API redirects without an end.")

    async def _read(self, response: httpx.Response) -> tuple[int, str, bytes]:
        _still_there(response)
        if response.headers.get("content-encoding", "identity") != "identity":
            # we asked for none: what is packed has a size that only unpacking tells
            raise UpstreamFailed("This tool's API packs its answer without being asked.")
        content = bytearray()
        async for part in response.aiter_raw():
            content += part
            if len(content) > self._limit:
                raise ResultTooLarge.of(self._limit)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return response.status_code, media_type, bytes(content)


_CACHEABLE: Mapping[str, Any] = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


def _approved(server: RegisteredServer, tool: ApiTool) -> bool:
    name = tool.definition["name"]
    return any(one.name == name and one.definition_hash == tool.hash for one in server.tools)


def _own_headers(ask: Ask) -> dict[str, str]:
    own = {"accept": "application/json, text/*;q=0.8, */*;q=0.1", "accept-encoding": "identity"}
    own |= {"user-agent": _AGENT}
    trace = {name: ask.trace[name] for name in ("traceparent", "tracestate") if name in ask.trace}
    # last, so that nothing of the arguments takes their place
    mirrored = {name.lower(): value for name, value in ask.headers.items()}
    return own | trace | mirrored | authorised(ask)


def _onward(method: str, base: str, url: httpx.URL, response: httpx.Response) -> httpx.URL | None:
    """Where a redirect leads that may be followed: something read, at the same origin, below the base."""
    if not response.has_redirect_location or method not in ("GET", "HEAD"):
        return None
    try:
        target = url.join(response.headers["location"])
    except httpx.InvalidURL:
        return None
    home = httpx.URL(base)
    same = (target.scheme, target.host, target.port) == (home.scheme, home.host, home.port)
    return target if same and f"{target.path}/".startswith(home.path.rstrip("/") + "/") else None


def _still_there(response: httpx.Response) -> None:
    """What says that the API is not there counts for the breaker. Raises Unavailable, CredentialRefused."""
    if response.status_code == 401:
        raise CredentialRefused
    if response.status_code in _AWAY:
        wait = response.headers.get("retry-after", "")
        after = float(wait) if wait.isdigit() and len(wait) < 5 else 5.0
        raise Unavailable(f"This tool's API answered {_status(response.status_code)}.", retry_after=after)


def _result(tool: ApiTool, status: int, media_type: str, content: bytes) -> dict[str, Any]:
    if not 200 <= status < 300:
        return _refused(status, media_type, content)
    if tool.answer is not None:
        return _structured(tool, tool.answer, status, content)
    return {"content": [_block(status, media_type, content)], "resultType": "complete"}


def _structured(tool: ApiTool, answer: Any, status: int, content: bytes) -> dict[str, Any]:
    try:
        value: Any = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = None
    structured: Any = {"result": value} if tool.wrapped else value
    if not answer.is_valid(structured):
        # the effect, if it has one, took place: whoever asked must know that
        said = f"The API answered {_status(status)}, but not in the form that its document promises:"
        return _failed(said, _text(content))
    return {
        "content": [{"type": "text", "text": _encode(structured).decode()}],
        "structuredContent": structured,
        "resultType": "complete",
    }


def _block(status: int, media_type: str, content: bytes) -> dict[str, Any]:
    if not content:
        return {"type": "text", "text": f"The API answered {_status(status)}, without content."}
    if media_type.startswith("image/") and media_type != "image/svg+xml":
        return {"type": "image", "data": base64.b64encode(content).decode(), "mimeType": media_type}
    try:
        return {"type": "text", "text": content.decode()}
    except UnicodeDecodeError:
        return {"type": "text", "text": f"The API answered with {len(content)} bytes of {media_type or '?'}."}


def _refused(status: int, media_type: str, content: bytes) -> dict[str, Any]:
    """The API's own words (a problem, RFC 9457, or whatever it sent) are data, under ours."""
    if 300 <= status < 400:
        said, own = (
            f"The API answered {_status(status)}: it sends callers elsewhere, which is not followed.",
            "",
        )
    else:
        said, own = f"The API answered {_status(status)}:", _text(content) or "(nothing)"
    return _failed(said, own)


def _failed(*texts: str) -> dict[str, Any]:
    blocks = [{"type": "text", "text": text} for text in texts if text]
    return {"content": blocks, "isError": True, "resultType": "complete"}


def _text(content: bytes) -> str:
    text = content[: 4 * _TOLD].decode("utf-8", "replace")
    return text if len(text) <= _TOLD else text[:_TOLD] + "…"


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _discovered(api: Api) -> dict[str, Any]:
    return {
        "supportedVersions": [STATELESS],
        "capabilities": {"tools": {}},
        "_meta": {SERVER_META: {"name": api.title or "api", "version": "1"}},
        **_CACHEABLE,
    }


def _answer(result: Mapping[str, Any]) -> Answer:
    try:
        return Answer("2.0", result=Raw(_encode(result)))
    except (TypeError, ValueError, RecursionError) as error:
        raise UpstreamFailed("This tool's API gave no usable answer.") from error
