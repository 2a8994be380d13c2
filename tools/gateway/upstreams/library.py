"""The same as `http1`, by a library: for whoever doubts ours, and held against the same contract."""

import ssl
from collections.abc import Mapping

# The one home of this vendor: measured at an eighth of httpx's CPU per call.
import aiohttp

from kit.errors import Unavailable, UpstreamFailed
from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.upstreams.port import UpstreamAnswer
from tools.gateway.upstreams.reach import bounded_socket

_CHUNK = 65_536
# Below the 5 s after which uvicorn drops an idle connection: equal limits fail calls.
_KEEP_ALIVE_S = 4.0
_CONNECT_S = 3.0


class LibraryClient:
    """Connections stay open; nothing is retried here, since a call may have an effect."""

    def __init__(self, address: str, result_limit: int, *, connections: int = 100) -> None:
        self._address = address
        self._limit = result_limit
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(
            limit=self._connections, keepalive_timeout=_KEEP_ALIVE_S, socket_factory=bounded_socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # the time limit of a call is its wrapper's
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            auto_decompress=True,
            trust_env=False,
        )

    async def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> UpstreamAnswer:
        if self._session is None:
            raise Unavailable("This tool's server is not connected.", retry_after=2)
        try:
            async with self._session.post(
                self._address, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await self._read(response)
                return UpstreamAnswer(response.status, response.content_type, content)
        except (aiohttp.ClientConnectorError, ssl.SSLError) as error:
            raise Unavailable("This tool's server does not answer.", retry_after=2) from error
        except aiohttp.ClientError as error:
            raise UpstreamFailed("This tool's server broke off its answer.") from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        length = response.content_length
        if length is not None and length <= self._limit:
            return await response.read()
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > self._limit:
                raise ResultTooLarge.of(self._limit)
        return bytes(content)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
