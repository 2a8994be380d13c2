"""meter: counts and times every call, and puts a span around it; outermost."""

import time
from collections.abc import Awaitable

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode
from prometheus_client import Counter

from kit import telemetry
from kit.errors import SwitchboardError
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.tallies import TALLIES

_spans = Counter("switchboard_gateway_spans_total", "Calls whose trace is recorded.")


def metered(inner: Handler) -> Handler:
    """The outcome is `ok`, `error` (the tool said so), or the code of the error that ended the call."""

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
            took_s = time.perf_counter() - started
            # only known names become labels: a caller could invent any number of others
            if (tool := call.tool) is None:
                TALLIES.ended("unknown", "unknown", outcome, took_s)
            else:
                TALLIES.ended(tool.server, tool.name, outcome, took_s)

    async def traced(call: Call, span: Span) -> Reply:
        _spans.inc()
        call.trace = telemetry.carrier(span)
        # what `trace.use_span` does, without its generator: lines of the log name the span that is current
        token = context.attach(trace.set_span_in_context(span))
        try:
            return await counted(call)
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            raise
        finally:
            context.detach(token)
            span.set_attributes({"gen_ai.tool.name": call.name, "switchboard.outcome": call.outcome})
            span.end()

    def call(call: Call) -> Awaitable[Reply]:
        span = telemetry.hop("tools/call", call.trace)
        if span is not None:
            return traced(call, span)
        if not call.trace:
            call.trace = telemetry.unrecorded()
        return counted(call)

    return call
