"""Speaking MCP 2026-07-28 to a tool server: one request, one answer."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from kit.errors import UpstreamFailed
from kit.wire.mcp import Answer, read_answer, request, stateless_headers, stateless_params
from tools.gateway.upstreams.port import Upstream, UpstreamAnswer

CLIENT = {"name": "switchboard-gateway", "version": "1"}
_log = structlog.get_logger()


async def ask(
    upstream: Upstream,
    method: str,
    params: Mapping[str, Any],
    token: str,
    *,
    name: str | None = None,
    capabilities: Mapping[str, Any] | None = None,
    trace: Mapping[str, str] | None = None,
) -> Answer:
    """`token` is the gateway's own; the caller's is not known here.

    Raises Unavailable, UpstreamFailed.
    """
    headers = stateless_headers(method, name)
    headers["authorization"] = f"Bearer {token}"
    whole = stateless_params(params, CLIENT, capabilities=capabilities, meta=trace)
    return _answer(await upstream.call(request(method, whole), headers))


def _answer(came: UpstreamAnswer) -> Answer:
    body = _last_event(came.body) if came.content_type == "text/event-stream" else came.body
    try:
        return read_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.warning("gateway.upstream_answer_unreadable", status=came.status, content_type=came.content_type)
        raise UpstreamFailed("This tool's server gave no usable answer.") from error


def _last_event(stream: bytes) -> bytes:
    """The data of the last event that has any: the response ends the stream (HTML, 9.2)."""
    events = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")
    for event in reversed(events):
        lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines:
            return b"\n".join(lines)
    return b""
