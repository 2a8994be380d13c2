"""What changes while nobody calls: lists and resources, told to the clients that listen here.

A session-era client listens by GET, one of 2026-07-28 by `subscriptions/listen`. That lists changed is
heard of each server once, with the gateway's own name, for all who listen; a resource is followed with
its caller's name, since who may see it is the server's to say, too.
"""

import asyncio
from collections.abc import Callable, Container, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from access.tokens import Minter
from kit.errors import SwitchboardError, TooMany
from kit.wire.tools import RegisteredServer
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool, address_of
from tools.gateway.credentials import Credentials
from tools.gateway.platform import GATEWAY
from tools.gateway.protocol.shared import SharedThings
from tools.gateway.protocol.tasks import STATUS, TAKES_TASKS
from tools.gateway.registry import RegistryHolder
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Ask, Tell

LIST_CHANGED = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
UPDATED = "notifications/resources/updated"
END: tuple[str, dict[str, Any]] = ("", {})
"""Said to a listener whose stream ends."""
AWAY = 8
"""Streams of one principal, at one replica, whose client has left and may come back."""
_OF_A_TASK = ("status", "statusMessage", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs")
_READY_S = 3.0
_AGAIN_S = 5.0
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_log = structlog.get_logger()


class TooManyStreams(TooMany):
    code = "too_many_streams"
    title = "You listen on too many streams at the same time"
    default_hint = "Close one of the clients that listen, then try again."


@dataclass(eq=False)
class Listener:
    """One client's stream. wants: names of LIST_CHANGED. server: where it came through its endpoint."""

    caller: Caller
    server: str | None
    tell: Tell
    wants: frozenset[str]
    following: dict[tuple[str, frozenset[str]], "_Follower"] = field(
        default_factory=dict[tuple[str, frozenset[str]], "_Follower"]
    )
    away_since: float | None = None
    """Its client has left, and may come back."""
    watching: list["_Follower"] = field(default_factory=list["_Follower"])
    """Those of its tasks."""
    said: asyncio.Queue[tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: asyncio.Queue[tuple[str, dict[str, Any]]](1000)
    )

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """Dropped where a client does not read: each notice only says that something changed."""
        if not self.said.full():
            self.said.put_nowait((method, params))

    def end(self) -> None:
        """After what was said until now is told."""
        if self.said.full():
            self.said.get_nowait()
        self.said.put_nowait(END)


class _Follower:
    """Keeps listening to one server, and comes back when it breaks off."""

    def __init__(self, listen: Callable[[Callable[[], None]], Any], name: str) -> None:
        self._ready = asyncio.Event()
        self._listen = listen
        self._name = name
        self._task = asyncio.create_task(self._run())

    async def ready(self) -> bool:
        """Waits for it, but not long."""
        try:
            async with asyncio.timeout(_READY_S):
                return await self._ready.wait()
        except TimeoutError:
            _log.warning("gateway.server_not_followed_yet", server=self._name)
            return False

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        failed = 0
        while True:
            try:
                await self._listen(self._ready.set)
                failed = 0
            except SwitchboardError as error:
                _log.info("gateway.server_not_followed", server=self._name, error=error.code)
                failed += 1
            except Exception:
                _log.exception("gateway.following_failed", server=self._name)
                failed += 1
            await asyncio.sleep(_BACKOFF_S[min(failed, len(_BACKOFF_S) - 1)])


class Notices:
    """`most`: streams of one principal at once; each holds connections to servers open."""

    def __init__(
        self,
        holder: RegistryHolder,
        peers: Peers,
        minter: Minter,
        shared: SharedThings,
        most: int,
        *,
        credentials: Credentials,
    ) -> None:
        self._most = most
        self._holder = holder
        self._peers = peers
        self._minter = minter
        self._credentials = credentials
        self._shared = shared
        self._listeners: set[Listener] = set()
        self._lists: dict[str, _Follower] = {}
        self._working: set[asyncio.Task[None]] = set()
        holder.listeners.append(self._registry_changed)

    def enter(self, listener: Listener) -> None:
        """Before anything is answered. Raises TooManyStreams; `remove` gives the place back."""
        theirs = self._of_the_same(listener)
        if sum(each.away_since is None for each in theirs) >= self._most:
            raise TooManyStreams(f"Only {self._most} streams at a time.", retry_after=_AGAIN_S)
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Its client is away: it takes no place, and is listened for until it is removed, or until so many
        others of its principal have left that it is the oldest of too many."""
        listener.away_since = asyncio.get_running_loop().time()
        away = [each for each in self._of_the_same(listener) if each.away_since is not None]
        if len(away) > AWAY:
            min(away, key=lambda each: each.away_since or 0.0).end()

    def _of_the_same(self, listener: Listener) -> list[Listener]:
        who = (listener.caller.organisation_id, listener.caller.actor)
        return [each for each in self._listeners if (each.caller.organisation_id, each.caller.actor) == who]

    async def add(self, listener: Listener) -> bool:
        """Returns when nothing of the lists can be missed; False where that took too long. It has entered."""
        self._follow_lists()
        return all(await asyncio.gather(*(follower.ready() for follower in self._lists.values())))

    def remove(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        for follower in listener.following.values():
            follower.stop()
        listener.following.clear()
        for follower in listener.watching:
            follower.stop()
        listener.watching.clear()
        self._follow_lists()

    async def follow(self, listener: Listener, uris: Iterable[str]) -> bool:
        """Follow exactly these resources from now on; returns when nothing of them can be missed, False
        where that took too long."""
        wanted: dict[str, set[str]] = {}
        for uri in uris:
            servers = await self._shared.servers_of_resource(listener.caller, listener.server, uri)
            if servers:
                wanted.setdefault(servers[0], set()).add(uri)
        keys = {(server, frozenset(of_it)) for server, of_it in wanted.items()}
        for key in listener.following.keys() - keys:
            listener.following.pop(key).stop()
        for key in keys - listener.following.keys():
            listener.following[key] = self._follow(listener, *key)
        return all(await asyncio.gather(*(listener.following[key].ready() for key in keys)))

    async def follow_tasks(
        self,
        listener: Listener,
        tasks: Mapping[str, tuple[OfferedTool, str]],
        still: Callable[[], Container[str]],
    ) -> None:
        """What becomes of these tasks, each with its tool and its server's own id; returns when nothing of
        them can be missed. still: those that may be told of now."""
        by_tool: dict[str, dict[str, str]] = {}
        tools = {tool.id: tool for tool, _ in tasks.values()}
        for id, (tool, own) in tasks.items():
            by_tool.setdefault(tool.id, {})[own] = id
        listener.watching = [
            self._watch(listener, tools[tool_id], ids, still) for tool_id, ids in by_tool.items()
        ]
        await asyncio.gather(*(follower.ready() for follower in listener.watching))

    def hang_up(self) -> None:
        """Every stream ends, as its client expects: it comes back, to another replica."""
        for listener in self._listeners:
            listener.end()

    def working(self, work: Coroutine[Any, Any, None]) -> None:
        """For a listener whose client has left; ends with the gateway."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def close(self) -> None:
        for task in self._working:
            task.cancel()
        for listener in list(self._listeners):
            self.remove(listener)

    def _watch(
        self,
        listener: Listener,
        tool: OfferedTool,
        ids: Mapping[str, str],
        still: Callable[[], Container[str]],
    ) -> _Follower:
        """ids: by the server's own id, the one that the client has."""

        async def tell(method: str, params: dict[str, Any]) -> None:
            own = params.get("taskId")
            id = ids.get(own) if isinstance(own, str) else None
            if method == STATUS and id is not None and id in still():
                # how it stands, no result: what a tool says goes through the chain, by tasks/get
                told = {name: params[name] for name in _OF_A_TASK if name in params}
                listener.hear(STATUS, told | {"taskId": id})

        async def listen(ready: Callable[[], None]) -> None:
            ask = await self._asking(listener.caller, tool, {"taskIds": sorted(ids)}, tell)
            ask.capabilities = TAKES_TASKS
            await (await self._peers.of(tool.address, ask)).listen(ask, ready)

        return _Follower(listen, tool.server)

    async def _asking(self, caller: Caller, tool: OfferedTool, wanted: Mapping[str, Any], tell: Tell) -> Ask:
        lent = await self._credentials.lent(caller, tool)
        token = self._minter.mint(caller.principal, tool.audience, keys=caller.keys) if lent is None else ""
        who = f"{caller.organisation_id}/{caller.actor}"
        params = {"notifications": wanted}
        return Ask("subscriptions/listen", params, token, who, tell=tell, credential=lent)

    def _follow(self, listener: Listener, server: str, uris: frozenset[str]) -> _Follower:
        async def tell(method: str, params: dict[str, Any]) -> None:
            # looked at each time: what they might see may have been taken from them meanwhile
            seen = server in self._shared.servers(listener.caller, listener.server, "resources/list")
            if seen and method == UPDATED and isinstance(params.get("uri"), str):
                listener.hear(UPDATED, _without_meta(params))

        async def listen(ready: Callable[[], None]) -> None:
            caller = listener.caller
            tool = self._shared.stand_in(caller, server)
            ask = await self._asking(caller, tool, {"resourceSubscriptions": sorted(uris)}, tell)
            await (await self._peers.of(tool.address, ask)).listen(ask, ready)

        return _Follower(listen, server)

    def _follow_lists(self) -> None:
        """Of every server that shares something, while anybody listens."""
        everything = self._holder.current.everything
        keys = {key for key, server in everything.items() if server.shares and self._heard_by(server)}
        for key in self._lists.keys() - keys:
            self._lists.pop(key).stop()
        for key in keys - self._lists.keys():
            self._lists[key] = self._follow_list(key, everything[key])

    def _heard_by(self, server: RegisteredServer) -> list[Listener]:
        """For whose organisation it is this server that has the name."""
        current = self._holder.current
        return [
            listener
            for listener in self._listeners
            if current.seen_by(listener.caller.principal.organisation_id).servers.get(server.name) is server
        ]

    def _follow_list(self, key: str, followed: RegisteredServer) -> _Follower:
        async def tell(method: str, params: dict[str, Any]) -> None:
            self._list_changed(key, method)

        async def listen(ready: Callable[[], None]) -> None:
            server = self._holder.current.everything[key]
            lent = await self._credentials.for_listing(server)
            token = self._minter.mint(GATEWAY, server.audience) if lent is None else ""
            wanted = {"notifications": dict.fromkeys(LIST_CHANGED, True)}
            ask = Ask("subscriptions/listen", wanted, token, str(GATEWAY.id), tell=tell, credential=lent)
            await (await self._peers.of(address_of(server), ask)).listen(ask, ready)

        return _Follower(listen, followed.name)

    def _list_changed(self, key: str, method: str) -> None:
        kind = next((kind for kind, name in LIST_CHANGED.items() if name == method), None)
        server = self._holder.current.everything.get(key)
        if kind is None or server is None:
            return
        self._shared.forget(server.name)
        for listener in self._heard_by(server):
            names = self._shared.servers(listener.caller, listener.server)
            if kind in listener.wants and server.name in names:
                listener.hear(method, {})

    def _registry_changed(self) -> None:
        self._shared.forget()
        self._follow_lists()
        for listener in self._listeners:
            for kind in listener.wants:
                listener.hear(LIST_CHANGED[kind], {})


def _without_meta(params: Mapping[str, Any]) -> dict[str, Any]:
    """The subscription's id is between us and the server."""
    return {key: value for key, value in params.items() if key != "_meta"}
