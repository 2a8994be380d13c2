"""Definitions pinned by hash: what a server lists now against what was approved (SPEC 9).

Off the hot path: at the first use of a server, at every new registry, and at an interval. A tool that
differs, or is no longer listed, is quarantined until the server lists what was approved again, or until
what it lists is approved: a new registry is held against what each server listed last, without asking it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from prometheus_client import Gauge

from kit.errors import SwitchboardError, Unavailable, UpstreamFailed
from kit.wire.mcp import definition_hash
from kit.wire.tools import DRIFT, RegisteredServer
from tools.gateway.catalogue import OfferedTool, address_of
from tools.gateway.listing import Listing
from tools.gateway.registry import RegistryHolder
from tools.gateway.upstreams.peers import Peers

LIST_S = 10.0
LARGEST_TOLD = 32_768
"""Bytes of a definition that is told to the platform."""
_AGAIN_S = 2.0
_LEFT_S = 60.0
"""How long calls under way may still need a server that is no longer named, at least."""
_log = structlog.get_logger()
_quarantined = Gauge(
    "switchboard_gateway_quarantined_tools", "Tools whose definition is not the approved one."
)

Announce = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""(type, data): writes an audit event."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a server listed: hash by its own name. version: of the registry that stood then."""

    address: str
    version: str
    found: Mapping[str, str]


class Pins:
    """Which tools are quarantined (by id), and which servers (by key) have been compared at all."""

    def __init__(
        self,
        holder: RegistryHolder,
        peers: Peers,
        listing: Listing,
        announce: Announce,
        every_s: float,
    ) -> None:
        self.quarantined: frozenset[str] = frozenset()
        self._holder = holder
        self._peers = peers
        self._listing = listing
        self._announce = announce
        self._every_s = every_s
        self._seen: dict[str, _Seen] = {}
        self._told: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._not_before: dict[str, float] = {}
        self._leaving: dict[str, float] = {}
        self._held: dict[str, float] = {}
        holder.listeners.append(self._registry_changed)

    def compared(self, tool: OfferedTool) -> bool:
        """Whether what is known of its server is enough to call or to refuse it."""
        seen = self._seen.get(tool.server_key)
        if seen is None or seen.address != tool.address:
            return False
        # what refuses it may be older than its approval
        return tool.id not in self.quarantined or seen.version == self._holder.current.version

    async def ensure(self, tool: OfferedTool) -> None:
        """Compare before the first call. Raises Unavailable, UpstreamFailed, where it cannot be."""
        key = tool.server_key
        async with self._locks.setdefault(key, asyncio.Lock()):
            if self.compared(tool):
                return
            server = self._holder.current.everything.get(key)
            if server is None or address_of(server) != tool.address:
                raise Unavailable("This tool's server has just been changed.", retry_after=_AGAIN_S)
            # whoever waited for the lock meanwhile does not wait for the same again
            if time.monotonic() < self._not_before.get(key, 0.0):
                raise Unavailable("This tool's server does not answer.", retry_after=_AGAIN_S)
            try:
                await self.compare(key)
            except SwitchboardError:
                self._not_before[key] = time.monotonic() + _AGAIN_S
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
        servers = self._holder.current.everything
        await self._peers.keep(self._addresses(servers))
        await asyncio.gather(*(self._try(key) for key in servers))

    async def compare(self, key: str) -> None:
        """One server, by its key. Raises Unavailable, UpstreamFailed."""
        catalogue = self._holder.current
        server = catalogue.everything[key]
        try:
            listed = await asyncio.wait_for(self._list(server), LIST_S)
        except TimeoutError as error:
            raise UpstreamFailed("This tool's server does not list its tools.") from error
        by_name = {str(tool.get("name")): tool for tool in listed}
        found = {name: definition_hash(tool) for name, tool in by_name.items()}
        self._seen[key] = _Seen(address_of(server), catalogue.version, found)
        self._recount(key)
        await self._tell(server, key, by_name)

    async def _try(self, key: str) -> None:
        try:
            await self.compare(key)
        except KeyError:
            # taken out of the registry while it waited for its turn
            return
        except SwitchboardError as error:
            _log.warning("gateway.definitions_not_compared", server=key, error=error.code)

    def _registry_changed(self) -> None:
        catalogue = self._holder.current
        self._seen = {
            key: seen
            for key, seen in self._seen.items()
            if key in catalogue.everything and address_of(catalogue.everything[key]) == seen.address
        }
        self._told &= catalogue.offers.keys()
        self.quarantined = frozenset[str]().union(*(self._wrong(key) for key in self._seen))
        _quarantined.set(len(self.quarantined))

    def _recount(self, key: str) -> None:
        theirs = {tool.id for tool in self._holder.current.offers_of.get(key, ())}
        self.quarantined = (self.quarantined - theirs) | self._wrong(key)
        _quarantined.set(len(self.quarantined))

    def _wrong(self, key: str) -> frozenset[str]:
        """A server that was never compared has no word on its tools yet."""
        seen, tools = self._seen[key], self._holder.current.offers_of.get(key, ())
        return frozenset(tool.id for tool in tools if _differs(tool, seen))

    async def _tell(
        self, server: RegisteredServer, key: str, listed: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Once for each change, and a release also where only the registry still knows of the drift."""
        catalogue, found = self._holder.current, self._seen[key].found
        view = catalogue.seen_by(server.organisation_id)
        for tool in catalogue.offers_of.get(key, ()):
            known = view.own.get((tool.server, tool.own_name))
            facts = _about(server, tool, known.name if known else tool.own_name)
            if tool.id in self.quarantined and tool.id not in self._told:
                self._told.add(tool.id)
                _log.error("gateway.tool_quarantined", tool=tool.own_name, server=key)
                facts |= {
                    "approved": tool.policy.definition_hash,
                    "listed": found.get(tool.own_name),
                    **_shown(listed.get(tool.own_name)),
                }
                await self._announce("tool.quarantined", facts)
            elif tool.id not in self.quarantined and (
                tool.id in self._told or tool.policy.quarantined == DRIFT
            ):
                self._told.discard(tool.id)
                await self._announce("tool.released", facts)

    def _addresses(self, servers: Mapping[str, RegisteredServer]) -> set[str]:
        """Those in use, and for a while those that were: calls under way keep what they began with."""
        now = time.monotonic()
        current: dict[str, float] = {}
        for server in servers.values():
            longest = max((tool.timeout_s for tool in server.tools), default=0.0)
            address = address_of(server)
            current[address] = max(current.get(address, 0.0), longest, _LEFT_S)
        for address, longest in self._held.items():
            if address not in current:
                self._leaving.setdefault(address, now + longest)
        self._held = current
        self._leaving = {
            address: until
            for address, until in self._leaving.items()
            if until > now and address not in current
        }
        return current.keys() | self._leaving.keys()

    async def _list(self, server: RegisteredServer) -> list[dict[str, Any]]:
        if not server.tools:
            return []
        address = address_of(server)
        return await self._listing.tools(server, lambda ask: self._peers.ask(address, ask))


def _differs(tool: OfferedTool, seen: _Seen) -> bool:
    return seen.address == tool.address and seen.found.get(tool.own_name) != tool.policy.definition_hash


def _about(server: RegisteredServer, tool: OfferedTool, name: str) -> dict[str, Any]:
    organisation = str(server.organisation_id) if server.organisation_id is not None else None
    return {
        "tool": name,
        "own_name": tool.own_name,
        "server": server.name,
        "server_organisation_id": organisation,
    }


def _shown(definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """The listed definition, for the admin's comparison, where it is not too large."""
    if definition is None or len(msgspec.json.encode(definition)) > LARGEST_TOLD:
        return {}
    return {"definition": definition}
