"""The session era, 2024-11-05 to 2025-11-25: `initialize` first, then `Mcp-Session-Id`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from kit.errors import Unauthenticated, Unavailable
from kit.wire.mcp import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LAST_EVENT_HEADER,
    METHOD_NOT_FOUND,
    SESSION_HEADER,
    SESSION_REVISIONS,
    SESSION_TASKS,
    TASK_CALLS,
    RpcError,
)
from ports.redis import RedisError
from tools.gateway.callers import Caller
from tools.gateway.protocol import answers
from tools.gateway.protocol.asking import Asking, InFlight
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import SHARED, TASKS_SINCE, Manner, Methods, Refused, Where, mapping
from tools.gateway.protocol.http import Asked, Headers, HttpRefused, error_body
from tools.gateway.protocol.kept_notices import NOTICE, NoticeStream
from tools.gateway.protocol.kept_streams import Event, KeptStream, KeptStreams, NotKept, Whose, whose
from tools.gateway.protocol.notices import LIST_CHANGED, UPDATED, Listener, Notices
from tools.gateway.protocol.outlet import LEVELS, Outlet
from tools.gateway.protocol.sessions import RESOURCES, Notes, Session, Sessions
from tools.gateway.protocol.shared import LISTS
from tools.gateway.protocol.task_methods import TaskMethods

CHECK_S = 30.0
"""How often a stream that stays open asks whether its caller may still listen."""
RESUMABLE = SESSION_REVISIONS[: SESSION_REVISIONS.index("2025-03-26") + 1]
PRIMED = "2025-11-25"
_LOST = RpcError(INTERNAL_ERROR, "The answer to this call is lost: send it again.")
_encode = msgspec.json.Encoder().encode
_NOBODY = Session("", SESSION_REVISIONS[0], {}, Notes())


@dataclass(frozen=True, slots=True)
class SessionEra:
    methods: Methods
    sessions: Sessions
    asking: Asking
    in_flight: InFlight
    notices: Notices
    streams: KeptStreams
    tasks: TaskMethods

    async def answer(
        self, request: Asked, message: Message, where: Where, outlet: Outlet
    ) -> tuple[bytes, Headers]:
        """The result and headers. Raises Refused, SessionGone, Cancelled and SwitchboardError."""
        if message.method == "initialize":
            return self._begin(await self.methods.caller(request), message, where)
        session = self._held(request, where) or await self._session(request, message, where)
        if outlet.streams and message.id is not None and session.revision in RESUMABLE:
            outlet.primed = session.revision == PRIMED
            outlet.keeper = lambda: self._kept(request, message, where, session)
        with self.in_flight.running(session.id, "" if message.id is None else message.id):
            if message.method == "tools/call":
                manner = self._manner(message, outlet, session)
                return await self.methods.call(request, message, where, manner), ()
            return await self._in_session(request, message, where, outlet, session), ()

    async def note(self, request: Asked, message: Message, where: Where) -> None:
        """A notification or a response. Raises Unauthenticated; what is out of place is ignored."""
        caller = await self.methods.caller(request)
        id = request.get(SESSION_HEADER)
        if not id:
            return
        session = await self.sessions.find(id, caller.principal, where.server)
        if not message.method:
            await self.asking.answered(session.id, message)
        elif message.method == "notifications/cancelled":
            await self.in_flight.cancel(session.id, message.params.get("requestId"))

    async def end(self, request: Asked, where: Where) -> None:
        """Raises SessionGone, Unauthenticated, Unavailable where Redis is away."""
        caller = await self.methods.caller(request)
        try:
            await self.sessions.end(request.get(SESSION_HEADER), caller.principal, where.server)
        except RedisError as error:
            raise Unavailable("The session cannot be ended at the moment.", retry_after=2) from error

    async def listen(self, request: Asked, where: Where, outlet: Outlet) -> None:
        """The stream of a GET: what changes, until the client goes, the session ends or nobody is
        signed in any more; or what was missed of another stream. Raises SessionGone, Unauthenticated,
        Refused where that is not kept, before it begins."""
        caller = await self.methods.caller(request)
        session = await self._found(request, caller, where)
        last = request.get(LAST_EVENT_HEADER)
        if last and not last.startswith(NOTICE):
            return await self._take_up(request, where, outlet, session, last)

        async def tell(method: str, params: Mapping[str, Any]) -> None:
            await outlet.tell(method, params)

        listener = Listener(caller, where.server, tell, frozenset(LIST_CHANGED))
        kept = None
        if session.revision in RESUMABLE:
            theirs = whose(caller, session.id, where.server, "listener")
            kept = NoticeStream(self.streams, theirs, listener.end)
            outlet.primed = session.revision == PRIMED
            outlet.keeper = lambda: kept
        changed = asyncio.Event()

        def note(id: str) -> None:
            if id == session.id:
                changed.set()

        self.notices.enter(listener)
        self.sessions.changed.append(note)
        telling: asyncio.Task[None] | None = None

        def stopped() -> None:
            if telling is not None:
                telling.cancel()
            self.sessions.changed.remove(note)
            self.notices.remove(listener)

        stop: Callable[[], None] | None = stopped
        try:
            await outlet.begin([(SESSION_HEADER.encode(), session.id.encode())])
            hears = await self.notices.add(listener)
            hears &= await self.notices.follow(listener, session.notes.resources)
            if last:
                theirs = whose(caller, session.id, where.server, "listener")
                await self._catch_up(listener, session, theirs, last, hears)
            telling = asyncio.create_task(_tell(listener))
            telling.add_done_callback(lambda _: changed.set())
            await self._until_over(request, listener, changed, telling, kept)
        except asyncio.CancelledError:
            if telling is not None and kept is not None and kept.stays():
                self.notices.leave(listener)
                until_over = partial(self._until_over, request, listener, changed, telling, kept)
                self.notices.working(self._go_on(until_over, stopped, kept))
                stop = None
            raise
        finally:
            if stop is not None:
                stop()

    async def _go_on(
        self, until_over: Callable[[], Awaitable[None]], stop: Callable[[], None], kept: NoticeStream
    ) -> None:
        """For a client that may come back."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.streams.kept_s):
                    await until_over()
        finally:
            stop()
            await kept.end()

    async def _until_over(
        self,
        request: Asked,
        listener: Listener,
        changed: asyncio.Event,
        telling: "asyncio.Task[None]",
        kept: NoticeStream | None,
    ) -> None:
        """Returns where it may go on no longer; the client then begins anew, and is told why."""
        while not telling.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), CHECK_S)
            changed.clear()
            try:
                listener.caller = await self.methods.caller(request)
                session = await self._found(request, listener.caller, Where(listener.server))
            except Exception:
                return
            await self.notices.follow(listener, session.notes.resources)
            if kept is not None:
                await kept.go_on()

    async def _catch_up(
        self, listener: Listener, session: Session, theirs: Whose, last: str, hears: bool
    ) -> None:
        """What was missed since the event `last`, if that was kept. hears: the new stream does already, so
        nothing can be missed in between. Nothing is told that the caller would not hear now."""
        try:
            missed = await self.streams.find(last.removeprefix(NOTICE), theirs)
            came = await self.streams.take_over(missed)
        except (NotKept, Unavailable):
            return self._may_have_changed(listener, session)
        if not hears:
            return self._may_have_changed(listener, session)
        lists = self._lists(listener)
        followed = tuple(uri for _, uris in listener.following for uri in uris)
        # that something changed is said once
        for message in dict.fromkeys(event.message for event in came if event.message):
            told = msgspec.json.decode(message, type=dict[str, Any])
            method, params = str(told["method"]), mapping(told.get("params"))
            # what is told of a resource may be about a part of it
            if method in lists or str(params.get("uri", "")).startswith(followed):
                await listener.tell(method, dict(params))
        return None

    def _may_have_changed(self, listener: Listener, session: Session) -> None:
        """To a client that comes back, where what changed meanwhile is not kept: each notice says no
        more than that something did, so all of them are told."""
        for method in self._lists(listener):
            listener.hear(method, {})
        for uri in session.notes.resources:
            listener.hear(UPDATED, {"uri": uri})

    def _lists(self, listener: Listener) -> list[str]:
        """Notices of the lists that there are for this caller."""
        kinds = {"tools"} | self.methods.shared.kinds(listener.caller, listener.server)
        return [method for kind, method in LIST_CHANGED.items() if kind.removesuffix("ListChanged") in kinds]

    def _kept(self, request: Asked, message: Message, where: Where, session: Session) -> KeptStream | None:
        caller = self.methods.callers.known(request.get("authorization"))
        if caller is None or message.id is None or not session.id:
            return None
        return self.streams.begin(whose(caller, session.id, where.server), message.id)

    async def _take_up(
        self, request: Asked, where: Where, outlet: Outlet, session: Session, last: str
    ) -> None:
        """What a client missed of the stream of a call, at whatever replica that was or is."""
        theirs = whose(await self.methods.caller(request), session.id, where.server)

        async def check() -> None:
            caller = await self.methods.caller(request)
            await self._found(request, caller, where)
            if whose(caller, session.id, where.server) != theirs:
                raise NotKept

        async def tell(event: Event) -> None:
            body = event.message if event.id else error_body(event.request, _LOST)
            await outlet.pass_on(body, event.id)

        try:
            with self.streams.place(theirs.actor):
                missed = await self.streams.find(last, theirs)
                await outlet.begin([(SESSION_HEADER.encode(), session.id.encode())])
                await self.streams.follow(missed, check, tell)
        except NotKept as error:
            told = "This stream cannot be taken up: send the request again."
            raise Refused(INVALID_REQUEST, told, status=400) from error
        except Unavailable as error:
            raise HttpRefused(503, error.detail, [(b"retry-after", b"2")]) from error

    def _begin(self, caller: Caller, message: Message, where: Where) -> tuple[bytes, Headers]:
        wanted = message.params.get("protocolVersion")
        revision = wanted if wanted in SESSION_REVISIONS else SESSION_REVISIONS[0]
        capabilities = mapping(message.params.get("capabilities"))
        session = self.sessions.begin(caller.principal, revision, capabilities, where.server)
        kinds = self.methods.shared.kinds(caller, where.server)
        tasks = revision == TASKS_SINCE and self.tasks.offered(caller, where, TASK_CALLS)
        told = answers.initialised(revision, kinds, tasks=tasks)
        return told, [(SESSION_HEADER.encode(), session.encode())]

    def _held(self, request: Asked, where: Where) -> Session | None:
        """The session without a wait, where it and its caller were looked at just now."""
        caller = self.methods.callers.known(request.get("authorization"))
        if caller is None:
            return None
        held = self.sessions.held(request.get(SESSION_HEADER), caller.principal, where.server)
        return None if held is None or held.notes.ended else held

    async def _session(self, request: Asked, message: Message, where: Where) -> Session:
        try:
            return await self._found(request, await self.methods.caller(request), where)
        except Unauthenticated:
            if message.method != "tools/call":
                raise
            # into the chain all the same: it refuses, and records that it did
            return _NOBODY

    async def _found(self, request: Asked, caller: Caller, where: Where) -> Session:
        session = request.get(SESSION_HEADER)
        if not session:
            raise Refused(
                INVALID_REQUEST,
                "There is no session: send `initialize` first, or use revision 2026-07-28.",
                status=400,
            )
        return await self.sessions.find(session, caller.principal, where.server)

    async def _in_session(
        self, request: Asked, message: Message, where: Where, outlet: Outlet, session: Session
    ) -> bytes:
        method = message.method
        if method in SHARED:
            manner = self._manner(message, outlet, session)
            return await self.methods.ask_shared(request, message, where, manner)
        if method in SESSION_TASKS and session.revision == TASKS_SINCE:
            manner = self._manner(message, outlet, session)
            return await self.tasks.ask_in_session(request, message, where, manner)
        caller = await self.methods.caller(request)
        if method == "tools/list":
            return self.methods.list_tools(caller, message, where, stateless=False)
        if method in LISTS:
            return await self.methods.list_shared(caller, message, where, stateless=False)
        if method == "ping":
            return answers.EMPTY
        return await self._noted(caller, message, where, session)

    async def _noted(self, caller: Caller, message: Message, where: Where, session: Session) -> bytes:
        """What a session remembers. Raises Unavailable where Redis is away."""
        try:
            match message.method:
                case "logging/setLevel":
                    await self.sessions.set_level(session.id, caller.principal, _level(message), where.server)
                case "resources/subscribe":
                    await self._subscribe(caller, message, where, session)
                case "resources/unsubscribe":
                    uri = _uri(message)
                    await self.sessions.unsubscribe(session.id, caller.principal, uri, where.server)
                case _:
                    raise Refused(METHOD_NOT_FOUND, "Method not found", status=200)
        except RedisError as error:
            raise Unavailable("This cannot be remembered at the moment.", retry_after=2) from error
        return answers.EMPTY

    async def _subscribe(self, caller: Caller, message: Message, where: Where, session: Session) -> None:
        uri = _uri(message)
        if not await self.methods.shared.servers_of_resource(caller, where.server, uri):
            raise Refused(INVALID_PARAMS, "There is no such resource for you.", {"uri": uri}, status=200)
        if len(session.notes.resources) >= RESOURCES:
            raise Refused(INVALID_PARAMS, f"A session follows {RESOURCES} resources at most.", status=200)
        await self.sessions.subscribe(session.id, caller.principal, uri, where.server)

    def _manner(self, message: Message, outlet: Outlet, session: Session) -> Manner:
        outlet.log_level = session.notes.level

        async def ask(wanted: Mapping[str, Any]) -> dict[str, Any]:
            return await self.asking.ask(outlet, session.id, wanted)

        meta = mapping(message.params.get("_meta"))
        return Manner(session.revision, meta, session.capabilities, outlet, ask, session.id)


async def _tell(listener: Listener) -> None:
    while True:
        method, params = await listener.said.get()
        if not method:
            return
        await listener.tell(method, params)


def _level(message: Message) -> str:
    level = message.params.get("level")
    if level not in LEVELS:
        raise Refused(INVALID_PARAMS, f"'level' must be one of {', '.join(LEVELS)}.", status=200)
    return str(level)


def _uri(message: Message) -> str:
    uri = message.params.get("uri")
    if not isinstance(uri, str) or not uri or len(uri) > 2000:
        raise Refused(INVALID_PARAMS, "'uri' must be a string of at most 2,000 characters.", status=200)
    return uri
