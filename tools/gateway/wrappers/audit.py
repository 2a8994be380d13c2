"""audit: every call is recorded before its answer leaves, the refused ones too."""

import asyncio
import time

from kit.clock import Clock
from kit.errors import SwitchboardError
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.recording import record, sanitised, trace_id_of
from tools.gateway.spool import Spool


def audited(inner: Handler, spool: Spool, clock: Clock) -> Handler:
    """Raises SpoolUnavailable before anything happens where no record could be kept."""

    async def note(call: Call, outcome: str, started: float) -> None:
        data = {
            "tool": call.name[:120],
            "server": call.tool.server if call.tool else None,
            "outcome": outcome,
            "latency_ms": round((time.perf_counter() - started) * 1000, 2),
            "arguments": sanitised(call.arguments),
            "via": call.caller.principal.acting_via if call.caller else None,
        }
        made = record(clock, "tool.call", data, caller=call.caller, trace_id=trace_id_of(call))
        await spool.write(made)

    async def call(call: Call) -> Reply:
        spool.check()
        started = time.perf_counter()
        try:
            reply = await inner(call)
        except SwitchboardError as error:
            await note(call, error.code, started)
            raise
        except asyncio.CancelledError:
            # nobody waits for an answer, but what the call did has happened
            await asyncio.shield(note(call, "cancelled", started))
            raise
        except Exception:
            await note(call, "internal", started)
            raise
        await note(call, "error" if reply.failed else "ok", started)
        return reply

    return call
