"""retry: an idempotent tool whose server could not be reached, or hung up before a word, is called again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kit.errors import SwitchboardError, Unavailable
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.upstreams.errors import HungUp
from tools.gateway.upstreams.talk import Tell
from tools.gateway.wrappers.bulkhead import ServerBusy

FIRST_S = 0.1
"""The pause before the second attempt is half to one and a half times this; each next one twice that."""
Sleep = Callable[[float], Awaitable[None]]


def retried(inner: Handler, sleep: Sleep = asyncio.sleep) -> Handler:
    """As often as the tool's policy says, within its time limit. `call.retried` says how often it was."""

    async def again(call: Call) -> Reply:
        tool, began = call.known_tool(), time.monotonic()
        heard = call.tell and _Heard(call.tell)
        call.tell = heard.tell if heard else None
        while True:
            try:
                return await inner(call)
            except SwitchboardError as error:
                pause_s = _pause_s(call.retried)
                in_time = time.monotonic() - began + pause_s < tool.policy.timeout_s
                if call.retried >= tool.policy.retries or not in_time or not _may(error, heard):
                    raise
            await sleep(pause_s)
            call.retried += 1

    def call(call: Call) -> Awaitable[Reply]:
        policy = call.known_tool().policy
        # what answers a question is used up by being asked once
        repeats = policy.retries and policy.idempotent and not call.resumption
        return again(call) if repeats else inner(call)

    return call


@dataclass(slots=True)
class _Heard:
    """Whether anything of the answer has gone on to the client already."""

    inner: Tell
    something: bool = False

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        self.something = True
        await self.inner(method, params)


def _may(error: SwitchboardError, heard: _Heard | None) -> bool:
    """Our own bulkhead says no to spare the server: asking again would undo that."""
    unheard = heard is None or not heard.something
    return unheard and isinstance(error, Unavailable | HungUp) and not isinstance(error, ServerBusy)


def _pause_s(retried: int) -> float:
    return FIRST_S * 2**retried * random.uniform(0.5, 1.5)  # noqa: S311 - spreads requests, keeps no secret
