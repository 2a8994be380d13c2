"""One kept-open HTTP/1.1 connection to a tool server, on llhttp: one request at a time, its whole answer.

Measured at a third of what a library client costs per call, which is more than all policies together.
"""

import asyncio
import select
from typing import cast

import httptools

from kit.errors import UpstreamFailed
from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.upstreams.port import UpstreamAnswer
from tools.gateway.upstreams.turns import FREE, Measure

_HEAD_LIMIT = 65_536


class Dropped(Exception):
    """The connection ended before a byte of the answer came: the request may or may not have arrived."""


class Http1Connection(asyncio.BufferedProtocol):
    """`asked` one at a time. Afterwards `reusable` says whether the next request may go over it."""

    def __init__(self, limit: int, measure: Measure) -> None:
        self.reusable = False
        self.idle_limit_s: float | None = None
        """What the server's `Keep-Alive: timeout=` says."""
        self.used_at = 0.0
        self._limit = limit
        self._measure = measure
        self._room = measure.room
        self._transport: asyncio.Transport | None = None
        self.loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[UpstreamAnswer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def asked(self, request: bytes) -> "asyncio.Future[UpstreamAnswer]":
        """The whole request as bytes. The answer, or Dropped, UpstreamFailed, ResultTooLarge; Dropped may be
        raised at once. Who cancels it closes the connection."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Dropped
        self.reusable = False
        self._begin()
        self._waiter = waiter = self.loop.create_future()
        transport.write(request)
        return waiter

    def close(self) -> None:
        """At once: what has not been read is not wanted."""
        self.reusable = False
        # Connection and parser hold each other: until the collector comes, this would be megabytes.
        self._body = []
        if self._transport is not None:
            self._transport.abort()

    def has_unread(self) -> bool:
        """Whether something came that the event loop has not handed over: an end, most likely."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is None or sock.fileno() < 0:
            return True
        look = select.poll()
        look.register(sock.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(look.poll(0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.reusable = True

    def get_buffer(self, sizehint: int) -> memoryview:
        """One for all connections: what comes is taken out of it before anything else is read."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._waiter is None or self._waiter.done():
            # Nobody asked: whoever answered next would get this.
            self.close()
            return
        self._came += nbytes
        try:
            self._parser.feed_data(self._room[:nbytes])
        except httptools.HttpParserUpgrade:
            self._fail(UpstreamFailed("This tool's server changed the protocol."))
        except httptools.HttpParserError as error:
            self._keep = False
            if not self._ended:
                self._fail(_unreadable(error))
        if self._ended:
            self._finish()
        elif not self._in_body and self._came > _HEAD_LIMIT:
            self._fail(UpstreamFailed("This tool's server sends a head without an end."))
        elif self._size > FREE and self._transport is not None and not self._waiter.done():
            self._measure.turns.wait(self._transport, self.loop)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._transport = None
        if self._waiter is None or self._waiter.done():
            return
        if not self._came:
            self._waiter.set_exception(Dropped())
        elif self._in_body and not self._measured and exc is None:
            self._waiter.set_result(self._answer())  # its end is the end of the connection (RFC 9112, 6.3)
        else:
            self._waiter.set_exception(UpstreamFailed("This tool's server broke off its answer."))

    # What llhttp calls

    def on_message_begin(self) -> None:
        if self._ended:
            # They would be taken for the next answer. llhttp stops here and `data_received` hangs up.
            raise ValueError("bytes behind the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-length":
                self._measured = True
                if value.isdigit() and int(value[:20]) > self._limit:
                    self._fail(ResultTooLarge.of(self._limit))
            case b"transfer-encoding":
                self._measured = True
            case b"content-type":
                self._type = value.partition(b";")[0].strip().decode("latin-1").lower()
            case b"content-encoding" if value.strip().lower() != b"identity":
                self._fail(UpstreamFailed("This tool's server packs its answer, which was not asked for."))
            case b"mcp-session-id":
                self._session = value.decode("latin-1")
            case b"keep-alive":
                self.idle_limit_s = _timeout(value)
            case _:
                pass

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._in_body = self._status >= 200

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= self._limit:
            self._body.append(body)
        else:
            if self._waiter is not None and not self._waiter.done():
                # not once more for what else the same read brought
                self._measure.went_over()
            self._fail(ResultTooLarge.of(self._limit))

    def on_message_complete(self) -> None:
        if self._status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            self._measured, self._type = False, ""
            return
        self._ended = True
        self._keep = self._parser.should_keep_alive()

    def _finish(self) -> None:
        if self._size > FREE:
            self._measure.fitted()
        self.reusable = self._keep and self._transport is not None and not self._transport.is_closing()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._answer())
        if not self.reusable:
            self.close()

    def _answer(self) -> UpstreamAnswer:
        body, self._body = b"".join(self._body), []
        return UpstreamAnswer(self._status, self._type, body, self._session)

    def _fail(self, error: UpstreamFailed) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.close()

    def _begin(self) -> None:
        self._came = 0
        self._size = 0
        self._status = 0
        self._type = ""
        self._session = ""
        self._body: list[bytes] = []
        self._in_body = False
        self._measured = False
        self._ended = False
        self._keep = False


def _timeout(value: bytes) -> float | None:
    for part in value.split(b","):
        name, _, seconds = part.strip().partition(b"=")
        if name.lower() == b"timeout" and seconds.isdigit():
            return float(seconds[:9])
    return None


def _unreadable(error: Exception) -> UpstreamFailed:
    failed = UpstreamFailed("This tool's server gave no usable answer.")
    failed.__cause__ = error
    return failed
