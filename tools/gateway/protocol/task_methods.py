"""What is asked of tasks, in either era: each is a call of the task's tool, so it is authorised, limited and
recorded like the one that began it; whoever may no longer use the tool gets no word of its tasks."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from kit.errors import Unavailable, UpstreamFailed
from kit.wire.mcp import METHOD_NOT_FOUND, STATELESS, TASK_CALLS, TASKS_EXTENSION
from ports.redis import RedisError
from tools.gateway.call import Call, Reply, UnknownTool
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import (
    Manner,
    Methods,
    Refused,
    Where,
    made,
    mapping,
    one_page,
    refused_by,
)
from tools.gateway.protocol.http import Asked
from tools.gateway.protocol.tasks import TaskRefused, Tasks, declared, undeclared
from tools.gateway.wrappers.authorise import quarantined, usable
from tools.gateway.wrappers.forward import ServerRefused

_PAGES = 5


@dataclass(frozen=True, slots=True)
class _Question:
    """One request about tasks, and who sent it."""

    caller: Caller
    request: Asked
    message: Message
    where: Where
    manner: Manner

    def call(self, tool: OfferedTool, params: dict[str, Any]) -> Call:
        call = made(self.request, self.message, tool.own_name, tool.server, self.manner)
        call.method, call.arguments, call.resumption = self.message.method, params, {}
        return call


@dataclass(frozen=True, slots=True)
class TaskMethods:
    methods: Methods
    tasks: Tasks

    def offered(self, caller: Caller, where: Where, kind: str = TASKS_EXTENSION) -> bool:
        """Whether the caller has tools at a server that has tasks of this kind."""
        seen, held_back = self.methods.catalogue(caller), self.methods.pins.quarantined
        return self.tasks.offered(caller, seen, where.server, held_back, kind)

    async def ask(self, request: Asked, message: Message, where: Where, manner: Manner) -> bytes:
        """Of the extension of 2026-07-28. Raises Refused, also with what the server said, and
        kit.errors.SwitchboardError."""
        caller = await self.methods.caller(request)
        if not self.offered(caller, where):
            raise Refused(METHOD_NOT_FOUND, "Method not found")
        if not declared(manner.capabilities):
            missing = undeclared()
            raise Refused(missing.code, missing.message, missing.data)
        return await self._of_one(_Question(caller, request, message, where, manner))

    async def ask_in_session(self, request: Asked, message: Message, where: Where, manner: Manner) -> bytes:
        """Of 2025-11-25. Raises as `ask`."""
        caller = await self.methods.caller(request)
        if not self.offered(caller, where, TASK_CALLS):
            raise Refused(METHOD_NOT_FOUND, "Method not found", status=200)
        question = _Question(caller, request, message, where, manner)
        return await (self._list(question) if message.method == "tasks/list" else self._of_one(question))

    def followed(self, caller: Caller, where: Where, ids: list[str]) -> dict[str, tuple[OfferedTool, str]]:
        """Those of these ids that are tasks of the caller's, of a tool that still is: the tool, and the
        server's own id."""
        seen, held_back = self.methods.catalogue(caller), self.methods.pins.quarantined
        mine = {tool.id for tool in usable(caller.principal, seen, where.server, held_back)}
        found: dict[str, tuple[OfferedTool, str]] = {}
        for id in ids:
            try:
                tool, own = self.tasks.asked(caller, seen, where.server, {"taskId": id})
            except TaskRefused:
                continue
            if tool.id in mine and not quarantined(tool, held_back):
                found[id] = (tool, own)
        return found

    async def _of_one(self, asked: _Question) -> bytes:
        caller, message, manner = asked.caller, asked.message, asked.manner
        try:
            seen = self.methods.catalogue(caller)
            tool, own = self.tasks.asked(caller, seen, asked.where.server, message.params)
        except TaskRefused as refused:
            status = None if manner.revision == STATELESS else 200
            raise Refused(refused.code, refused.message, refused.data, status) from refused
        params = {key: value for key, value in message.params.items() if key != "_meta"} | {"taskId": own}
        call = asked.call(tool, params)
        if call.tell is not None:
            call.tell = self.tasks.telling(caller, tool, call.tell)
        try:
            reply = await self.methods.chain(call)
            if reply.needs_input and manner.revision != STATELESS:
                asking = self._asking(caller, tool, manner)
                reply = Reply(await self.methods.asked_on(call, reply, asking, asked.request))
            return self.tasks.shown(caller, tool, reply)
        except (ServerRefused, UnknownTool) as error:
            raise refused_by(message, error, manner.revision) from error

    async def _list(self, asked: _Question) -> bytes:
        """Of what the servers list, what this person has begun here: whose tasks a server tells apart, and
        by what, is nothing that we rely on. A server that does not answer leaves its own out."""
        one_page(asked.message)
        caller, pins = asked.caller, self.methods.pins
        seen = self.methods.catalogue(caller)
        try:
            mine = usable(caller.principal, seen, asked.where.server, pins.quarantined)
            known = await self.tasks.known(caller, mine)
        except RedisError as error:
            raise Unavailable("Your tasks cannot be listed at the moment.", retry_after=2) from error
        listed: list[dict[str, Any]] = []
        for theirs in known.values():
            try:
                listed += [
                    {**task, "taskId": self.tasks.sealed(caller, theirs[task["taskId"]], task["taskId"])}
                    async for task in self._at(next(iter(theirs.values())), asked)
                    if task.get("taskId") in theirs
                ]
            except (ServerRefused, UnknownTool, UpstreamFailed, Unavailable):
                continue
        return msgspec.json.encode({"tasks": listed})

    async def _at(self, tool: OfferedTool, asked: _Question) -> AsyncGenerator[Mapping[str, Any]]:
        """All that this tool's server lists to the caller, page by page."""
        params: dict[str, Any] = {}
        for _ in range(_PAGES):
            reply = await self.methods.chain(asked.call(tool, params))
            page = mapping(msgspec.json.decode(reply.result))
            for task in cast(list[Any], page.get("tasks") or ()):
                yield mapping(task)
            if not isinstance(cursor := page.get("nextCursor"), str):
                return
            params = {"cursor": cursor}

    def _asking(self, caller: Caller, tool: OfferedTool, manner: Manner) -> Manner:
        """What a task asks its person names the task by the id that the person knows."""
        ask = manner.ask
        if ask is None:
            return manner

        async def asking(wanted: Mapping[str, Any]) -> dict[str, Any]:
            return await ask(self.tasks.asking(caller, tool, wanted))

        return replace(manner, ask=asking)
