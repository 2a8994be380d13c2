"""Opens an address that somebody named: every hop checked, every size and time bounded."""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import IO, Self

import httpcore
import httpx

from ports.http.errors import FetchFailed
from ports.http.guard import Guard
from ports.http.guarded import guarded_client

_MEGABYTE = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_INFLATE_STEP = 256 * 1024
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """`max_bytes` counts what was unpacked, too; `within_s` is for all hops together."""

    max_bytes: int = 25 * _MEGABYTE
    redirects: int = 5
    within_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """`body` is empty where the caller did not want it, or where it went into `into`."""

    url: str
    """Where the answer came from in the end."""
    status: int
    headers: httpx.Headers
    body: bytes = b""
    hops: tuple[Hop, ...] = ()
    read: bool = True
    """Whether the body was read to its end."""


def _want_all(status: int, headers: httpx.Headers) -> bool:
    return status == 200


def _follow_all(url: str) -> bool:
    return True


Wants = Callable[[int, httpx.Headers], bool]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call of `fetch`, through all its hops."""

    wants: Wants
    may_follow: Callable[[str], bool]
    limits: FetchLimits
    data: bytes | None
    into: IO[bytes] | None


@dataclass(slots=True)
class Fetcher:
    """`async with Fetcher(guard, "MyBot/1.0 (+mailto:…)") as fetcher: await fetcher.fetch(url)`."""

    guard: Guard
    user_agent: str
    limits: FetchLimits = field(default_factory=FetchLimits)
    network: httpcore.AsyncNetworkBackend | None = None
    _client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self._client = guarded_client(self.guard, network=self.network)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        wants: Wants = _want_all,
        may_follow: Callable[[str], bool] = _follow_all,
        limits: FetchLimits | None = None,
        data: bytes | None = None,
        into: IO[bytes] | None = None,
    ) -> Fetched:
        """GET, or POST of `data`. The body is read only where `wants` says so of status and headers.

        A redirect to where `may_follow` says no is answered as it is; one of a POST is never followed.
        Raises AddressRefused, FetchFailed.
        """
        asked = _Asked(wants, may_follow, limits or self.limits, data, into)
        try:
            async with asyncio.timeout(asked.limits.within_s):
                return await self._follow(asked, url, dict(headers or {}))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise FetchFailed("timed_out", "The site did not answer in time.") from error
        except (httpx.RemoteProtocolError, zlib.error) as error:
            raise FetchFailed("bad_response", "The site's answer could not be understood.") from error
        except httpx.TransportError as error:
            raise FetchFailed("unreachable", "The site cannot be reached.") from error

    async def _follow(self, asked: _Asked, url: str, headers: dict[str, str]) -> Fetched:
        hops: list[Hop] = []
        while True:
            self.guard.target(url)
            answer = await self._once(asked, url, headers)
            to = _redirected(answer)
            if to is None or asked.data is not None or not asked.may_follow(to):
                return replace(answer, hops=tuple(hops))
            hops.append(Hop(url, answer.status))
            if len(hops) > asked.limits.redirects:
                raise FetchFailed("too_many_redirects", "The site redirects in circles.")
            # What was asked of one page is not true of another.
            headers = {name: value for name, value in headers.items() if not name.lower().startswith("if-")}
            url = to

    async def _once(self, asked: _Asked, url: str, headers: dict[str, str]) -> Fetched:
        sent = {"User-Agent": self.user_agent, "Accept-Encoding": "gzip", **headers}
        method = "GET" if asked.data is None else "POST"
        async with self._client.stream(method, url, headers=sent, content=asked.data) as response:
            status, found = response.status_code, response.headers
            if status in _REDIRECTS or not asked.wants(status, found):
                return Fetched(url, status, found, read=False)
            return Fetched(url, status, found, await _body(response, asked.limits.max_bytes, asked.into))


def _redirected(answer: Fetched) -> str | None:
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or not location:
        return None
    try:
        return str(httpx.URL(answer.url).join(location).copy_with(fragment=None))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed("bad_response", "The site redirects to something that is no address.") from error


async def _body(response: httpx.Response, max_bytes: int, into: IO[bytes] | None) -> bytes:
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    unpacker = _Unpacker(response.headers.get("content-encoding", "").strip().lower(), max_bytes)
    parts = bytearray()
    async for raw in response.aiter_raw():
        for part in unpacker.unpack(raw):
            if into is None:
                parts += part
            else:
                into.write(part)
    return bytes(parts)


class _Unpacker:
    """Our own, since httpx unpacks a whole piece at once, and a small piece can unpack to gigabytes."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        if encoding not in _ENCODINGS:
            raise FetchFailed("bad_response", "The site sends a compression that was not asked for.")
        # 32: zlib or gzip, as the header says.
        self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS) if encoding not in ("", "identity") else None
        self._max = max_bytes
        self._count = 0

    def unpack(self, raw: bytes) -> list[bytes]:
        parts: list[bytes] = []
        if self._inflate is None:
            self._add(parts, raw)
            return parts
        while raw:
            self._add(parts, self._inflate.decompress(raw, _INFLATE_STEP))
            raw = self._inflate.unconsumed_tail
        return parts

    def _add(self, parts: list[bytes], part: bytes) -> None:
        self._count += len(part)
        if self._count > self._max:
            raise _too_large(self._max)
        parts.append(part)


def _too_large(max_bytes: int) -> FetchFailed:
    return FetchFailed(
        "too_large", f"It is larger than {max_bytes // _MEGABYTE or 1} MB, which is the limit."
    )
