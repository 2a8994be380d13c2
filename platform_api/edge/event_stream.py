"""Server-sent events, as every stream of ours leaves."""

from collections.abc import AsyncIterator

from fastapi.sse import EventSourceResponse


def event_stream(encoded: AsyncIterator[bytes]) -> EventSourceResponse:
    """The answer over events that are encoded already (`fastapi.sse.format_sse_event`)."""
    # Proxies must not hold the stream back.
    return EventSourceResponse(encoded, headers={"X-Accel-Buffering": "no"})
