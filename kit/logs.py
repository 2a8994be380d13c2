"""Structured JSON logs with trace ids and redaction (SPEC 12)."""

import logging
import sys
from collections.abc import MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

import structlog
from opentelemetry import trace
from pydantic import Field

from kit.redaction import redact
from kit.settings import Settings

EventDict = MutableMapping[str, Any]
Style = Literal["json", "console"]
_FILE_LIMIT = 20_000_000


class LogSettings(Settings):
    """How the processes log."""

    section = "log"

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level shown."
    )
    style: Style = Field(default="json", description="`console` is for reading with the eye.")


def configure(settings: LogSettings, process: str, file: Path | None = None) -> None:
    """Call once per process, before anything logs; the standard library's loggers go the same way.

    `file` takes all lines (it makes room at 20 MB); the terminal then shows warnings only.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _with_trace,
        _redacted,
    ]
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handlers = [_handler(logging.StreamHandler(sys.stderr), settings.style, shared)]
    if file is not None:
        handlers[0].setLevel(logging.WARNING)
        rotating = RotatingFileHandler(file, maxBytes=_FILE_LIMIT, backupCount=1, delay=True)
        handlers.append(_handler(rotating, "json", shared))
    logging.basicConfig(handlers=handlers, level=level, force=True)
    structlog.contextvars.bind_contextvars(process=process)
    # Their info lines repeat what our own spans and metrics say, once per request.
    for noisy in ("httpx", "httpx2", "uvicorn.access", "procrastinate", "alembic", "mcp", "agent_framework"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _handler(
    handler: logging.Handler, style: Style, shared: list[structlog.typing.Processor]
) -> logging.Handler:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    return handler


def _with_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
        event["span_id"] = format(context.span_id, "016x")
    return event


def _redacted(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return redact(event)
