"""What uvicorn leaves open before anybody signs in and after: how large the head of a request may be and how
long it may take, and how long a client may leave its answer unread.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kit.connection import CONNECTION

HEAD_LIMIT = 65_536
"""Bytes of a request line and headers that have not ended yet."""
HEAD_S = 20.0
"""Seconds for a head, and for a connection to begin one at all."""
UNREAD_S = 30.0
"""Seconds in which a client that has an answer to read reads some of it."""


class BoundedHead(HttpToolsProtocol):
    """Hangs up on a head without an end, and on a client that leaves its answer unread:
    uvicorn would keep either in memory for as long as the connection stands.

    One look now and then for each connection: a timer for each request would cost more. Apps find in the
    scope a place for what they remember of the connection (kit.connection).
    """

    _in_head = False
    _head_bytes = 0
    _began_at = 0.0
    _asked = False
    _unread = 0
    _unread_since = 0.0
    _looking: asyncio.TimerHandle | None = None
    _extensions: dict[str, dict[object, object]]

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._extensions = {CONNECTION: {}}
        self._began_at = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                self.transport.close()

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._began_at = self.loop.time()
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        self._in_head, self._asked = False, True
        super().on_headers_complete()

    def _look_later(self) -> None:
        self._looking = self.loop.call_later(min(HEAD_S, UNREAD_S) / 2, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        slow_head = (self._in_head or not self._asked) and now - self._began_at >= HEAD_S
        if slow_head or self._leaves_unread(now):
            self.transport.abort()
        else:
            self._look_later()

    def _leaves_unread(self, now: float) -> bool:
        """While writing is paused, or all is said, what waits can only become less; where it does not,
        nobody reads."""
        waiting = self.transport.get_write_buffer_size()
        held_up = waiting > 0 and (self.flow.write_paused or self.transport.is_closing())
        if not held_up or waiting < self._unread or not self._unread_since:
            self._unread, self._unread_since = (waiting, now) if held_up else (0, 0.0)
            return False
        return now - self._unread_since >= UNREAD_S
