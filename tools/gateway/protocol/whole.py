"""A request that has come whole, and an answer that goes out whole.

ASGI has one message for the head of an answer and one for its body, and uvicorn writes each when it comes:
two packets, and two times that the client is woken, for 200 bytes. Where it is uvicorn that called us, with
nothing in between that wants to see the messages, both are written at once, and a body that is there is just
taken. Everywhere else, and for whatever is not the plain case, these say no: the caller does as ASGI has it.
"""

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_Headers = list[tuple[bytes, bytes]]


class _Head:
    """Up to the number of bytes; uvicorn replaces its own headers once a second, for the date."""

    def __init__(self) -> None:
        self._of: _Headers = []
        self._made = b""

    def before_length(self, own: _Headers) -> bytes:
        if own is not self._of or not self._made:
            lines = b"".join(b"%b: %b\r\n" % header for header in own)
            self._of = own
            self._made = STATUS_LINE[200] + lines + b"content-type: application/json\r\ncontent-length: "
        return self._made


_before_length = _Head().before_length


def _cycle(bound: Receive | Send) -> RequestResponseCycle | None:
    """Not of a subclass: that would have a reason to be one."""
    cycle = getattr(bound, "__self__", None)
    return cycle if type(cycle) is RequestResponseCycle else None


def whole_body(receive: Receive) -> bytes | None:
    """The request's body where all of it has come; None: receive it."""
    cycle = _cycle(receive)
    if cycle is None or cycle.more_body or cycle.disconnected or cycle.response_complete:
        return None
    if cycle.waiting_for_100_continue:
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.message_event.clear()
    cycle.flow.resume_reading()
    return body


def sent_whole(send: Send, body: bytes) -> bool:
    """JSON with status 200 and no headers of its own; False: nothing was sent."""
    cycle = _cycle(send)
    if cycle is None or cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
        return False
    if not cycle.keep_alive or cycle.access_log or cycle.scope["method"] == "HEAD":
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"%b%d\r\n\r\n%b" % (_before_length(cycle.default_headers), len(body), body))
    cycle.message_event.set()
    cycle.on_response()
    return True
