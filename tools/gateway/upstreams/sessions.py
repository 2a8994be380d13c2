"""A server of the session era over streamable HTTP: one session per (principal, server), which all
replicas share through Redis.

A session that the server no longer knows (404) is begun anew and the request sent once more: it was
not executed. Redis away: a session of this replica's own.
"""

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from msgspec import UNSET

from kit.errors import SwitchboardError, UpstreamFailed
from kit.wire.mcp import (
    LAST_EVENT_HEADER,
    REVISION_HEADER,
    SESSION_HEADER,
    SESSION_REVISIONS,
    request,
)
from ports.redis import Redis, RedisError
from tools.gateway.upstreams.errors import CredentialRefused
from tools.gateway.upstreams.port import Heard, Upstream, UpstreamAnswer
from tools.gateway.upstreams.running import notification
from tools.gateway.upstreams.talk import CLIENT, Ask, answer_in, answered, authorised, read_message

CAPABILITIES: Mapping[str, Any] = {
    "elicitation": {"form": {}, "url": {}},
    "sampling": {"tools": {}, "context": {}},
    "roots": {"listChanged": False},
}
"""What a client behind the gateway may be able to answer; who cannot is said call by call."""
_LIVES_S = 24 * 3600
_REMEMBERED = 10_000
_RESUMED = 100
_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class Session(msgspec.Struct):
    """`id` "": the server gives none out."""

    id: str
    revision: str
    capabilities: dict[str, Any] = {}
    server_info: dict[str, Any] = {}


_session = msgspec.json.Decoder(Session).decode


class HttpSessions:
    """Is a `Link` (upstreams/running.py) for all principals of one server."""

    def __init__(self, address: str, upstream: Upstream, redis: Redis) -> None:
        self._upstream = upstream
        self._redis = redis
        self._prefix = f"mcp-upstream:{hashlib.sha256(address.encode()).hexdigest()[:16]}:"
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._beginning: dict[str, asyncio.Lock] = {}
        self.capabilities: Mapping[str, Any] = {}

    async def request(self, ask: Ask, id: str, body: bytes, heard: Heard) -> None:
        session = await self.of(ask)
        came = await self.post(ask, session, id, body, heard)
        if came.status == 404 and session.id:
            await self._forget(ask.who, session)
            session = await self.of(ask)
            came = await self.post(ask, session, id, body, heard)
        if came.status >= 400 and not came.body:
            raise UpstreamFailed(f"This tool's server answered with status {came.status}.")

    async def tell(self, ask: Ask, body: bytes) -> None:
        session = await self.of(ask)
        await self._upstream.stream("POST", body, _headers(ask, session), ignored)

    async def of(self, ask: Ask) -> Session:
        """The session of who asks; begun where there is none. Raises Unavailable, UpstreamFailed."""
        known = self._known.get(ask.who)
        if known is not None:
            self._known.move_to_end(ask.who)
            return known
        async with self._beginning.setdefault(ask.who, asyncio.Lock()):
            if ask.who not in self._known:
                self._remember(ask.who, await self._shared(ask.who) or await self._begin_shared(ask))
            self._beginning.pop(ask.who, None)
            return self._known[ask.who]

    async def begin(self, ask: Ask) -> Session:
        """A session that nobody else uses."""
        params = {
            "protocolVersion": SESSION_REVISIONS[0],
            "capabilities": CAPABILITIES,
            "clientInfo": CLIENT,
        }
        body = request("initialize", params, "initialize")
        heard: list[bytes] = []

        async def hear(data: bytes) -> None:
            if data and not read_message(data).method:
                heard.append(data)

        came = await self._upstream.stream("POST", body, _headers(ask, None), hear)
        # the status first: 401 is told apart
        answer = answer_in(heard[-1]) if heard and came.status != 401 else answered(came)
        if answer.result is UNSET:
            raise UpstreamFailed("This tool's server refuses to begin a session.")
        result = msgspec.json.decode(answer.result, type=dict[str, Any])
        session = Session(
            came.session,
            str(result.get("protocolVersion")),
            dict(result.get("capabilities") or {}),
            dict(result.get("serverInfo") or {}),
        )
        if session.revision not in SESSION_REVISIONS:
            raise UpstreamFailed("This tool's server speaks no revision of MCP that we know.")
        told = notification("notifications/initialized", {})
        await self._upstream.stream("POST", told, _headers(ask, session), ignored)
        return session

    async def end(self, ask: Ask, session: Session) -> None:
        """A courtesy; never raises."""
        try:
            if session.id:
                async with asyncio.timeout(2.0):
                    await self._upstream.stream("DELETE", b"", _headers(ask, session), ignored)
        except (SwitchboardError, TimeoutError):
            pass

    async def get_stream(
        self, ask: Ask, session: Session, heard: Heard, last_event: str = ""
    ) -> UpstreamAnswer:
        headers = _headers(ask, session) | {"accept": "text/event-stream"}
        if last_event:
            headers[LAST_EVENT_HEADER] = last_event
        return await self._upstream.stream("GET", b"", headers, heard)

    async def post(self, ask: Ask, session: Session, id: str, body: bytes, heard: Heard) -> UpstreamAnswer:
        """Follows the answer over streams that the server ends early (SSE polling, 2025-11-25)."""
        done = False

        async def hear(data: bytes) -> None:
            nonlocal done
            if not data:
                return
            message = read_message(data)
            done = done or (not message.method and message.id == id)
            await heard(data)

        came = await self._upstream.stream("POST", body, _headers(ask, session), hear)
        if came.status == 401:
            raise CredentialRefused
        if came.body and came.status != 404:
            await heard(came.body)
            return came
        last = came
        for _ in range(_RESUMED):
            if done or not last.last_event:
                break
            await asyncio.sleep(last.retry_s)
            again = await self.get_stream(ask, session, hear, last.last_event)
            if again.status != 200:
                break
            last = again if again.last_event else last
        return came

    async def _begin_shared(self, ask: Ask) -> Session:
        session = await self.begin(ask)
        if not session.id:
            return session
        try:
            taken: Any = await self._redis.set(self._prefix + ask.who, _encode(session), ex=_LIVES_S, nx=True)
        except RedisError:
            return session
        if taken:
            return session
        # another replica was quicker
        first = await self._shared(ask.who)
        if first is None:
            return session
        await self.end(ask, session)
        return first

    async def _shared(self, who: str) -> Session | None:
        try:
            found: Any = await self._redis.get(self._prefix + who)
            return _session(found) if found else None
        except (RedisError, msgspec.MsgspecError) as error:
            _log.warning("gateway.upstream_session_unknown", error=type(error).__name__)
            return None

    async def _forget(self, who: str, session: Session) -> None:
        self._known.pop(who, None)
        shared = await self._shared(who)
        if shared is not None and shared.id == session.id:
            with contextlib.suppress(RedisError):
                await self._redis.delete(self._prefix + who)

    def _remember(self, who: str, session: Session) -> None:
        self._known[who] = session
        self.capabilities = session.capabilities
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


async def ignored(data: bytes) -> None:
    return None


def _headers(ask: Ask, session: Session | None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        **authorised(ask),
    }
    if session is not None:
        headers[REVISION_HEADER] = session.revision
        if session.id:
            headers[SESSION_HEADER] = session.id
    return headers
