"""meter: counts and times every call, and puts a span around it; outermost."""

import time

from opentelemetry import trace
from prometheus_client import Counter, Histogram

from kit import telemetry
from kit.errors import SwitchboardError
from tools.gateway.call import Call, Handler, Reply

_calls = Counter("switchboard_gateway_calls_total", "Tool calls by how they ended.", ["tool", "outcome"])
_seconds = Histogram("switchboard_gateway_call_seconds", "How long tool calls took.", ["tool"])
_tracer = telemetry.tracer("gateway")


def metered(inner: Handler) -> Handler:
    """The outcome is `ok`, `error` (the tool said so), or the code of the error that ended the call."""
    counters: dict[tuple[str, str], Counter] = {}
    timers: dict[str, Histogram] = {}

    def count(call: Call, outcome: str, took_s: float) -> None:
        # only known names become labels: a caller could invent any number of others
        tool = call.tool.name if call.tool else "unknown"
        if (tool, outcome) not in counters:
            counters[tool, outcome] = _calls.labels(tool, outcome)
            timers[tool] = _seconds.labels(tool)
        counters[tool, outcome].inc()
        timers[tool].observe(took_s)

    async def call(call: Call) -> Reply:
        started = time.perf_counter()
        outcome = "cancelled"
        context = telemetry.extract(call.trace) if call.trace else None
        with _tracer.start_as_current_span(
            "tools/call", context=context, kind=trace.SpanKind.SERVER, record_exception=False
        ) as span:
            try:
                reply = await inner(call)
                outcome = "error" if reply.failed else "ok"
                return reply
            except SwitchboardError as error:
                outcome = error.code
                raise
            except Exception:
                outcome = "internal"
                raise
            finally:
                if span.is_recording():
                    span.set_attributes({"gen_ai.tool.name": call.name, "switchboard.outcome": outcome})
                count(call, outcome, time.perf_counter() - started)

    return call
