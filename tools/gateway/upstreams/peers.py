"""Which era a tool server speaks is found out once: `server/discover` first, then `initialize`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from msgspec import UNSET

from kit.errors import Unavailable, UpstreamFailed
from kit.wire.mcp import UNSUPPORTED_REVISION, Answer
from ports.redis import Redis
from tools.gateway.upstreams.connections import IN_PROCESS, Connections
from tools.gateway.upstreams.errors import CredentialRefused
from tools.gateway.upstreams.openapi import OPENAPI, Apis
from tools.gateway.upstreams.parking import Parking
from tools.gateway.upstreams.port import Upstream
from tools.gateway.upstreams.processes import Processes
from tools.gateway.upstreams.session_peer import SessionPeer
from tools.gateway.upstreams.sessions import HttpSessions
from tools.gateway.upstreams.stdio import STDIO
from tools.gateway.upstreams.talk import Ask, Discovered, Peer, StatelessPeer, beside_logging, discovered
from tools.gateway.upstreams.talk import ask as ask_stateless

_DISCOVER_S = 5.0
_UNSURE_S = 30.0
_log = structlog.get_logger()


class Peers:
    """One peer per address, made on first use and kept until the address is no longer named."""

    def __init__(
        self, connections: Connections, processes: Processes, apis: Apis, redis: Redis, parking: Parking
    ) -> None:
        self._connections = connections
        self._processes = processes
        self.apis = apis
        self._redis = redis
        self._parking = parking
        self._found: dict[str, Peer] = {}
        self._finding: dict[str, asyncio.Lock] = {}

    async def ask(self, address: str, ask: Ask) -> Answer:
        """Raises Unavailable, UpstreamFailed, InputExpired."""
        peer = self._found.get(address) or await self.of(address, ask)
        answer = await peer.ask(ask)
        if answer.error is not UNSET and answer.error.code == UNSUPPORTED_REVISION:
            # another release of the server, perhaps: looked at anew with the next call
            self._found.pop(address, None)
        return answer

    async def of(self, address: str, ask: Ask) -> Peer:
        """`ask` has the token to find out with. Raises Unavailable, UpstreamFailed."""
        found = self._found.get(address)
        if found is not None:
            return found
        async with self._finding.setdefault(address, asyncio.Lock()):
            if address not in self._found:
                self._found[address] = await self._find(address, ask)
            return self._found[address]

    def has(self, address: str, extension: str) -> bool:
        """Whether the server there said that it has it, as far as it was asked already."""
        found = self._found.get(address)
        return found is not None and extension in found.extensions

    async def keep(self, addresses: Iterable[str]) -> None:
        kept = set(addresses)
        for address in set(self._found) - kept:
            await self._found.pop(address).close()
        await self._connections.keep(kept)
        await self._processes.keep(kept)

    async def close(self) -> None:
        await self._parking.close()
        await self.keep(())

    async def _find(self, address: str, ask: Ask) -> Peer:
        if address.startswith(STDIO):
            return await self._processes.peer(address, self._parking)
        if address.startswith(OPENAPI):
            return self.apis.peer(address)
        upstream = await self._connections.to(address)
        if address.startswith(IN_PROCESS):
            # our own: SPEC 9, they speak nothing else, whatever they have beside it
            with contextlib.suppress(UpstreamFailed):
                known = await discover(upstream, ask)
                return StatelessPeer(upstream, beside_logging(known.capabilities if known else {}))
            return StatelessPeer(upstream, {})
        return await self._over(upstream, address, ask)

    @asynccontextmanager
    async def apart(self, address: str, ask: Ask) -> AsyncGenerator[Peer]:
        """Over connections of its own, for one look at a server. Raises Unavailable, UpstreamFailed."""
        upstream = await self._connections.apart(address)
        try:
            peer = await self._over(upstream, address, ask)
            try:
                yield peer
            finally:
                await peer.close()
        finally:
            await upstream.close()

    async def _over(self, upstream: Upstream, address: str, ask: Ask) -> Peer:
        known = await discover(upstream, ask)
        sessions = HttpSessions(address, upstream, self._redis)
        if known is not None:
            in_session = SessionPeer(sessions, self._parking, address)
            return _Discovered(StatelessPeer(upstream, known.capabilities), in_session, sessions)
        try:
            async with asyncio.timeout(_DISCOVER_S):
                await sessions.of(ask)
        except CredentialRefused:
            raise  # says nothing about the server's era
        except (UpstreamFailed, TimeoutError):
            # it says neither, so it gets what our own servers speak, and is asked again soon
            _log.warning("gateway.server_of_no_known_era", address=address)
            asyncio.get_running_loop().call_later(_UNSURE_S, self._found.pop, address, None)
            return StatelessPeer(upstream, {})
        _log.info("gateway.server_of_the_session_era", address=address)
        return SessionPeer(sessions, self._parking, address)


class _Discovered:
    """A server of 2026-07-28. One that has sessions as well is spoken to as its client speaks: what it
    does differently in each era then reaches the client as it is. That is tried once, when the first
    client with a session asks, since `server/discover` does not tell.
    """

    def __init__(self, stateless: StatelessPeer, in_session: SessionPeer, sessions: HttpSessions) -> None:
        self._stateless = stateless
        self._in_session = in_session
        self._sessions = sessions
        self._has_sessions: bool | None = None
        self._trying = asyncio.Lock()

    @property
    def extensions(self) -> frozenset[str]:
        return self._stateless.extensions | self._in_session.extensions

    def ask(self, ask: Ask) -> Coroutine[Any, Any, Answer]:
        if not ask.in_session or self._has_sessions is False:
            return self._stateless.ask(ask)
        return self._in_session.ask(ask) if self._has_sessions else self._tried(ask)

    async def _tried(self, ask: Ask) -> Answer:
        await self._try(ask)
        return await (self._in_session if self._has_sessions else self._stateless).ask(ask)

    async def _try(self, ask: Ask) -> None:
        async with self._trying:
            if self._has_sessions is not None:
                return
            try:
                async with asyncio.timeout(_DISCOVER_S):
                    # without an id there is no session to keep up, and nothing is won
                    self._has_sessions = bool((await self._sessions.of(ask)).id)
            except CredentialRefused:
                raise
            except (UpstreamFailed, TimeoutError):
                self._has_sessions = False

    async def listen(self, ask: Ask, ready: Callable[[], None]) -> None:
        await self._stateless.listen(ask, ready)

    async def close(self) -> None:
        await self._in_session.close()


async def discover(upstream: Upstream, about: Ask) -> Discovered | None:
    """What the server says of itself, or None where it does not speak 2026-07-28. Raises Unavailable."""
    try:
        async with asyncio.timeout(_DISCOVER_S):
            answer = await ask_stateless(
                upstream,
                "server/discover",
                {},
                about.token,
                repeatable=True,
                credential=about.credential,
            )
    except (Unavailable, CredentialRefused):
        raise
    except TimeoutError as error:
        raise UpstreamFailed("This tool's server does not say what it speaks.") from error
    except UpstreamFailed:
        return None
    return discovered(answer)
