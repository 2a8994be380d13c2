"""What we need of a tool server, however it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    status: int
    content_type: str
    body: bytes


class Upstream(Protocol):
    """One tool server. Cancelling a call cancels it at the other end as well as the transport can."""

    async def start(self) -> None: ...

    async def call(self, body: bytes, headers: Mapping[str, str]) -> UpstreamAnswer:
        """One request and its whole answer.

        Raises kit.errors.Unavailable where nothing was reached, UpstreamFailed where the answer
        broke off or is larger than the limit.
        """
        ...

    async def close(self) -> None: ...
