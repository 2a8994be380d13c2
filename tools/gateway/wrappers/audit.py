"""audit: every call is recorded before its answer leaves, the refused ones too."""

import asyncio
import time

from kit.clock import Clock
from kit.errors import SwitchboardError
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.recording import record, sanitised, trace_id_of
from tools.gateway.spool import Spool

ANONYMOUS_PER_S = 10


class Anonymous:
    """Whoever is not signed in may be refused any number of times, but not fill the disk with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = 0
        self._recorded = 0
        self._left_out = 0

    def left_out(self) -> int | None:
        """How many were not recorded before this one; None: nor is this one."""
        second = int(self._clock.now().timestamp())
        if second != self._second:
            self._second, self._recorded = second, 0
        if self._recorded >= ANONYMOUS_PER_S:
            self._left_out += 1
            return None
        self._recorded += 1
        left_out, self._left_out = self._left_out, 0
        return left_out


def audited(inner: Handler, spool: Spool, clock: Clock) -> Handler:
    """Raises SpoolUnavailable before anything happens where no record could be kept."""
    anonymous = Anonymous(clock)

    def note(call: Call, outcome: str, started: float) -> None:
        left_out = 0 if call.caller else anonymous.left_out()
        if left_out is None:
            return
        data: dict[str, object] = {
            "tool": call.name[:120],
            "server": call.tool.server if call.tool else None,
            "outcome": outcome,
            "latency_ms": int((time.perf_counter() - started) * 100_000) / 100,
            "arguments": sanitised(call.arguments),
            "via": call.caller.principal.acting_via if call.caller else None,
        }
        if call.retried:
            data["retried"] = call.retried
        if left_out:
            data["left_out"] = left_out
        made = record(clock, "tool.call", data, caller=call.caller, trace_id=trace_id_of(call))
        spool.write(made)

    async def call(call: Call) -> Reply:
        spool.check()
        started = time.perf_counter()
        try:
            reply = await inner(call)
        except SwitchboardError as error:
            note(call, error.code, started)
            raise
        except asyncio.CancelledError:
            # nobody waits for an answer, but what the call did has happened
            note(call, "cancelled", started)
            raise
        except Exception:
            note(call, "internal", started)
            raise
        note(call, "error" if reply.failed else "ok", started)
        return reply

    return call
