"""Single links of the chain: a call that has come so far, and inner handlers that a test holds."""

import asyncio
from typing import Any

from access.keys import AccessKeys
from access.principal import Principal
from kit.wire.tools import Registry
from tests.tools.upstreams import server, tool
from tools.gateway.call import Call, Reply
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool, compiled

OK = Reply(b'{"content":[]}')


def offered(*, name: str = "echo.say", of: str = "echo", **policy: Any) -> OfferedTool:
    registry = Registry(version="1", servers=[server(tool(name, **policy), name=of)])
    return compiled(registry).tools[name]


def call_of(principal: Principal, given: OfferedTool, arguments: dict[str, Any] | None = None) -> Call:
    """Signed in and allowed."""
    keys = AccessKeys([f"u:{principal.id}"])
    caller = Caller(principal, keys, 2e9, str(principal.organisation_id), str(principal.id))
    call = Call(given.name, arguments or {"text": "hello"}, "", None)
    call.caller, call.tool = caller, given
    return call


class Inner:
    """Counts its calls and does as it is told: a Reply, an error, or to wait until `release`."""

    def __init__(self, does: Reply | Exception | None = OK) -> None:
        self.does = does
        self.calls: list[Call] = []
        self.release = asyncio.Event()

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.does is None:
            await self.release.wait()
            return OK
        if isinstance(self.does, Exception):
            raise self.does
        return self.does
