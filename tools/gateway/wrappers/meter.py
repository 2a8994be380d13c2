"""meter: counts and times every call, and puts a span around it; outermost."""

import time
from collections.abc import Awaitable

from opentelemetry import trace
from opentelemetry.trace import Span
from prometheus_client import Counter, Histogram

from kit import telemetry
from kit.errors import SwitchboardError
from tools.gateway.call import Call, Handler, Reply

_calls = Counter(
    "switchboard_gateway_calls_total", "Tool calls by how they ended.", ["server", "tool", "outcome"]
)
_seconds = Histogram("switchboard_gateway_call_seconds", "How long tool calls took.", ["server", "tool"])
_spans = Counter("switchboard_gateway_spans_total", "Calls whose trace is recorded.")


class _Count:
    """Children kept per tool: looking one up by its labels costs more than counting."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._timers: dict[tuple[str, str], Histogram] = {}

    def __call__(self, call: Call, outcome: str, took_s: float) -> None:
        # only known names become labels: a caller could invent any number of others
        server, tool = (call.tool.server, call.tool.name) if call.tool else ("unknown", "unknown")
        counter = self._counters.get((server, tool, outcome))
        timer = self._timers.get((server, tool))
        if counter is None:
            counter = self._counters[server, tool, outcome] = _calls.labels(server, tool, outcome)
        if timer is None:
            timer = self._timers[server, tool] = _seconds.labels(server, tool)
        counter.inc()
        timer.observe(took_s)


def metered(inner: Handler) -> Handler:
    """The outcome is `ok`, `error` (the tool said so), or the code of the error that ended the call."""
    count = _Count()

    async def counted(call: Call) -> Reply:
        started = time.perf_counter()
        outcome = "cancelled"
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
            call.outcome = outcome
            count(call, outcome, time.perf_counter() - started)

    async def traced(call: Call, span: Span) -> Reply:
        _spans.inc()
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            call.trace = telemetry.inject()
            try:
                return await counted(call)
            finally:
                span.set_attributes({"gen_ai.tool.name": call.name, "switchboard.outcome": call.outcome})

    def call(call: Call) -> Awaitable[Reply]:
        span = telemetry.hop("tools/call", call.trace)
        if span is not None:
            return traced(call, span)
        if not call.trace:
            call.trace = telemetry.unrecorded()
        return counted(call)

    return call
