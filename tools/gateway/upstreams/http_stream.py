"""Answers that come in pieces: event streams of a tool server over HTTP.

The slow path (progress, logging, elicitation, subscriptions, servers of the session era), so that the
client for whole answers stays small.
"""

import asyncio
import ssl
from collections.abc import Mapping

# The one home of this vendor: measured at an eighth of httpx's CPU per call.
import aiohttp

from kit.errors import Unavailable, UpstreamFailed
from kit.wire.mcp import SESSION_HEADER
from tools.gateway.upstreams.errors import HungUp, ResultTooLarge
from tools.gateway.upstreams.events import EventReader
from tools.gateway.upstreams.port import Heard, UpstreamAnswer
from tools.gateway.upstreams.reach import Reach, anywhere, bounded_sockets
from tools.gateway.upstreams.turns import FREE, turns_of

_CHUNK = 65_536
# A small piece waits for no turn: there may be thousands of streams that have now and then something to say.
_SMALL = 16_384
# Below the 5 s after which uvicorn drops an idle connection: equal limits fail calls.
_KEEP_ALIVE_S = 4.0
_CONNECT_S = 3.0


class HttpStreams:
    """Nothing is retried here, since a call may have an effect."""

    def __init__(
        self, address: str, result_limit: int, *, connections: int = 0, reach: Reach = anywhere
    ) -> None:
        """`connections` at once; 0: any number, since streams stay open for as long as somebody listens."""
        self._address = address
        self._limit = result_limit
        self._connections = connections
        self._reach = reach
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            keepalive_timeout=_KEEP_ALIVE_S,
            socket_factory=bounded_sockets(self._reach),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # the time limit of a call is its wrapper's
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            auto_decompress=True,
            trust_env=False,
        )

    async def stream(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard
    ) -> UpstreamAnswer:
        return await self.exchange(method, body, headers, heard)

    async def exchange(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard | None
    ) -> UpstreamAnswer:
        """`heard` None: the whole answer, also where it is an event stream."""
        if self._session is None:
            raise Unavailable("This tool's server is not connected.", retry_after=2)
        try:
            async with self._session.request(
                method, self._address, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                return await self._read(response, heard)
        except (aiohttp.ClientConnectorError, ssl.SSLError) as error:
            raise Unavailable("This tool's server does not answer.", retry_after=2) from error
        except aiohttp.ServerDisconnectedError as error:
            raise HungUp("This tool's server hung up.") from error
        except aiohttp.ClientError as error:
            raise UpstreamFailed("This tool's server broke off its answer.") from error

    async def _read(self, response: aiohttp.ClientResponse, heard: Heard | None) -> UpstreamAnswer:
        session = response.headers.get(SESSION_HEADER, "")
        if heard is None or response.content_type != "text/event-stream" or response.status != 200:
            body = await self._whole(response)
            return UpstreamAnswer(response.status, response.content_type, body, session)
        reader, pace = EventReader(self._limit), _Pace()
        try:
            async for chunk in response.content.iter_any():
                for event in reader.feed(chunk):
                    await heard(event)
                await pace.after(chunk)
        except aiohttp.ClientPayloadError:
            if not reader.last_id:
                raise
        return UpstreamAnswer(
            response.status, response.content_type, b"", session, reader.last_id, reader.retry_s
        )

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        content, pace = bytearray(), _Pace()
        async for chunk in response.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > self._limit:
                raise ResultTooLarge.of(self._limit)
            await pace.after(chunk)
        return bytes(content)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class _Pace:
    """What has sent much already waits between its large pieces; meanwhile nothing is read for it."""

    def __init__(self) -> None:
        self._came = 0

    async def after(self, chunk: bytes) -> None:
        self._came += len(chunk)
        if self._came > FREE and len(chunk) > _SMALL:
            await turns_of(asyncio.get_running_loop()).turn()
