"""Server-sent events, read as they come (HTML, 9.2): all that MCP uses of them."""

from tools.gateway.upstreams.errors import ResultTooLarge


class EventReader:
    """`feed` bytes in, get the data of the events that are complete. One event may have `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.last_id = ""
        self.retry_s = 0.0
        self._limit = limit
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises ResultTooLarge for an event over the limit."""
        whole = self._rest + chunk
        # a lone CR ends a line too, unless its LF is still under way
        held = b"\r" if whole.endswith(b"\r") else b""
        text = whole[: len(whole) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._rest = rest + held
        if len(self._rest) + sum(map(len, self._data)) > self._limit:
            raise ResultTooLarge.of(self._limit)
        return [event for event in map(self._line, lines) if event]

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            event, self._data = b"\n".join(self._data), []
            return event
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"id" and b"\0" not in value:
            self.last_id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit():
            self.retry_s = min(int(value[:6]) / 1000, 60.0)
        return None
