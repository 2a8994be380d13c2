"""An httpx client that connects only where the guard lets it, to exactly the address that was checked."""

from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx

from ports.http.guard import Guard
from ports.http.trust import trust

_TRIED = 3
"""Addresses of one host, before it counts as unreachable."""
_CONNECT_WITHIN_S = 5.0


def guarded_client(
    guard: Guard,
    timeout_s: float = 20.0,
    network: httpcore.AsyncNetworkBackend | None = None,
    *,
    connections: int = 10,
) -> httpx.AsyncClient:
    """Follows no redirects (see Fetcher), knows no proxy, sends no credentials of ours.

    `timeout_s` limits each wait. Its requests raise AddressRefused beside httpx's own errors.
    """
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_WITHIN_S))
    transport = _Transport(GuardedNetwork(guard, network or _system_network()), connections)
    return httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False, follow_redirects=False)


def _system_network() -> httpcore.AsyncNetworkBackend:
    # The cast: httpcore has a stand-in of another type for where anyio is missing.
    return cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves by itself and connects to what it has checked, so that a name which changes its answer in
    between (DNS rebinding) gains nothing. TLS still goes by the name."""

    def __init__(self, guard: Guard, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception | None = None
        for address in (await self._guard.addresses(host, port))[:_TRIED]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("not over the network")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, network: httpcore.AsyncNetworkBackend, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust(),
            max_connections=connections,
            max_keepalive_connections=5,
            keepalive_expiry=15,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = await self._pool.handle_async_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


_NAMES: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.NetworkError, httpx.NetworkError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


@contextmanager
def _as_httpx() -> Generator[None]:
    try:
        yield
    except Exception as error:
        for theirs, ours in _NAMES:
            if isinstance(error, theirs):
                raise ours(str(error)) from error
        raise
