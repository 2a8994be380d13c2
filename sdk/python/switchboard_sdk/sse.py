"""Server-sent events from bytes.

Lines end at LF, CR LF or CR only (WHATWG HTML, 9.2.6). httpx's own `aiter_lines` also splits at U+2028 and
other characters that JSON leaves as they are, which would cut an event that quotes such a document.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

LINE_END = re.compile(rb"\r\n|\n|\r")
EVENT_LIMIT = 8 * 1024 * 1024


class EventTooLarge(ValueError):
    """One event is larger than EVENT_LIMIT bytes: not a stream of ours."""


@dataclass(slots=True)
class Decoder:
    """Feed it bytes as they come; it returns the data of every event that is complete."""

    _rest: bytes = b""
    _data: list[bytes] = field(default_factory=list[bytes])
    _size: int = 0

    def feed(self, piece: bytes) -> list[str]:
        """Raises EventTooLarge."""
        lines = self._complete_lines(piece)
        return [data for line in lines if (data := self._take(line)) is not None]

    def _complete_lines(self, piece: bytes) -> list[bytes]:
        buffer = self._rest + piece
        # A CR at the end may be the first half of CR LF: wait for the next piece.
        held = b"\r" if buffer.endswith(b"\r") else b""
        *lines, rest = LINE_END.split(buffer[: len(buffer) - len(held)])
        self._rest = rest + held
        if len(self._rest) + self._size > EVENT_LIMIT:
            raise EventTooLarge
        return lines

    def _take(self, line: bytes) -> str | None:
        if not line:
            return self._finish()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
        return None

    def _finish(self) -> str | None:
        data, self._data, self._size = self._data, [], 0
        return b"\n".join(data).decode("utf-8", "replace") if data else None


async def data_of_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The `data` of each event; comments (heartbeats), ids and names are left out."""
    decoder = Decoder()
    async for piece in pieces:
        for data in decoder.feed(piece):
            yield data
