"""What uvicorn leaves open: how long the head of a request may be. It comes before anybody signs in."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 65_536
"""Bytes of a request line and headers that have not ended yet."""


class BoundedHead(HttpToolsProtocol):
    """Hangs up on a head without an end; uvicorn would keep it in memory, whatever its size."""

    _in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                self.transport.close()

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
