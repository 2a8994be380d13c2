"""What both eras share: the methods themselves, without the manners of either."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from kit.errors import SwitchboardError
from kit.wire.mcp import CAPABILITIES_META, INVALID_PARAMS, STATELESS, RpcError
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.callers import Caller, Callers
from tools.gateway.pins import Pins
from tools.gateway.protocol import answers
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.http import Asked
from tools.gateway.registry import RegistryHolder
from tools.gateway.wrappers.authorise import usable

_TRACE = ("traceparent", "tracestate")
_TRACE_LIMIT = 512
_RESUMPTION = ("inputResponses", "requestState")


class Refused(Exception):
    """A message that is understood and not served. `status` None: what the era has for the code."""

    def __init__(self, code: int, message: str, data: Any = None, status: int | None = None) -> None:
        super().__init__(message)
        self.error = RpcError(code, message, data)
        self.status = status


class NeedsNewerClient(SwitchboardError):
    status = 501
    code = "needs_input"
    title = "This tool asks the person something, which this client's revision of MCP cannot carry here"
    default_hint = "Use a client that speaks MCP 2026-07-28, or ask the assistant in a channel."


@dataclass(frozen=True, slots=True)
class Methods:
    """tools/call through the chain; tools/list by the same decision."""

    chain: Handler
    callers: Callers
    holder: RegistryHolder
    pins: Pins

    async def caller(self, request: Asked) -> Caller:
        return await self.callers.of(request.get("authorization"))

    async def call(
        self,
        request: Asked,
        message: Message,
        server: str | None,
        *,
        revision: str,
        meta: Mapping[str, Any],
    ) -> bytes:
        """Raises Unauthenticated, CannotTellWho and UnknownTool; other errors are the tool's result."""
        call = _call(request, message, server, revision, meta)
        try:
            return _told(await self.chain(call), revision)
        except SwitchboardError as error:
            if answers.rpc_error(error) is not None:
                raise
            return answers.tool_error(error)

    def list(self, caller: Caller, message: Message, server: str | None, *, stateless: bool) -> bytes:
        if message.params.get("cursor") is not None:
            raise Refused(INVALID_PARAMS, "There is one page only: send no cursor.")
        offered = usable(caller.principal, self.holder.current, server)
        held_back = self.pins.quarantined
        return answers.listed((tool for tool in offered if tool.name not in held_back), stateless=stateless)


def mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _call(
    request: Asked, message: Message, server: str | None, revision: str, meta: Mapping[str, Any]
) -> Call:
    params = message.params
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, dict | None):
        raise Refused(INVALID_PARAMS, "'name' must be a string and 'arguments' an object.")
    return Call(
        name=name,
        arguments=cast(dict[str, Any], arguments or {}),
        authorization=request.get("authorization"),
        server=server,
        revision=revision,
        trace=_trace(request, meta),
        capabilities=mapping(meta.get(CAPABILITIES_META)) if revision == STATELESS else {},
        resumption={key: params[key] for key in _RESUMPTION if key in params},
    )


def _trace(request: Asked, meta: Mapping[str, Any]) -> dict[str, str]:
    """`_meta` before HTTP headers: a proxy in between may have written the latter."""
    found: dict[str, str] = {}
    for key in _TRACE:
        value = meta.get(key) or request.get(key)
        if value and isinstance(value, str) and len(value) <= _TRACE_LIMIT:
            found[key] = value
    return found


def _told(reply: Reply, revision: str) -> bytes:
    if reply.needs_input and revision != STATELESS:
        # the older era asks over a stream that stays open; the platform asks for its own users
        return answers.tool_error(NeedsNewerClient())
    return reply.result
