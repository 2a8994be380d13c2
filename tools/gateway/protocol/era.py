"""What both eras share: the methods themselves, without the manners of either."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import msgspec

from kit.errors import SwitchboardError
from kit.wire.mcp import (
    CAPABILITIES_META,
    INVALID_PARAMS,
    LOG_LEVEL_META,
    METHOD_NOT_FOUND,
    PROGRESS_META,
    RESOURCE_NOT_FOUND,
    STATELESS,
    RpcError,
)
from tools.gateway.call import Call, Handler, Reply, UnknownTool
from tools.gateway.callers import Caller, Callers
from tools.gateway.catalogue import Catalogue, OfferedTool
from tools.gateway.pins import Pins
from tools.gateway.protocol import answers
from tools.gateway.protocol.asking import Questions
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.http import Asked
from tools.gateway.protocol.naming import Names, PlainNames
from tools.gateway.protocol.outlet import LEVELS, Outlet
from tools.gateway.protocol.shared import LIST_KIND, LISTS, SharedThings, own_result
from tools.gateway.protocol.tasks import Tasks, wanted
from tools.gateway.registry import RegistryHolder
from tools.gateway.wrappers.authorise import usable
from tools.gateway.wrappers.forward import ServerRefused

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_RESUMPTION = ("inputResponses", "requestState")
_ROUNDS = 10
_AGAIN_S = 0.1
_TRIED = 5
TASKS_SINCE = "2025-11-25"
SHARED = frozenset({"resources/read", "prompts/get", "completion/complete"})
"""What is asked of one server that shares it, through the chain."""


class Refused(Exception):
    """A message that is understood and not served. `status` None: what the era has for the code."""

    def __init__(self, code: int, message: str, data: Any = None, status: int | None = None) -> None:
        super().__init__(message)
        self.error = RpcError(code, message, data)
        self.status = status


class NeedsNewerClient(SwitchboardError):
    status = 501
    code = "needs_input"
    title = "This tool asks the person something, which this client cannot carry"
    default_hint = "Use a client of MCP 2026-07-28, or one that takes event streams, or ask in a channel."


@dataclass(frozen=True, slots=True)
class Where:
    """Which endpoint the client came through. server: of /servers/{server}/mcp."""

    server: str | None
    names: Names = "own"


Ask = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Puts `inputRequests` to the client and returns its answers by key."""


@dataclass(slots=True)
class Manner:
    """How a request came: what a call must know of its era. ask: None where the era has no such way."""

    revision: str
    meta: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    outlet: Outlet
    ask: Ask | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class Methods:
    """tools/call through the chain; tools/list by the same decision; what servers share beside tools."""

    chain: Handler
    callers: Callers
    holder: RegistryHolder
    pins: Pins
    shared: SharedThings
    questions: Questions = field(default_factory=Questions)
    plain: PlainNames = field(default_factory=PlainNames)
    tasks: Tasks | None = None

    async def caller(self, request: Asked) -> Caller:
        return await self.callers.of(request.get("authorization"))

    async def call(self, request: Asked, message: Message, where: Where, manner: Manner) -> bytes:
        """Raises Unauthenticated, CannotTellWho and UnknownTool; other errors are the tool's result."""
        call = _call(request, message, where, manner)
        if where.names == "plain":
            seen = await self._seen_by(request)
            call.name = self.plain.of(seen, where.server).get(call.name, call.name)
        try:
            reply = await self.chain(call)
            if reply.task and self.tasks is not None:
                return await _begun(self.tasks, call, reply)
            if not reply.needs_input or manner.revision == STATELESS:
                return reply.result
            return await self.asked_on(call, reply, manner, request)
        except ServerRefused as error:
            raise refused_by(message, error, manner.revision) from error
        except SwitchboardError as error:
            if answers.rpc_error(error) is not None:
                raise
            manner.outlet.wait_s = error.retry_after
            return answers.tool_error(error)

    def list_tools(self, caller: Caller, message: Message, where: Where, *, stateless: bool) -> bytes:
        one_page(message)
        catalogue = self.catalogue(caller)
        offered = list(usable(caller.principal, catalogue, where.server, self.pins.quarantined))
        return answers.listed(self._shown(offered, catalogue, where), stateless=stateless)

    def catalogue(self, caller: Caller) -> Catalogue:
        """What exists for the caller's organisation."""
        return self.holder.current.seen_by(caller.principal.organisation_id)

    async def list_shared(self, caller: Caller, message: Message, where: Where, *, stateless: bool) -> bytes:
        if LIST_KIND[message.method] not in self.shared.kinds(caller, where.server):
            raise Refused(METHOD_NOT_FOUND, "Method not found", status=None if stateless else 200)
        one_page(message)
        items, ttl = await self.shared.listing(caller, where.server, message.method)
        return answers.shared(LISTS[message.method], items, ttl, stateless=stateless)

    async def ask_shared(self, request: Asked, message: Message, where: Where, manner: Manner) -> bytes:
        """Raises Refused with what the server said, and kit.errors.SwitchboardError."""
        caller = await self.caller(request)
        last: SwitchboardError = UnknownTool()
        for server, params in (await self._targets(caller, message, where))[:_TRIED]:
            call = _shared_call(request, message, server, params, manner)
            try:
                reply = await self.chain(call)
                if not reply.needs_input or manner.revision == STATELESS:
                    return own_result(reply.result)
                return own_result(await self.asked_on(call, reply, manner, request))
            except ServerRefused as error:
                last = error
                if error.error.code not in (INVALID_PARAMS, RESOURCE_NOT_FOUND):
                    break
            except UnknownTool as error:
                last = error
        raise refused_by(message, last, manner.revision)

    async def tool_of(self, request: Asked, name: Any, where: Where) -> OfferedTool | None:
        """For the caller's organisation; whether it is the caller's is decided in the chain."""
        if not isinstance(name, str):
            return None
        return (await self._seen_by(request)).find(name, where.server)

    async def _seen_by(self, request: Asked) -> Catalogue:
        try:
            return self.catalogue(await self.caller(request))
        except SwitchboardError:
            # the chain will refuse it, and keep a record of that
            return self.holder.current

    async def asked_on(self, call: Call, reply: Reply, manner: Manner, request: Asked) -> bytes:
        """A client of the session era is asked what `reply` wants, until there is a result.

        Each leg is a call of its own: it is authorised, limited and recorded like any other.
        """
        for _ in range(_ROUNDS - 1):
            if manner.ask is None or not manner.outlet.streams:
                break
            with self.questions.of(call.known_caller().actor):
                resumption = await _resumption(reply, manner.ask)
            call = replace(call, resumption=resumption, authorization=request.get("authorization"))
            reply = await self.chain(call)
            if not reply.needs_input:
                return reply.result
        raise NeedsNewerClient()

    async def _targets(
        self, caller: Caller, message: Message, where: Where
    ) -> list[tuple[str, dict[str, Any]]]:
        params = {key: value for key, value in message.params.items() if key not in ("_meta", *_RESUMPTION)}
        if message.method == "prompts/get":
            name = _text(params, "name")
            found = await self.shared.server_of_prompt(caller, where.server, name)
            return [(found[0], params | {"name": found[1]})] if found else []
        if message.method == "resources/read":
            names = await self.shared.servers_of_resource(caller, where.server, _text(params, "uri"))
            return [(name, params) for name in names]
        return await self._completed(caller, params, where)

    async def _completed(
        self, caller: Caller, params: dict[str, Any], where: Where
    ) -> list[tuple[str, dict[str, Any]]]:
        ref = mapping(params.get("ref"))
        if ref.get("type") == "ref/prompt":
            found = await self.shared.server_of_prompt(caller, where.server, _text(ref, "name"))
            return [(found[0], params | {"ref": {**ref, "name": found[1]}})] if found else []
        server = await self.shared.server_of_template(caller, where.server, _text(ref, "uri"))
        return [(server, params)] if server else []

    def _shown(self, offered: list[OfferedTool], catalogue: Catalogue, where: Where) -> list[bytes]:
        """As the endpoint names them; made anew only where the name differs."""
        if where.names == "plain":
            plain = self.plain.of(catalogue, where.server)
            shown = {name: short for short, name in plain.items()}
            return [tool.listed_as(shown[tool.own_name if where.server else tool.name]) for tool in offered]
        if where.server is not None:
            return [
                tool.listed if tool.name == tool.own_name else tool.listed_as(tool.own_name)
                for tool in offered
            ]
        return [tool.listed for tool in offered]


def mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def refused_by(message: Message, error: SwitchboardError, revision: str) -> Exception:
    """In the words of the era: what is not there and what is not the caller's look alike."""
    if isinstance(error, ServerRefused):
        code, said, data = error.error.code, error.error.message[:500], error.error.data
    elif isinstance(error, UnknownTool):
        code, said, data = INVALID_PARAMS, "There is no such thing for you.", None
    else:
        return error
    if message.method == "resources/read" and code in (INVALID_PARAMS, RESOURCE_NOT_FOUND):
        code = INVALID_PARAMS if revision == STATELESS else RESOURCE_NOT_FOUND
        data = data or {"uri": message.params.get("uri")}
    return Refused(code, said, data, status=None if revision == STATELESS else 200)


def one_page(message: Message) -> None:
    if message.params.get("cursor") is not None:
        raise Refused(INVALID_PARAMS, "There is one page only: send no cursor.")


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise Refused(INVALID_PARAMS, f"'{name}' must be a string.")
    return value


def _call(request: Asked, message: Message, where: Where, manner: Manner) -> Call:
    params = message.params
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, dict | None):
        raise Refused(INVALID_PARAMS, "'name' must be a string and 'arguments' an object.")
    call = made(request, message, name, where.server, manner)
    call.arguments = cast(dict[str, Any], arguments or {})
    if "task" in params and call.revision == TASKS_SINCE:
        call.task = wanted(params)
    return call


def _shared_call(
    request: Asked, message: Message, server: str, params: dict[str, Any], manner: Manner
) -> Call:
    call = made(request, message, message.method, server, manner)
    call.method, call.arguments = message.method, params
    return call


def made(request: Asked, message: Message, name: str, server: str | None, manner: Manner) -> Call:
    stateless = manner.revision == STATELESS
    progress = manner.meta.get(PROGRESS_META)
    hears = manner.outlet.streams
    return Call(
        name=name,
        arguments={},
        authorization=request.get("authorization"),
        server=server,
        trace=_trace(request, manner.meta),
        capabilities=manner.capabilities,
        # in the session era these are not the client's to send
        resumption={key: message.params[key] for key in _RESUMPTION if key in message.params}
        if stateless
        else {},
        progress=progress if hears and isinstance(progress, int | str) else None,
        log_level=manner.outlet.log_level if hears else None,
        revision=manner.revision,
        in_session=not stateless,
        session=manner.session,
        tell=manner.outlet.tell if hears else None,
    )


async def _begun(tasks: Tasks, call: Call, reply: Reply) -> bytes:
    caller, tool = call.known_caller(), call.known_tool()
    if call.task is not None:
        await tasks.begun(caller, tool, reply)
    return tasks.shown(caller, tool, reply)


async def _resumption(reply: Reply, ask: Ask) -> dict[str, Any]:
    result = cast(dict[str, Any], msgspec.json.decode(reply.result))
    resumption: dict[str, Any] = {}
    if wanted := mapping(result.get("inputRequests")):
        resumption["inputResponses"] = await ask(wanted)
    else:
        # the server only wants to be asked again
        await asyncio.sleep(_AGAIN_S)
    if "requestState" in result:
        resumption["requestState"] = result["requestState"]
    return resumption


def _trace(request: Asked, meta: Mapping[str, Any]) -> dict[str, str]:
    """`_meta` before HTTP headers: a proxy in between may have written the latter.

    Only what W3C Trace Context allows: it goes into records and logs, where a caller writes nothing else.
    """
    parent = meta.get("traceparent") or request.get("traceparent")
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return {}
    state = meta.get("tracestate") or request.get("tracestate")
    if not isinstance(state, str) or not _STATE.fullmatch(state):
        return {"traceparent": parent}
    return {"traceparent": parent, "tracestate": state}


def stateless_manner(meta: Mapping[str, Any], outlet: Outlet) -> Manner:
    """2026-07-28: a server logs for this request only where the request says so."""
    level = meta.get(LOG_LEVEL_META)
    outlet.log_level = level if level in LEVELS else None
    outlet.logs = outlet.log_level is not None
    return Manner(STATELESS, meta, mapping(meta.get(CAPABILITIES_META)), outlet)
