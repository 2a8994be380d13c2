"""Our own HTTP client for tool servers: kept-open connections, the last used first."""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from kit.errors import Unavailable
from ports.http.trust import trust
from tools.gateway.places import Places
from tools.gateway.upstreams.errors import HungUp
from tools.gateway.upstreams.http1_connection import Dropped, Http1Connection
from tools.gateway.upstreams.port import FixedHeaders, UpstreamAnswer
from tools.gateway.upstreams.reach import Reach, anywhere, out_of_bounds
from tools.gateway.upstreams.turns import Measure

_CONNECT_S = 3.0
# Below the 5 s after which uvicorn drops an idle connection: equal limits fail calls.
_IDLE_S = 4.0
_SHARE_OF_THEIRS = 0.8
# A connection that was used just now is not looked at: the look costs a system call.
_FRESH_S = 0.5


class Http1Client:
    """`call` is a POST to one address. At most `connections` at once; further calls wait for one."""

    def __init__(
        self,
        address: str,
        result_limit: int,
        *,
        connections: int = 100,
        tls: ssl.SSLContext | None = None,
        reach: Reach = anywhere,
    ) -> None:
        """Raises ValueError for what is not an http(s) address."""
        target = urlsplit(address)
        if target.scheme not in ("http", "https") or not target.hostname or target.username is not None:
            raise ValueError("A tool server's address is http(s)://host[:port]/path, without credentials.")
        if out_of_bounds(target.hostname):
            raise ValueError("No tool server is at a link-local address.")
        self._host = target.hostname
        self._port = target.port or (443 if target.scheme == "https" else 80)
        self._tls = (tls or trust()) if target.scheme == "https" else None
        self._head = _head(target.netloc, target.path or "/", target.query)
        self._limit = result_limit
        self._reach = reach
        self._places = Places(connections)
        self._idle: list[Http1Connection] = []
        self._open: set[Http1Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._measure: Measure | None = None

    async def start(self) -> None:
        """Connects with the first call."""

    async def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> UpstreamAnswer:
        request = b"%b%bcontent-length: %d\r\n\r\n%b" % (self._head, _lines(headers), len(body), body)
        if not self._places.entered():
            await self._places.enter()
        try:
            connection = self._kept()
            while True:
                fresh = connection is None
                if connection is None:
                    connection = await self._connect()
                try:
                    # no coroutine for each step: every one is resumed on the way of every answer
                    return await connection.asked(request)
                except Dropped as error:
                    if fresh or not repeatable:
                        raise HungUp("This tool's server hung up.", hint=_UNKNOWN) from error
                except asyncio.CancelledError:
                    connection.close()
                    raise
                finally:
                    self._over(connection)
                connection = None
        finally:
            self._places.leave()

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()

    def _over(self, connection: Http1Connection) -> None:
        if connection.reusable:
            connection.used_at = connection.loop.time()
            self._idle.append(connection)
            if self._sweeping is None:
                self._sweep_later(connection.loop)
        else:
            self._open.discard(connection)

    def _kept(self) -> Http1Connection | None:
        """The connection used last, if it is still good: the others grow old and are closed."""
        if not self._idle:
            return None
        now = self._idle[-1].loop.time()
        while self._idle:
            connection = self._idle.pop()
            idle_s = now - connection.used_at
            good = connection.reusable and idle_s < _idle_limit(connection)
            if good and (idle_s < _FRESH_S or not connection.has_unread()):
                return connection
            connection.close()
            self._open.discard(connection)
        return None

    async def _connect(self) -> Http1Connection:
        loop = asyncio.get_running_loop()
        measure = self._measure = self._measure or Measure(loop)
        try:
            async with asyncio.timeout(_CONNECT_S):
                transport, connection = await loop.create_connection(
                    lambda: Http1Connection(self._limit, measure),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            raise Unavailable("This tool's server does not answer.", retry_after=2) from error
        peer = str(transport.get_extra_info("peername", ("",))[0])
        if out_of_bounds(peer) or not self._reach(peer):
            # nothing has been sent yet, the token least of all
            connection.close()
            raise Unavailable("This tool's server cannot be reached.", retry_after=30)
        self._open.add(connection)
        return connection

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = loop.call_later(_IDLE_S, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long: the oldest stand first."""
        self._sweeping = None
        now = asyncio.get_running_loop().time()
        kept: list[Http1Connection] = []
        for connection in self._idle:
            if connection.reusable and now - connection.used_at < _idle_limit(connection):
                kept.append(connection)
            else:
                connection.close()
                self._open.discard(connection)
        self._idle = kept
        if kept:
            self._sweep_later(kept[0].loop)


_UNKNOWN = "It is not known whether the call took effect: look before you repeat it."


def _idle_limit(connection: Http1Connection) -> float:
    theirs = connection.idle_limit_s
    return _IDLE_S if theirs is None else min(_IDLE_S, theirs * _SHARE_OF_THEIRS)


def _head(netloc: str, path: str, query: str) -> bytes:
    target = f"{path}?{query}" if query else path
    if not (target + netloc).isascii() or not (target + netloc).isprintable() or " " in target:
        raise ValueError("A tool server's address holds only printable ASCII characters.")
    return f"POST {target} HTTP/1.1\r\nhost: {netloc}\r\naccept-encoding: identity\r\n".encode()


def _lines(headers: Mapping[str, str]) -> bytes:
    if not isinstance(headers, FixedHeaders):
        return _made_lines(headers)
    if headers.lines is None:
        headers.lines = _made_lines(headers)
    return headers.lines


def _made_lines(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("A header holds a line end.")
    return lines.encode("latin-1")
