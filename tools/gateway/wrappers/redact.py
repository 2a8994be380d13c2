"""redact: secrets go out of what a tool says, before anybody else sees it; personal data stay.

Those are masked in the audit copy only, which holds no values at all (tools/gateway/recording.py).
"""

import asyncio
from typing import Any, cast

import msgspec
from prometheus_client import Counter

from kit.wire.mcp import URL_NEEDED, RpcError
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.secrets import looked_through, without_secrets
from tools.gateway.wrappers.forward import ServerRefused

_found = Counter("switchboard_gateway_secrets_redacted_total", "Secrets taken out of results.", ["tool"])
_LARGE = 32_768
_encode = msgspec.json.Encoder().encode


def redacted(inner: Handler) -> Handler:
    async def call(call: Call) -> Reply:
        _hold_back(call)
        try:
            reply = await inner(call)
        except ServerRefused as error:
            raise _refusal(call, error.error) from None
        if len(reply.result) <= _LARGE:
            result, found = _without(reply)
        elif reply.needs_input:
            result, found = await asyncio.to_thread(_without, reply)
        else:
            # it takes some 30 ms a megabyte, in which nobody else would be served
            result, found = await looked_through(reply.result)
        if not found:
            return reply
        _found.labels(call.known_tool().name).inc(found)
        return Reply(result, reply.failed, reply.needs_input, reply.task)

    return call


def _without(reply: Reply) -> tuple[bytes, int]:
    if not reply.needs_input:
        return without_secrets(reply.result)
    # what a server sealed for itself may look like a credential, and must come back as it was
    whole = cast(dict[str, Any], msgspec.json.decode(reply.result))
    sealed = {"requestState": whole.pop("requestState")} if "requestState" in whole else {}
    rest, found = without_secrets(_encode(whole))
    return _encode(msgspec.json.decode(rest) | sealed), found


def _refusal(call: Call, error: RpcError) -> ServerRefused:
    """A server's error is its word as well, and reaches the client. The page that a person must open
    first is left: what stands in its address is meant for that."""
    data = error.data if error.code == URL_NEEDED else None
    said = {"message": error.message, "data": error.data if data is None else None}
    text, found = without_secrets(_encode(said))
    if not found:
        return ServerRefused(error)
    _found.labels(call.known_tool().name).inc(found)
    clean: dict[str, Any] = msgspec.json.decode(text)
    return ServerRefused(RpcError(error.code, clean["message"], clean["data"] if data is None else data))


def _hold_back(call: Call) -> None:
    """What the server says on the way is looked through, too."""
    if (tell := call.tell) is None:
        return

    async def redacting(method: str, params: dict[str, Any]) -> None:
        text, found = without_secrets(_encode(params))
        await tell(method, msgspec.json.decode(text) if found else params)

    call.tell = redacting
