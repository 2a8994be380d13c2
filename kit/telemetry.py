"""OpenTelemetry: one trace through HTTP, MCP and the queue (SPEC 12, W3C Trace Context)."""

import random
from collections.abc import Mapping
from typing import Annotated

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span
from pydantic import Field

from kit.settings import Settings


class TelemetrySettings(Settings):
    """Where traces go."""

    section = "telemetry"

    otlp_endpoint: str = Field(
        default="", description="OTLP over HTTP: `http://collector:4318`; empty: none."
    )
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1, description="Share of traces that are recorded where the caller has not decided."
    )


def configure(settings: TelemetrySettings, process: str) -> TracerProvider:
    """Call once per process. Without an endpoint, spans carry context but go nowhere."""
    resource = Resource.create({"service.name": f"switchboard-{process}"})
    share = settings.sample_ratio if settings.otlp_endpoint else 0.0
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(share)))
    # for spans that were decided about already: no second throw of the dice
    decided = TracerProvider(resource=resource, sampler=ALWAYS_ON)
    if settings.otlp_endpoint:
        # lazy: the exporter costs 0.2 s of start and most shapes have no collector
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        processor = BatchSpanProcessor(exporter)
        provider.add_span_processor(processor)
        decided.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    _hops.configure(decided, share)
    return provider


def tracer(name: str) -> trace.Tracer:
    """The tracer of one part, such as `chat`."""
    return trace.get_tracer(f"switchboard.{name}")


def trace_id() -> str | None:
    """Of the current span, in 32 hex digits; None outside any."""
    span = trace.get_current_span().get_span_context()
    return format(span.trace_id, "032x") if span.is_valid else None


class _Hops:
    """Decides about a trace before there is a span: of ten calls nine then cost almost nothing."""

    def __init__(self) -> None:
        self._share = 0.0
        self.tracer: trace.Tracer | None = None

    def configure(self, provider: TracerProvider, share: float) -> None:
        self._share = share
        self.tracer = provider.get_tracer("switchboard.hop") if share else None

    def records(self, traceparent: str) -> bool:
        if traceparent:
            return traceparent[-1] in "13579bdf"  # the sampled flag (W3C Trace Context, 3.2)
        return random.random() < self._share  # noqa: S311 - which traces are kept is no secret


_hops = _Hops()


def hop(name: str, carrier: Mapping[str, str]) -> Span | None:
    """A server span for one hop of a trace, as the one before it decided, else by the share that is set.

    None: this trace is not recorded; hand on what came, or `unrecorded()`. The caller ends the span and,
    where others are to be its children, makes it current with `trace.use_span`.
    """
    if _hops.tracer is None or not _hops.records(carrier.get("traceparent", "")):
        return None
    context = propagate.extract(carrier) if carrier else Context()
    return _hops.tracer.start_span(name, context=context, kind=trace.SpanKind.SERVER)


def unrecorded() -> dict[str, str]:
    """A new trace that nobody records, so that all that comes after agrees on it."""
    id = random.randbytes(24).hex()  # noqa: S311 - ids are unique, not secret
    return {"traceparent": f"00-{id[:32]}-{id[32:]}-00"}


def carrier(span: Span) -> dict[str, str]:
    """What `inject` says where this span is current, for the path of every call: no propagator is asked."""
    of = span.get_span_context()
    made = {"traceparent": f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}"}
    if of.trace_state:
        made["tracestate"] = of.trace_state.to_header()
    return made


def inject() -> dict[str, str]:
    """`traceparent` (and `tracestate`) of the current span: for HTTP headers, `_meta`, queue arguments."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def extract(carrier: Mapping[str, str]) -> Context:
    """The context that `inject` carried; pass it to `start_as_current_span(context=…)`."""
    return propagate.extract(carrier, context=context.get_current())
