"""call: the innermost step, with a token of our own for the server (SPEC 6)."""

import time
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET

from access.tokens import Minter
from kit.errors import UpstreamFailed
from kit.wire.mcp import (
    INVALID_PARAMS,
    MISSING_CAPABILITY,
    TASK_CALLS,
    URL_NEEDED,
    Answer,
    RpcError,
    encode_header,
    kind_of,
)
from tools.gateway.call import Call, Handler, Reply, ServerRefused
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool
from tools.gateway.credentials import Connect, Credentials
from tools.gateway.platform import AccountNeeded
from tools.gateway.states import (
    StateExpired,
    StateRefused,
    States,
    foreign_question,
    foreign_result,
    marked,
)
from tools.gateway.upstreams.errors import CredentialRefused
from tools.gateway.upstreams.parking import InputExpired
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.talk import Ask

_FOR_THE_CLIENT = frozenset({INVALID_PARAMS, MISSING_CAPABILITY, URL_NEEDED})
"""What a client can act on: it sent something wrong, cannot do something, or must open a page first."""
_NOTHING: Mapping[str, str] = {}
# The minter may have made it 30 s ago; a token lives for 60.
_REUSED_S = 10.0
STATE_LIVES_S = 7 * 86_400.0
"""How long a server's question can be answered, as far as we are concerned."""


class ToolRefused(UpstreamFailed):
    """The server answered with a protocol error; its words stay in the log."""

    code = "tool_refused"
    title = "The tool's server refused the call"


def forward(peers: Peers, minter: Minter, states: States, credentials: Credentials) -> Handler:
    """Raises Unavailable, UpstreamFailed, InputExpired, ServerRefused, AccountNeeded."""
    connect = Connect(states)

    async def call(call: Call) -> Reply:
        tool = call.known_tool()
        if tool.credential != "switchboard":
            return await lent(call, tool)
        if call.task is not None:
            _only_where_there_are_tasks(call, tool, peers)
        given = _opened(call, states)
        reply = _reply(call, await peers.ask(tool.address, _ask(call, tool, given, minter)))
        return _sealed(call, reply, states) if reply.needs_input else reply

    async def lent(call: Call, tool: OfferedTool) -> Reply:
        """With the person's own credential for the server, or with none."""
        connect.resumed(call)
        if call.task is not None:
            _only_where_there_are_tasks(call, tool, peers)
        try:
            reply = _reply(call, await renewed_once(call, tool, _opened(call, states)))
        except AccountNeeded as needed:
            return connect.asked(call, needed)
        return _sealed(call, reply, states) if reply.needs_input else reply

    async def renewed_once(call: Call, tool: OfferedTool, given: Mapping[str, Any]) -> Answer:
        caller = call.known_caller()
        held = await credentials.of(caller, tool)
        try:
            return await peers.ask(tool.address, _ask(call, tool, given, None, held.headers))
        except CredentialRefused:
            if tool.credential == "none":
                raise
            fresh = await credentials.again(caller, tool, held)
            if fresh.digest == held.digest:
                raise
        try:
            return await peers.ask(tool.address, _ask(call, tool, given, None, fresh.headers))
        except CredentialRefused:
            # says who can help: the person, or nobody here
            await credentials.again(caller, tool, fresh)
            raise

    return call


def _only_where_there_are_tasks(call: Call, tool: OfferedTool, peers: Peers) -> None:
    """Elsewhere the wish is not heard, as the revision has it: the call is answered with its result."""
    if not peers.has(tool.address, TASK_CALLS):
        call.task = None


def _sealed(call: Call, reply: Reply, states: States) -> Reply:
    """What a server keeps with the client is nobody else's: it comes back for this caller's same call, to
    the server that gave it, or not at all. And no mark in its question passes for one of ours."""
    told = foreign_question(reply.result, call.known_tool())
    if "requestState" in told:
        held = {"state": told["requestState"]}
        told["requestState"] = states.seal(call, "foreign", held, STATE_LIVES_S)
    return Reply(msgspec.json.encode(told), reply.failed, needs_input=True)


def _opened(call: Call, states: States) -> Mapping[str, Any]:
    """What the server gets of what the client brought back. The call keeps its own: it may be retried."""
    if "requestState" not in call.resumption:
        return call.resumption
    state = call.resumption["requestState"]
    try:
        held = states.open(call, "foreign", state if isinstance(state, str) else "")
        return {**call.resumption, "requestState": held["state"]}
    except StateRefused as error:
        if error.reason == "forged":
            # as the SDK's servers say it of what they did not seal
            raise ServerRefused(RpcError(INVALID_PARAMS, "Invalid or expired requestState")) from error
        raise InputExpired("The server does not wait for this answer.") from error
    except StateExpired as error:
        raise InputExpired("The server no longer waits for this answer.") from error


def _ask(
    call: Call,
    tool: OfferedTool,
    given: Mapping[str, Any],
    minter: Minter | None,
    lent: Mapping[str, str] | None = None,
) -> Ask:
    """given: what came back for the server. minter: of our own token; `lent` is what goes instead, and then
    there is none."""
    caller = call.known_caller()
    if call.method == "tools/call":
        params: dict[str, Any] = {"name": tool.own_name, "arguments": call.arguments, **given}
        if call.task is not None:
            params["task"] = call.task
    else:
        params = {**call.arguments, **given}
    return Ask(
        call.method,
        params,
        _token(caller, tool.audience, minter) if minter else "",
        f"{caller.organisation_id}/{caller.actor}",
        call.capabilities,
        call.trace,
        call.progress,
        call.log_level,
        call.in_session,
        call.tell,
        tool.policy.idempotent,
        _mirrored(tool, call.arguments) if tool.mirrored else _NOTHING,
        lent,
    )


def _token(caller: Caller, audience: str, minter: Minter) -> str:
    """Of our own, for the server; kept with the caller, since even finding one again by value costs."""
    now = time.monotonic()
    kept = caller.tokens.get(audience)
    if kept is not None and kept[1] > now:
        return kept[0]
    token = minter.mint(caller.principal, audience, keys=caller.keys)
    caller.tokens[audience] = (token, now + _REUSED_S)
    return token


def _mirrored(tool: OfferedTool, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Made from what was validated; what the caller's own headers say was compared before."""
    headers: dict[str, str] = {}
    for path, header in tool.mirrored:
        value = argument_at(arguments, path)
        if isinstance(value, bool):
            headers[f"mcp-param-{header.lower()}"] = "true" if value else "false"
        elif isinstance(value, str | int):
            headers[f"mcp-param-{header.lower()}"] = encode_header(str(value))
    return headers


def argument_at(arguments: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = arguments
    for name in path:
        value = cast(dict[str, Any], value).get(name) if isinstance(value, dict) else None
    return value


def _reply(call: Call, answer: Answer) -> Reply:
    if answer.error is not UNSET:
        if call.method != "tools/call" or answer.error.code in _FOR_THE_CLIENT:
            raise ServerRefused(answer.error)
        raise ToolRefused(f"The tool's server refused the call ({answer.error.code}).")
    if answer.result is UNSET:
        raise UpstreamFailed("This tool's server gave no usable answer.")
    try:
        kind = kind_of(answer.result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamFailed("This tool's server gave no usable answer.") from error
    result, asks = bytes(answer.result), kind.result_type == "input_required"
    if not asks and kind.meta is not UNSET and marked(kind.meta):
        result = foreign_result(result, call.known_tool())
    began = kind.result_type == "task" or (call.task is not None and not asks and _began(result))
    return Reply(result, kind.is_error, asks, began)


def _began(result: bytes) -> bool:
    """A task of 2025-11-25 in place of a result."""
    task = msgspec.json.decode(result).get("task")
    return isinstance(task, dict) and isinstance(cast(dict[str, Any], task).get("taskId"), str)
