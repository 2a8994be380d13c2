"""A server of the session era, spoken to in the terms of 2026-07-28."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import UNSET, Raw

from kit.errors import UpstreamFailed
from kit.wire.mcp import INVALID_PARAMS, RESOURCE_NOT_FOUND, TASK_CALLS, Answer, RpcError, request
from tools.gateway.upstreams.ears import Ears
from tools.gateway.upstreams.parking import Parking
from tools.gateway.upstreams.running import Link, Running
from tools.gateway.upstreams.sessions import HttpSessions, Session, ignored
from tools.gateway.upstreams.talk import Ask, read_message

_ids = itertools.count(1)
_CACHEABLE = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"}
)
_LISTEN_S = 10.0


class SessionPeer:
    """`server` names it in what is parked."""

    def __init__(self, link: Link, parking: Parking, server: str) -> None:
        self._link = link
        self._parking = parking
        self._server = server
        self._levels: dict[str, str] = {}
        self._ears = Ears(link) if isinstance(link, HttpSessions) else None

    async def ask(self, ask: Ask) -> Answer:
        if self._parking.owns(ask):
            return _modern(ask, await self._parking.resume(ask, self._server))
        if ask.log_level is not None and self._levels.get(ask.who) != ask.log_level:
            await self._set_level(ask, ask.log_level)
        if self._ears is not None:
            await self._ears.listen(ask)
        running = Running(self._link, ask, next_id())
        if self._ears is not None:
            self._ears.belongs_to(ask, running)
        return _modern(ask, await self._parking.first(running, ask, self._server))

    @property
    def extensions(self) -> frozenset[str]:
        """Tasks of 2025-11-25, where calls of tools may become one."""
        return frozenset((TASK_CALLS,)) if _makes_tasks(self._link.capabilities) else frozenset()

    async def about(self, ask: Ask) -> tuple[str | None, Mapping[str, Any]]:
        """Revision and serverInfo, where the transport keeps them: streamable HTTP."""
        if not isinstance(self._link, HttpSessions):
            return None, {}
        session = await self._link.of(ask)
        return session.revision, session.server_info

    async def listen(self, ask: Ask, ready: Callable[[], None]) -> None:
        """Only where the transport has streams of their own for that: streamable HTTP."""
        if not isinstance(self._link, HttpSessions):
            raise UpstreamFailed("This tool's server has no stream to listen to.")
        link, session = self._link, await self._link.begin(ask)
        listening = asyncio.create_task(self._hear(link, ask, session))
        try:
            async with asyncio.timeout(_LISTEN_S):
                for body, id in _subscribing(ask):
                    await link.post(ask, session, id, body, ignored)
            ready()
            await listening
        finally:
            listening.cancel()
            await asyncio.shield(link.end(ask, session))

    async def close(self) -> None:
        if self._ears is not None:
            self._ears.close()

    async def _hear(self, link: HttpSessions, ask: Ask, session: Session) -> None:
        async def heard(data: bytes) -> None:
            if not data:
                return
            message = read_message(data)
            if message.method and message.id is None and ask.tell is not None:
                await ask.tell(message.method, message.params)

        last = ""
        while True:
            came = await link.get_stream(ask, session, heard, last)
            if came.status != 200:
                raise UpstreamFailed("This tool's server has no stream to listen to.")
            last = came.last_event or last
            await asyncio.sleep(came.retry_s or 1.0)

    async def _set_level(self, ask: Ask, level: str) -> None:
        if len(self._levels) > 10_000:
            self._levels.clear()
        self._levels[ask.who] = level
        set_level = Ask("logging/setLevel", {"level": level}, ask.token, ask.who, credential=ask.credential)
        await Running(self._link, set_level, next_id()).leg(set_level)


def _makes_tasks(capabilities: Mapping[str, Any]) -> bool:
    found: Any = capabilities.get("tasks")
    for name in ("requests", "tools", "call"):
        found = cast(dict[str, Any], found).get(name) if isinstance(found, dict) else None
    return isinstance(found, dict)


def next_id() -> str:
    """Unique within this process; the session's other replicas have streams of their own."""
    return f"switchboard-{next(_ids)}"


def _subscribing(ask: Ask) -> list[tuple[bytes, str]]:
    """One request for each resource; a ping where there is none, to know that the server is there."""
    wanted: Mapping[str, Any] = ask.params.get("notifications") or {}
    uris = cast(Sequence[str], wanted.get("resourceSubscriptions") or ())
    asked = [("resources/subscribe", {"uri": uri}) for uri in uris] or [("ping", {})]
    made: list[tuple[bytes, str]] = []
    for method, params in asked:
        id = next_id()
        made.append((request(method, params, id), id))
    return made


def _modern(ask: Ask, answer: Answer) -> Answer:
    """What 2026-07-28 requires beside what the older revisions answer."""
    if answer.error is not UNSET:
        if answer.error.code == RESOURCE_NOT_FOUND and ask.method == "resources/read":
            answer.error = RpcError(INVALID_PARAMS, answer.error.message, answer.error.data)
        return answer
    if answer.result is UNSET:
        return answer
    result = bytes(answer.result).strip()
    added = b""
    if b'"resultType"' not in result:
        added += b'"resultType":"complete"'
        if ask.method in _CACHEABLE:
            added += b',"ttlMs":0,"cacheScope":"private"'
    if added and result.startswith(b"{"):
        inner = result[1:].lstrip()
        answer.result = Raw(b"{" + added + (b"" if inner.startswith(b"}") else b",") + inner)
    return answer
