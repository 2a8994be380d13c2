"""What is asked of a tool server, whichever revision it speaks: the terms are those of 2026-07-28."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import msgspec
import structlog
from msgspec import UNSET

from kit.errors import UpstreamFailed
from kit.wire.mcp import (
    LOG_LEVEL_META,
    NAMED,
    PROGRESS_META,
    STATELESS,
    Answer,
    read_answer,
    request,
    stateless_headers,
    stateless_params,
)
from tools.gateway.upstreams.errors import CredentialRefused
from tools.gateway.upstreams.events import EventReader
from tools.gateway.upstreams.port import FixedHeaders, Upstream, UpstreamAnswer

CLIENT = {"name": "switchboard-gateway", "version": "1"}
DEFAULT_LOG_LEVEL = "info"
"""For clients of the session era that never set one, of servers that log at all."""
_REMEMBERED = 1000
_log = structlog.get_logger()

Tell = Callable[[str, dict[str, Any]], Awaitable[None]]
"""(method, params): a notification for whoever waits for the answer."""


@dataclass(slots=True)
class Ask:
    """`token` is the gateway's own; the caller's is not known here. `who` names the principal.

    capabilities: the client's. progress: the client's own token, which its notifications carry again.
    """

    method: str
    params: Mapping[str, Any]
    token: str
    who: str = ""
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trace: Mapping[str, str] = field(default_factory=dict[str, str])
    progress: int | str | None = None
    log_level: str | None = None
    in_session: bool = False
    """Whoever asks speaks a revision with sessions: servers may log to it unasked, and one that speaks
    both eras is spoken to in its client's."""
    tell: Tell | None = None
    repeatable: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the tool's schema wants mirrored: Mcp-Param-…"""
    credential: Mapping[str, str] | None = None
    """What stands instead of our token, perhaps nothing; never logged, nor sent over the bus."""


class Peer(Protocol):
    """A tool server that is spoken to."""

    @property
    def extensions(self) -> frozenset[str]:
        """What it said that it has beyond MCP's core; nothing where it was not heard yet."""
        ...

    def ask(self, ask: Ask) -> Coroutine[Any, Any, Answer]:
        """Raises Unavailable, UpstreamFailed. Cancelling cancels at the server, too."""
        ...

    async def listen(self, ask: Ask, ready: Callable[[], None]) -> None:
        """`subscriptions/listen`: tells what comes until it is cancelled or the server ends it.

        `ready` is called once nothing can be missed any more.
        """
        ...

    async def close(self) -> None: ...


class StatelessPeer:
    """A server of 2026-07-28."""

    def __init__(self, upstream: Upstream, capabilities: Mapping[str, Any]) -> None:
        self._upstream = upstream
        self._logs = "logging" in capabilities
        self._extensions = frozenset(cast(Mapping[str, Any], capabilities.get("extensions") or {}))

    @property
    def extensions(self) -> frozenset[str]:
        return self._extensions

    async def ask(self, ask: Ask) -> Answer:
        level = ask.log_level or (DEFAULT_LOG_LEVEL if ask.in_session and self._logs else None)
        headers, body = _stateless(ask, level)
        if ask.tell is None or (ask.progress is None and level is None):
            return answered(await self._upstream.call(body, headers, repeatable=ask.repeatable))
        events = _Events(_of_this_call(ask, ask.tell))
        came = await self._upstream.stream("POST", body, headers, events.heard)
        return events.answer or answered(came)

    async def listen(self, ask: Ask, ready: Callable[[], None]) -> None:
        headers, body = _stateless(ask, None)

        async def tell(method: str, params: dict[str, Any]) -> None:
            if method == "notifications/subscriptions/acknowledged":
                ready()
            elif ask.tell:
                await ask.tell(method, params)

        came = await self._upstream.stream("POST", body, headers, _Events(tell).heard)
        if came.content_type != "text/event-stream":
            raise UpstreamFailed("This tool's server has no stream to listen to.")

    async def close(self) -> None:
        return None


def beside_logging(capabilities: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of servers whose lines nobody asked for: over a pipe it is not said to whose call they belong."""
    return {name: value for name, value in capabilities.items() if name != "logging"}


def _of_this_call(ask: Ask, tell: Tell) -> Tell:
    async def told(method: str, params: dict[str, Any]) -> None:
        # a server could else report progress of its client's other calls, which are none of its business
        if method == "notifications/progress" and params.get("progressToken") != ask.progress:
            return
        await tell(method, params)

    return told


class _CallHeaders:
    """The same object for the same tool and token: clients keep what they make of it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], FixedHeaders] = {}

    def of(self, name: str, token: str) -> FixedHeaders:
        known = self._known.get((name, token))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            made = stateless_headers("tools/call", name) | {"authorization": f"Bearer {token}"}
            known = self._known[name, token] = FixedHeaders(made)
        return known


_call_headers = _CallHeaders()


def _headers(ask: Ask) -> Mapping[str, str]:
    named = NAMED.get(ask.method)
    name = ask.params.get(named) if named else None
    if ask.method == "tools/call" and name is not None and not ask.headers and ask.credential is None:
        return _call_headers.of(name, ask.token)
    return stateless_headers(ask.method, name) | authorised(ask) | dict(ask.headers)


def authorised(ask: Ask) -> dict[str, str]:
    """Our own token, or what is kept for this person and server, in lower case: never both."""
    if ask.credential is None:
        return {"authorization": f"Bearer {ask.token}"}
    return {name.lower(): value for name, value in ask.credential.items()}


def _stateless(ask: Ask, level: str | None) -> tuple[Mapping[str, str], bytes]:
    headers = _headers(ask)
    meta: dict[str, Any] = dict(ask.trace)
    if ask.progress is not None:
        meta[PROGRESS_META] = ask.progress
    if level is not None:
        meta[LOG_LEVEL_META] = level
    params = stateless_params(ask.params, CLIENT, capabilities=ask.capabilities, meta=meta)
    return headers, request(ask.method, params)


class Heard(msgspec.Struct):
    """Any message from a server; the result stays as it came."""

    jsonrpc: str = "2.0"
    id: int | str | None = None
    method: str = ""
    params: dict[str, Any] = {}


_read = msgspec.json.Decoder(Heard).decode


class _Events:
    def __init__(self, tell: Tell) -> None:
        self.answer: Answer | None = None
        self._tell = tell

    async def heard(self, data: bytes) -> None:
        message = read_message(data)
        if message.method:
            await self._tell(message.method, message.params)
        else:
            self.answer = answer_in(data)


def read_message(data: bytes) -> Heard:
    """Raises UpstreamFailed."""
    try:
        return _read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamFailed("This tool's server sent what is no message.") from error


async def ask(
    upstream: Upstream,
    method: str,
    params: Mapping[str, Any],
    token: str,
    *,
    repeatable: bool = False,
    credential: Mapping[str, str] | None = None,
) -> Answer:
    """One request of 2026-07-28 that tells nothing on the way. Raises Unavailable, UpstreamFailed."""
    headers, body = _stateless(Ask(method, params, token, credential=credential), None)
    return answered(await upstream.call(body, headers, repeatable=repeatable))


def answered(came: UpstreamAnswer) -> Answer:
    """Raises UpstreamFailed, CredentialRefused."""
    if came.status == 401:
        raise CredentialRefused
    body = _last_event(came.body) if came.content_type == "text/event-stream" else came.body
    return answer_in(body, came)


def answer_in(body: bytes, came: UpstreamAnswer | None = None) -> Answer:
    """Raises UpstreamFailed."""
    try:
        return read_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.warning("gateway.upstream_answer_unreadable", status=came.status if came else None)
        raise UpstreamFailed("This tool's server gave no usable answer.") from error


class Discovered(msgspec.Struct, rename="camel"):
    supported_versions: list[str] = []
    capabilities: dict[str, Any] = {}


def discovered(answer: Answer) -> Discovered | None:
    """What a server says of itself; None: it does not speak 2026-07-28."""
    if answer.result is UNSET:
        return None
    try:
        found = msgspec.json.decode(answer.result, type=Discovered)
    except msgspec.MsgspecError:
        return None
    return found if STATELESS in found.supported_versions else None


def _last_event(stream: bytes) -> bytes:
    """The data of the last event that has any: the response ends the stream."""
    events = EventReader(len(stream)).feed(stream + b"\n\n")
    return events[-1] if events else b""
