"""Prompts, resources and completion of the servers that share them: listed together, asked one by one.

Every list is its caller's own. Where two servers share a prompt of one name, the one whose server sorts
first keeps it and the other's is `<server>.<name>`; of two resources with one URI the first is listed and
read, the other through /servers/{server}/mcp.
"""

import asyncio
import fnmatch
import re
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import structlog
from msgspec import UNSET

from access.keys import AccessKeys
from access.principal import Principal
from access.tokens import Minter
from kit.errors import SwitchboardError, UpstreamFailed
from tools.gateway.callers import Caller
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.credentials import Credentials
from tools.gateway.pins import Pins
from tools.gateway.registry import RegistryHolder
from tools.gateway.secrets import without_secrets
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Ask
from tools.gateway.wrappers.authorise import may_see

LISTS = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
LIST_KIND = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resources",
}
_LIST_S = 3.0
_PAGES = 20
_LONGEST_MS = 60_000
_ROUTED_S = 10.0
_REMEMBERED = 2_000
_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_Key = tuple[str, str, Principal, AccessKeys]
"""Server, method and all that the server's answer may depend on: roles and limits of the turn, too."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What one server listed for one caller. `until`: monotonic, as its ttl says; `known_until`: routing."""

    items: list[dict[str, Any]]
    ttl_ms: int
    until: float
    known_until: float


class SharedThings:
    def __init__(
        self,
        holder: RegistryHolder,
        peers: Peers,
        minter: Minter,
        pins: Pins,
        credentials: Credentials,
    ) -> None:
        self._credentials = credentials
        self._holder = holder
        self._pins = pins
        self._peers = peers
        self._minter = minter
        self._lists: OrderedDict[_Key, Listed] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[Listed | None]] = {}

    def servers(self, caller: Caller, server: str | None, method: str = "") -> list[str]:
        """Those that share with this caller what the method is about."""
        catalogue, kind = self._catalogue(caller), LIST_KIND.get(method)
        return [
            name
            for name in sorted(catalogue.shared)
            if server in (None, name)
            and (kind is None or kind in catalogue.servers[name].shares)
            and may_see(caller.principal, catalogue, name, self._pins.quarantined)
        ]

    def kinds(self, caller: Caller, server: str | None) -> frozenset[str]:
        """What this caller gets beside tools: `prompts`, `resources`."""
        servers = self._catalogue(caller).servers
        return frozenset(kind for name in self.servers(caller, server) for kind in servers[name].shares)

    async def listing(
        self, caller: Caller, server: str | None, method: str
    ) -> tuple[list[dict[str, Any]], int]:
        """The items of all servers, and how long they keep (ms). A server that fails is left out."""
        names = self.servers(caller, server, method)
        found = await asyncio.gather(*(self._listed(caller, name, method) for name in names))
        lists = [(name, listed) for name, listed in zip(names, found, strict=True) if listed is not None]
        ttl = min((listed.ttl_ms for _, listed in lists), default=_LONGEST_MS)
        if len(lists) < len(names):
            ttl = 0
        return [item for _, item in _together(method, lists)], ttl

    async def server_of_prompt(self, caller: Caller, server: str | None, name: str) -> tuple[str, str] | None:
        """(server, its own name for it)."""
        for found, item in await self._all(caller, server, "prompts/list"):
            if item.get("name") == name:
                return found, str(item.get(_OWN, name))
        return None

    async def servers_of_resource(self, caller: Caller, server: str | None, uri: str) -> list[str]:
        """Who lists it, then who has a template for it, then the others: not every resource is listed."""
        names = self.servers(caller, server, "resources/list")
        if len(names) <= 1:
            return names
        listed = [
            found
            for found, item in await self._all(caller, server, "resources/list")
            if item.get("uri") == uri
        ]
        templates = await self._all(caller, server, "resources/templates/list")
        fitting = [found for found, item in templates if fits(str(item.get("uriTemplate", "")), uri)]
        return list(dict.fromkeys([*listed, *fitting, *names]))

    async def server_of_template(self, caller: Caller, server: str | None, uri: str) -> str | None:
        for found, item in await self._all(caller, server, "resources/templates/list"):
            if item.get("uriTemplate") == uri:
                return found
        return next(iter(await self.servers_of_resource(caller, server, uri)), None)

    def forget(self, server: str | None = None) -> None:
        """A list changed."""
        for key in [key for key in self._lists if server in (None, key[0])]:
            del self._lists[key]

    def stand_in(self, caller: Caller, server: str) -> OfferedTool:
        """Raises KeyError where it is no longer shared."""
        return self._catalogue(caller).shared[server]

    def _catalogue(self, caller: Caller) -> Catalogue:
        """What exists for the caller's organisation."""
        return self._holder.current.seen_by(caller.principal.organisation_id)

    async def _all(self, caller: Caller, server: str | None, method: str) -> list[tuple[str, dict[str, Any]]]:
        names = self.servers(caller, server, method)
        found = await asyncio.gather(*(self._listed(caller, name, method, routing=True) for name in names))
        lists = [(name, listed) for name, listed in zip(names, found, strict=True) if listed is not None]
        return list(_together(method, lists, own=True))

    async def _listed(
        self, caller: Caller, name: str, method: str, *, routing: bool = False
    ) -> Listed | None:
        key, now = (name, method, caller.principal, caller.keys), time.monotonic()
        known = self._lists.get(key)
        if known is not None and now < (known.known_until if routing else known.until):
            return known
        # no limit counts lists, so whoever asks for one many times at once gets one answer
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask_in_time(caller, key))
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(task)

    def _asked(self, key: _Key, done: asyncio.Task[Listed | None]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            done.exception()  # retrieved, also where every waiter has gone away

    async def _ask_in_time(self, caller: Caller, key: _Key) -> Listed | None:
        name, method, _, _ = key
        who = f"{caller.organisation_id}/{caller.actor}"
        try:
            async with asyncio.timeout(_LIST_S):
                listed = await self._ask(caller, who, name, method)
        except (SwitchboardError, TimeoutError) as error:
            _log.warning("gateway.shared_not_listed", server=name, method=method, error=type(error).__name__)
            return None
        self._lists[key] = listed
        if len(self._lists) > _REMEMBERED:
            self._lists.popitem(last=False)
        return listed

    async def _ask(self, caller: Caller, who: str, name: str, method: str) -> Listed:
        tool = self._catalogue(caller).shared[name]
        items: list[dict[str, Any]] = []
        ttl, cursor = _LONGEST_MS, None
        for _ in range(_PAGES):
            lent = await self._credentials.lent(caller, tool)
            own = lent is None
            token = self._minter.mint(caller.principal, tool.audience, keys=caller.keys) if own else ""
            params = {"cursor": cursor} if cursor else {}
            ask = Ask(method, params, token, who, repeatable=True, credential=lent)
            answer = await self._peers.ask(tool.address, ask)
            if answer.error is not UNSET or answer.result is UNSET:
                # it shares nothing of the kind
                break
            # lists do not go through the chain, and a URI may hold a password
            page = _page(without_secrets(bytes(answer.result))[0])
            items += [item for item in page.get(LISTS[method], ()) if isinstance(item, dict)]
            ttl = min(ttl, _ttl(page.get("ttlMs")))
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or not cursor:
                break
        now = time.monotonic()
        return Listed(items, ttl, now + ttl / 1000, now + max(ttl / 1000, _ROUTED_S))


_OWN = "\0own"


def _together(
    method: str, lists: list[tuple[str, Listed]], *, own: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """`own`: with the server's own name for a prompt beside the one that it got here."""
    key = {"prompts/list": "name", "resources/list": "uri"}.get(method, "uriTemplate")
    taken: set[str] = set()
    for server, listed in lists:
        for given in listed.items:
            item, name = given, given.get(key)
            if not isinstance(name, str):
                continue
            if name in taken and key == "name":
                renamed = f"{server}.{name}"
                if renamed in taken:
                    continue
                item = {**item, "name": renamed} | ({_OWN: name} if own else {})
                name = renamed
            elif name in taken and not own:
                continue
            taken.add(name)
            yield server, item


def _page(result: Any) -> dict[str, Any]:
    try:
        return msgspec.json.decode(result, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UpstreamFailed("This tool's server lists what is no list.") from error


def _ttl(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return 0
    return int(min(value, _LONGEST_MS))


def fits(template: str, uri: str) -> bool:
    """Whether an RFC 6570 template could have made this URI; roughly, since it only orders whom to ask."""
    return fnmatch.fnmatchcase(uri, re.sub(r"\\?\{[^}]*\}", "*", template.replace("[", "[[]")))


def own_result(result: bytes) -> bytes:
    """The server's result, cacheable by nobody but this caller: whose it is was decided here."""
    if b'"cacheScope"' not in result:
        return result
    fields = cast(dict[str, Any], msgspec.json.decode(result, type=dict[str, msgspec.Raw]))
    if "cacheScope" not in fields:
        return result
    return _encode({**fields, "cacheScope": "private"})
