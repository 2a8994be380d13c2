"""Structured JSON logs with trace ids and redaction (SPEC 12)."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from opentelemetry import trace
from pydantic import Field

from kit.redaction import redact
from kit.settings import Settings

EventDict = MutableMapping[str, Any]


class LogSettings(Settings):
    """How the processes log."""

    section = "log"

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level shown."
    )
    style: Literal["json", "console"] = Field(
        default="json", description="`console` is for reading with the eye."
    )


def configure(settings: LogSettings, process: str) -> None:
    """Call once per process, before anything logs; the standard library's loggers go the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _with_trace,
        _redacted,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.contextvars.bind_contextvars(process=process)
    # Their info lines repeat what our own spans and metrics say, once per request.
    for noisy in ("httpx", "httpx2", "uvicorn.access", "procrastinate", "alembic", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _with_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
        event["span_id"] = format(context.span_id, "016x")
    return event


def _redacted(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return redact(event)
