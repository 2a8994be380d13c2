"""What we need of a tool server, however it is reached."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(slots=True)
class UpstreamAnswer:
    """`session`: the Mcp-Session-Id that came with it. `last_event`, `retry_s`: where an event stream
    that broke off can be taken up again, and how long to wait before that."""

    status: int
    content_type: str
    body: bytes
    session: str = ""
    last_event: str = ""
    retry_s: float = 0.0


Heard = Callable[[bytes], Awaitable[None]]
"""Gets the data of each event as it comes; whoever sends waits until it returns."""


class FixedHeaders(dict[str, str]):
    """Never changed once they are made, so that a client can keep what it makes of them."""

    __slots__ = ("lines",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.lines: bytes | None = None


class Upstream(Protocol):
    """One tool server. Cancelling a call cancels it at the other end as well as the transport can."""

    async def start(self) -> None: ...

    def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> Coroutine[Any, Any, UpstreamAnswer]:
        """One request and its whole answer. `repeatable`: may be sent again where a connection that was
        kept open turns out to be closed before a byte of the answer came.

        Raises kit.errors.Unavailable where nothing was reached, UpstreamFailed where the answer
        broke off or is larger than the limit.
        """
        ...

    async def stream(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard
    ) -> UpstreamAnswer:
        """`method` is HTTP's. Events go to `heard` one by one and the answer's body stays empty; an
        answer that is no event stream comes whole, as from `call`, and `heard` is not called.

        Returns when the stream ends; raises as `call` does, also for one event over the limit.
        """
        ...

    async def close(self) -> None: ...
