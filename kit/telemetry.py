"""OpenTelemetry: one trace through HTTP, MCP and the queue (SPEC 12, W3C Trace Context)."""

from collections.abc import Mapping
from typing import Annotated

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
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
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"switchboard-{process}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio if settings.otlp_endpoint else 0.0)),
    )
    if settings.otlp_endpoint:
        # lazy: the exporter costs 0.2 s of start and most shapes have no collector
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def tracer(name: str) -> trace.Tracer:
    """The tracer of one part, such as `chat`."""
    return trace.get_tracer(f"switchboard.{name}")


def trace_id() -> str | None:
    """Of the current span, in 32 hex digits; None outside any."""
    span = trace.get_current_span().get_span_context()
    return format(span.trace_id, "032x") if span.is_valid else None


def inject() -> dict[str, str]:
    """`traceparent` (and `tracestate`) of the current span: for HTTP headers, `_meta`, queue arguments."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def extract(carrier: Mapping[str, str]) -> Context:
    """The context that `inject` carried; pass it to `start_as_current_span(context=…)`."""
    return propagate.extract(carrier, context=context.get_current())
