"""The stateless era, 2026-07-28: every request stands alone, and its headers equal its body."""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from kit.wire.mcp import (
    CAPABILITIES_META,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_HEADER,
    METHOD_NOT_FOUND,
    NAME_HEADER,
    NAMED,
    REVISION_HEADER,
    REVISION_META,
    REVISIONS,
    STATELESS,
    SUBSCRIPTION_META,
    TASKS,
    UNSUPPORTED_REVISION,
    decode_header,
)
from tools.gateway.protocol import answers
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import SHARED, Methods, Refused, Where, mapping, stateless_manner
from tools.gateway.protocol.http import Asked
from tools.gateway.protocol.in_session import CHECK_S
from tools.gateway.protocol.notices import LIST_CHANGED, Listener, Notices
from tools.gateway.protocol.outlet import Outlet
from tools.gateway.protocol.sessions import RESOURCES
from tools.gateway.protocol.shared import LISTS
from tools.gateway.protocol.task_methods import TaskMethods
from tools.gateway.protocol.tasks import declared
from tools.gateway.wrappers.forward import argument_at

_PARAM = "mcp-param-"
_INTEGER = re.compile(r"-?[0-9]{1,400}(\.0{1,20})?")


@dataclass(frozen=True, slots=True)
class StatelessEra:
    methods: Methods
    notices: Notices
    tasks: TaskMethods

    def answer(self, request: Asked, message: Message, where: Where, outlet: Outlet) -> Awaitable[bytes]:
        """The result. Raises Refused and kit.errors.SwitchboardError, at once or when awaited."""
        meta = _agreed(request, message)
        if message.method == "tools/call" and not self.methods.holder.current.mirrors:
            return self.methods.call(request, message, where, stateless_manner(meta, outlet))
        return self._answer(request, message, where, outlet, meta)

    async def _answer(
        self, request: Asked, message: Message, where: Where, outlet: Outlet, meta: Mapping[str, Any]
    ) -> bytes:
        method = message.method
        if method == "tools/call":
            await self._same_parameters(request, message, where)
            return await self.methods.call(request, message, where, stateless_manner(meta, outlet))
        if method in SHARED:
            return await self.methods.ask_shared(request, message, where, stateless_manner(meta, outlet))
        caller = await self.methods.caller(request)
        if method == "tools/list":
            return self.methods.list_tools(caller, message, where, stateless=True)
        if method in LISTS:
            return await self.methods.list_shared(caller, message, where, stateless=True)
        if method == "server/discover":
            kinds = self.methods.shared.kinds(caller, where.server)
            return answers.discovered(kinds, tasks=self.tasks.offered(caller, where))
        if method in TASKS:
            return await self.tasks.ask(request, message, where, stateless_manner(meta, outlet))
        if method == "subscriptions/listen":
            return await self._listen(request, message, where, outlet)
        raise Refused(METHOD_NOT_FOUND, "Method not found")

    async def _same_parameters(self, request: Asked, message: Message, where: Where) -> None:
        """What the schema wants mirrored in headers is held against the body like every other header."""
        tool = await self.methods.tool_of(request, message.params.get("name"), where)
        if tool is None or not tool.mirrored:
            return
        arguments = mapping(message.params.get("arguments"))
        for path, header in tool.mirrored:
            name, value = _PARAM + header.lower(), argument_at(arguments, path)
            if not _mirrors(decode_header(request.get(name)) if request.has(name) else None, value):
                raise Refused(HEADER_MISMATCH, f"The {name} header differs from the body's arguments.")

    async def _listen(self, request: Asked, message: Message, where: Where, outlet: Outlet) -> bytes:
        """Acknowledged first, and every message says which subscription it belongs to."""
        if not outlet.streams:
            raise Refused(INVALID_PARAMS, "Accept text/event-stream: the answer is a stream.", status=406)
        caller = await self.methods.caller(request)
        wanted = mapping(message.params.get("notifications"))
        uris = _named(wanted, "resourceSubscriptions", "URIs")
        ids = _named(wanted, "taskIds", "ids") if declared(mapping(_capabilities(message))) else []
        mine = self.tasks.followed(caller, where, ids)
        meta = {SUBSCRIPTION_META: message.id}
        kinds = frozenset(kind for kind in LIST_CHANGED if wanted.get(kind) is True)
        listener = Listener(caller, where.server, outlet.tell, kinds)
        self.notices.enter(listener)
        try:
            await self.notices.add(listener)
            await self.notices.follow(listener, uris)
            # a tool may be taken from its caller while they listen
            await self.notices.follow_tasks(
                listener, mine, lambda: self.tasks.followed(listener.caller, where, list(mine))
            )
            honoured: dict[str, Any] = dict.fromkeys(sorted(kinds), True)
            if uris:
                honoured["resourceSubscriptions"] = uris
            if mine:
                honoured["taskIds"] = list(mine)
            acknowledged = {"notifications": honoured, "_meta": meta}
            await outlet.tell("notifications/subscriptions/acknowledged", acknowledged)
            await self._tell(request, listener, meta, outlet)
        finally:
            self.notices.remove(listener)
        return answers.listened(meta)

    async def _tell(
        self, request: Asked, listener: Listener, meta: Mapping[str, Any], outlet: Outlet
    ) -> None:
        while True:
            try:
                method, params = await asyncio.wait_for(listener.said.get(), CHECK_S)
            except TimeoutError:
                try:
                    listener.caller = await self.methods.caller(request)
                except Exception:
                    # whose credential no longer holds has listened long enough
                    return
                continue
            if not method:
                return
            await outlet.tell(method, {**params, "_meta": meta})


def unsupported(revision: str) -> Refused:
    data = {"supported": list(REVISIONS), "requested": revision}
    return Refused(UNSUPPORTED_REVISION, "Unsupported protocol version", data)


def _agreed(request: Asked, message: Message) -> Mapping[str, Any]:
    """The `_meta`, after header and body have been held against each other."""
    if request.twice:
        raise Refused(HEADER_MISMATCH, f"{', '.join(sorted(request.twice))} came more than once.")
    meta = mapping(message.params.get("_meta"))
    if REVISION_META not in meta or CAPABILITIES_META not in meta:
        missing = [key for key in (REVISION_META, CAPABILITIES_META) if key not in meta]
        raise Refused(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    revision = request.get(REVISION_HEADER)
    if revision != meta[REVISION_META]:
        raise Refused(HEADER_MISMATCH, f"The {REVISION_HEADER} header differs from params._meta.")
    if request.get(METHOD_HEADER) != message.method:
        raise Refused(HEADER_MISMATCH, f"The {METHOD_HEADER} header differs from the body's method.")
    named = NAMED.get(message.method)
    if named is not None and not _same_name(request, message.params.get(named)):
        raise Refused(HEADER_MISMATCH, f"The {NAME_HEADER} header differs from the body's {named}.")
    if revision != STATELESS:
        raise unsupported(revision)
    return meta


def _same_name(request: Asked, name: Any) -> bool:
    return name is None or (request.has(NAME_HEADER) and decode_header(request.get(NAME_HEADER)) == name)


def _mirrors(header: str | None, value: Any) -> bool:
    if value is None or header is None:
        return header is None and value is None
    if isinstance(value, bool):
        return header == ("true" if value else "false")
    if isinstance(value, int):
        # not by float(): it reads "1_0", " 1" and "1e1", which a proxy in front may read otherwise
        return _INTEGER.fullmatch(header) is not None and int(header.partition(".")[0]) == value
    return header == value


def _named(wanted: Mapping[str, Any], field: str, of_what: str) -> list[str]:
    given = wanted.get(field)
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(name, str) for name in cast(list[Any], given)):
        raise Refused(INVALID_PARAMS, f"'{field}' must be a list of {of_what}.")
    names = cast(list[str], given)
    if len(names) > RESOURCES:
        raise Refused(INVALID_PARAMS, f"One subscription follows {RESOURCES} {of_what} at most.")
    return names


def _capabilities(message: Message) -> Any:
    return mapping(message.params.get("_meta")).get(CAPABILITIES_META)
