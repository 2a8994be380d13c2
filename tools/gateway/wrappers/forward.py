"""call: the innermost step, with a token of our own for the server (SPEC 6)."""

from typing import Any

import msgspec
from msgspec import UNSET
from opentelemetry.trace import get_current_span

from access.tokens import Minter
from kit import telemetry
from kit.errors import UpstreamFailed
from kit.wire.mcp import Answer, kind_of
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.upstreams.connections import Connections
from tools.gateway.upstreams.talk import ask


class ToolRefused(UpstreamFailed):
    """The server answered with a protocol error; its words stay in the log."""

    code = "tool_refused"
    title = "The tool's server refused the call"


def forward(connections: Connections, minter: Minter) -> Handler:
    """Raises Unavailable, UpstreamFailed."""

    async def call(call: Call) -> Reply:
        tool, caller = call.known_tool(), call.known_caller()
        upstream = await connections.to(tool.address)
        params: dict[str, Any] = {"name": tool.name, "arguments": call.arguments, **call.resumption}
        answer = await ask(
            upstream,
            "tools/call",
            params,
            minter.mint(caller.principal, tool.audience, keys=caller.keys),
            name=tool.name,
            capabilities=call.capabilities,
            trace=_trace() or call.trace,
        )
        return _reply(answer)

    return call


def _trace() -> dict[str, str]:
    # asked first, since injecting nothing costs as much as injecting something
    return telemetry.inject() if get_current_span().get_span_context().is_valid else {}


def _reply(answer: Answer) -> Reply:
    if answer.error is not UNSET:
        raise ToolRefused(f"The tool's server refused the call ({answer.error.code}).")
    if answer.result is UNSET:
        raise UpstreamFailed("This tool's server gave no usable answer.")
    try:
        kind = kind_of(answer.result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamFailed("This tool's server gave no usable answer.") from error
    return Reply(bytes(answer.result), kind.is_error, kind.result_type == "input_required")
