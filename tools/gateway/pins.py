"""Definitions pinned by hash: what a server lists now against what was approved (SPEC 9).

Off the hot path: at the first use of a server, at every new registry, and at an interval. A tool that
differs, or is no longer listed, is quarantined until the server lists what was approved again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from prometheus_client import Gauge

from access.tokens import Minter
from kit.errors import SwitchboardError, Unavailable, UpstreamFailed
from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredServer
from tools.gateway.platform import GATEWAY
from tools.gateway.registry import RegistryHolder
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Ask

_LIST_S = 10.0
_AGAIN_S = 2.0
_PAGES = 50
_log = structlog.get_logger()
_quarantined = Gauge(
    "switchboard_gateway_quarantined_tools", "Tools whose definition is not the approved one."
)

Announce = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""(type, data): writes an audit event."""


class _Listed(msgspec.Struct, rename="camel"):
    tools: list[dict[str, Any]]
    next_cursor: str | None = None


class Pins:
    """Which tools are quarantined, and which servers have been compared at all."""

    def __init__(
        self,
        holder: RegistryHolder,
        peers: Peers,
        minter: Minter,
        announce: Announce,
        every_s: float,
    ) -> None:
        self.quarantined: frozenset[str] = frozenset()
        self._holder = holder
        self._peers = peers
        self._minter = minter
        self._announce = announce
        self._every_s = every_s
        self._compared: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._not_before: dict[str, float] = {}

    def compared(self, server: str) -> bool:
        """With this version of the registry."""
        return self._compared.get(server) == self._holder.current.version

    async def ensure(self, server: str) -> None:
        """Compare before the first call. Raises Unavailable, UpstreamFailed, where it cannot be."""
        if self.compared(server):
            return
        async with self._locks.setdefault(server, asyncio.Lock()):
            if self.compared(server):
                return
            # whoever waited for the lock meanwhile does not wait for the same again
            if time.monotonic() < self._not_before.get(server, 0.0):
                raise Unavailable("This tool's server does not answer.", retry_after=_AGAIN_S)
            try:
                await self.compare(server)
            except SwitchboardError:
                self._not_before[server] = time.monotonic() + _AGAIN_S
                raise

    async def run(self) -> None:
        """Compare every server now, at every new registry and at an interval."""
        while True:
            self._holder.changed.clear()
            await self.compare_all()
            try:
                await asyncio.wait_for(self._holder.changed.wait(), self._every_s)
            except TimeoutError:
                continue

    async def compare_all(self) -> None:
        """A server that does not answer keeps its state and holds nobody up; never raises."""
        servers = self._holder.current.servers
        self.quarantined &= self._holder.current.tools.keys()
        await self._peers.keep({server.address for server in servers.values()})
        await asyncio.gather(*(self._try(name) for name in servers))

    async def _try(self, server: str) -> None:
        try:
            await self.compare(server)
        except SwitchboardError as error:
            _log.warning("gateway.definitions_not_compared", server=server, error=error.code)

    async def compare(self, name: str) -> None:
        catalogue = self._holder.current
        server = catalogue.servers[name]
        try:
            listed = await asyncio.wait_for(self._list(server), _LIST_S)
        except TimeoutError as error:
            raise UpstreamFailed("This tool's server does not list its tools.") from error
        found = {str(tool.get("name")): definition_hash(tool) for tool in listed}
        wrong = {tool.name for tool in server.tools if found.get(tool.name) != tool.definition_hash}
        self._compared[name] = catalogue.version
        await self._settle(server, wrong, found)

    async def _settle(self, server: RegisteredServer, wrong: set[str], found: Mapping[str, str]) -> None:
        known = self._holder.current.own
        names = {
            tool.name: known[server.name, tool.name].name
            for tool in server.tools
            if (server.name, tool.name) in known
        }
        own = {names[tool.name]: tool.definition_hash for tool in server.tools if tool.name in names}
        wrong = {names[tool] for tool in wrong if tool in names}
        found = {names[tool]: hash for tool, hash in found.items() if tool in names}
        before = self.quarantined & own.keys()
        self.quarantined = (self.quarantined - own.keys()) | wrong
        _quarantined.set(len(self.quarantined))
        for tool in sorted(wrong - before):
            _log.error("gateway.tool_quarantined", tool=tool, server=server.name)
            facts = {"tool": tool, "server": server.name, "approved": own[tool], "listed": found.get(tool)}
            await self._announce("tool.quarantined", facts)
        for tool in sorted(before - wrong):
            await self._announce("tool.released", {"tool": tool, "server": server.name})

    async def _list(self, server: RegisteredServer) -> list[dict[str, Any]]:
        if not server.tools:
            return []
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            params = {"cursor": cursor} if cursor else {}
            token = self._minter.mint(GATEWAY, server.audience)
            ask = Ask("tools/list", params, token, str(GATEWAY.id), repeatable=True)
            answer = await self._peers.ask(server.address, ask)
            page = _page(answer.result)
            tools += page.tools
            cursor = page.next_cursor
            if not cursor:
                return tools
        raise UpstreamFailed("This tool's server lists tools without an end.")


def _page(result: Any) -> _Listed:
    try:
        return msgspec.json.decode(result, type=_Listed)
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise UpstreamFailed("This tool's server does not list its tools.") from error
