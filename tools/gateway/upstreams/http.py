"""A tool server over streamable HTTP: whole answers by the quick client, streams by the library."""

from collections.abc import Coroutine, Mapping
from typing import Any, Literal

from tools.gateway.upstreams.http1 import Http1Client
from tools.gateway.upstreams.http_stream import HttpStreams
from tools.gateway.upstreams.library import LibraryClient
from tools.gateway.upstreams.port import Heard, UpstreamAnswer
from tools.gateway.upstreams.reach import Reach, anywhere

Client = Literal["own", "library"]


class HttpUpstream:
    def __init__(
        self, address: str, result_limit: int, client: Client = "own", reach: Reach = anywhere
    ) -> None:
        """Raises ValueError for what is not an http(s) address."""
        self._client = (Http1Client if client == "own" else LibraryClient)(address, result_limit, reach=reach)
        self._streams = HttpStreams(address, result_limit, reach=reach)

    async def start(self) -> None:
        await self._client.start()
        await self._streams.start()

    def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> Coroutine[Any, Any, UpstreamAnswer]:
        return self._client.call(body, headers, repeatable=repeatable)

    async def stream(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard
    ) -> UpstreamAnswer:
        return await self._streams.stream(method, body, headers, heard)

    async def close(self) -> None:
        await self._client.close()
        await self._streams.close()
