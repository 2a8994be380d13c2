"""The same as `http1`, by a library: for whoever doubts ours, and held against the same contract."""

from collections.abc import Mapping

from tools.gateway.upstreams.http_stream import HttpStreams
from tools.gateway.upstreams.port import UpstreamAnswer
from tools.gateway.upstreams.reach import Reach, anywhere


class LibraryClient:
    """Connections stay open; nothing is retried here, since a call may have an effect."""

    def __init__(
        self, address: str, result_limit: int, *, connections: int = 100, reach: Reach = anywhere
    ) -> None:
        self._streams = HttpStreams(address, result_limit, connections=connections, reach=reach)

    async def start(self) -> None:
        await self._streams.start()

    async def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> UpstreamAnswer:
        return await self._streams.exchange("POST", body, headers, None)

    async def close(self) -> None:
        await self._streams.close()
