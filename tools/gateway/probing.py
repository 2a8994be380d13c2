"""One look at a server for the platform's admins: what it is and lists now, registered or not (SPEC 9)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import structlog
from msgspec import UNSET

from kit.errors import SwitchboardError, UpstreamFailed
from kit.wire.internal import Probed, ProbeProblem, ProbeServer
from kit.wire.mcp import SERVER_META, STATELESS
from kit.wire.tools import RELEASE, RegisteredServer
from ports.http import AddressRefused, Guard
from tools.gateway.catalogue import Catalogue, address_of
from tools.gateway.listing import Answers, Listing
from tools.gateway.upstreams.openapi import OPENAPI, OpenApiPeer
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.reach import GUARDED
from tools.gateway.upstreams.session_peer import SessionPeer
from tools.gateway.upstreams.talk import Peer

WITHIN_S = 10.0
LARGEST = 4_000_000
"""Bytes of all pages of a listing together."""
_AT_ONCE = 8
_HTTP = ("http:", "https:")
_ALLOWED = (
    "An operator can allow addresses of the own network: SWITCHBOARD_OUTBOUND__ALLOWED_HOSTS names hosts"
    " (with their port), SWITCHBOARD_OUTBOUND__ALLOWED_NETWORKS networks."
)
_log = structlog.get_logger()


class ProbeFailed(UpstreamFailed):
    code = "not_probed"
    title = "The server does not list its tools"
    default_hint = "Look whether it runs, whether the address is its MCP endpoint, and what its log says."


class Probing:
    """Over connections of its own, and through the guard for addresses that somebody names: only servers
    that came with the release, at the address they are registered with, are asked without it."""

    def __init__(
        self, peers: Peers, listing: Listing, guard: Guard, current: Callable[[], Catalogue]
    ) -> None:
        self._peers = peers
        self._listing = listing
        self._guard = guard
        self._current = current
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def probe(self, asked: ProbeServer) -> Probed:
        """Within ten seconds; whatever is wrong with the server is an answer. Never raises for it."""
        server, began = asked.server, time.perf_counter()
        try:
            async with asyncio.timeout(WITHIN_S), self._places:
                found = await self._look(server)
        except TimeoutError:
            found = _problem(ProbeFailed(f"The server did not answer within {WITHIN_S:g} s."))
        except SwitchboardError as error:
            found = _problem(error)
        except Exception as error:
            # what a stranger's server can send has no end; which part of ours it met is for the log
            _log.warning("gateway.probe_failed", server=server.name, error=repr(error)[:300])
            found = _problem(ProbeFailed("The server's answers are not those of an MCP server."))
        return found.model_copy(update={"took_ms": round((time.perf_counter() - began) * 1000, 2)})

    async def _look(self, server: RegisteredServer) -> Probed:
        who = f"probe/{time.monotonic_ns()}"
        async with self._speaking(server, who) as (answers, peer):
            revision, about = await self._about(server, answers, peer, who)
            tools = await self._listing.tools(server, answers, who, LARGEST)
            notes = await peer.notes() if isinstance(peer, OpenApiPeer) else None
        return Probed(reachable=True, revision=revision, server_info=dict(about), tools=tools, api=notes)

    @asynccontextmanager
    async def _speaking(
        self, server: RegisteredServer, who: str
    ) -> AsyncGenerator[tuple[Answers, Peer | None]]:
        if server.address.startswith(OPENAPI):
            api = self._peers.apis.probing(server)
            try:
                yield api.ask, api
            finally:
                await api.close()
        elif server.address.startswith(_HTTP):
            address = await self._checked(server)
            first = await self._listing.ask(server, "server/discover", {}, who)
            async with self._peers.apart(address, first) as peer:
                yield peer.ask, peer
        else:
            # a command or an app of the operator's own: there is one of each
            yield lambda ask: self._peers.ask(address_of(server), ask), None

    async def _checked(self, server: RegisteredServer) -> str:
        """The address to connect to. Raises AddressRefused."""
        if self._is_ours(server):
            return server.address
        await self._guard.check(server.address)
        return f"{GUARDED}{server.address}"

    def _is_ours(self, server: RegisteredServer) -> bool:
        """By what is registered, not by what the request says."""
        known = self._current().everything.get(server.name)
        return (
            server.organisation_id is None
            and known is not None
            and address_of(known) == server.address
            and any(tool.approved_by == RELEASE for tool in known.tools)
        )

    async def _about(
        self, server: RegisteredServer, answers: Answers, peer: Peer | None, who: str
    ) -> tuple[str | None, Mapping[str, Any]]:
        ask = await self._listing.ask(server, "server/discover", {}, who)
        if isinstance(peer, SessionPeer):
            return await peer.about(ask)
        answer = await answers(ask)
        if answer.error is not UNSET or answer.result is UNSET:
            return None, {}
        told = msgspec.json.decode(answer.result, type=dict[str, Any])
        meta: Any = told.get("_meta")
        known = cast(dict[str, Any], meta).get(SERVER_META) if isinstance(meta, dict) else None
        info: Any = told.get("serverInfo") or known
        return STATELESS, cast(dict[str, Any], info) if isinstance(info, dict) else {}


def _problem(error: SwitchboardError) -> Probed:
    hint = error.hint or ""
    if isinstance(error, AddressRefused):
        hint = f"{hint} {_ALLOWED}".strip()
    return Probed(
        reachable=False, problem=ProbeProblem(code=error.code, detail=error.detail or error.title, hint=hint)
    )
