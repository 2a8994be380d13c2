"""The way back to the client: plain JSON, or an event stream once there is something to say before
the answer. Most calls say nothing, and stay JSON.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from math import ceil
from typing import Any, Protocol

import msgspec
from starlette.types import Send

from tools.gateway.protocol.http import Headers, send_json, send_nothing
from tools.gateway.protocol.whole import sent_whole

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
PING_S = 15.0
RETRY_MS = 1000
"""How long a client waits before it comes back."""
_STREAM: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
# A server's result is passed on as it is, also where it is written over several lines; JSON has raw line
# ends between its tokens only.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


class _Sent:
    """Nothing to wait for, without a coroutine for it."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_SENT = _Sent()
_encode = msgspec.json.Encoder().encode


class Keeping(Protocol):
    """Keeps the events of one stream for a client that comes back."""

    async def keep(self, message: bytes, *, last: bool = False) -> str:
        """The event's id; empty where it could not be kept."""
        ...

    async def until_given_up(self) -> None:
        """Returns when nobody will come back any more."""
        ...

    def close(self) -> None: ...


class Outlet:
    """`streams`: the client takes event streams. `log_level`: the lowest that it wants; None: every one.
    `keeper`: makes what keeps this stream, if it becomes one. `primed`: the client takes events without data.
    """

    __slots__ = (
        *("_begun", "_kept", "_lock", "_pinging", "_send"),
        *("keeper", "log_level", "logs", "primed", "streams", "wait_s"),
    )

    def __init__(self, send: Send, streams: bool) -> None:
        self.streams = streams
        self.log_level: str | None = None
        self.logs = True
        self.wait_s: float | None = None
        """When it may be tried again, where the answer is a refusal."""
        self.keeper: Callable[[], Keeping | None] | None = None
        self.primed = False
        self._kept: Keeping | None = None
        self._send = send
        self._begun = False
        self._lock: asyncio.Lock | None = None
        self._pinging: asyncio.Task[None] | None = None

    async def tell(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "notifications/message" and not self._wanted(params.get("level")):
            return
        await self.say(_encode({"jsonrpc": "2.0", "method": method, "params": params}))

    async def say(self, message: bytes) -> None:
        """One message before the answer; dropped where the client takes no streams."""
        if not self.streams:
            return
        await self.begin()
        async with self._writing:
            await self._send(_part(await self._event(message)))

    async def pass_on(self, message: bytes, id: str) -> None:
        """An event under an id that it has already, or will never be asked for by."""
        await self.begin()
        if message:
            await self._write(_event(message, id))

    async def begin(self, headers: Headers = ()) -> None:
        """Begins the stream, if it has not begun."""
        async with self._writing:
            if self._begun:
                return
            self._begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": [*_STREAM, *headers]})
            await self._begin_keeping()
        self._pinging = asyncio.create_task(self._ping())

    def finish(self, status: int, body: bytes, headers: Headers = ()) -> Awaitable[None]:
        """The answer, last; sent once this is awaited. In a stream the status is 200 already."""
        plain = not self._begun and status == 200 and not headers and self.wait_s is None and body
        if plain and sent_whole(self._send, body):
            return _SENT
        return self._finish(status, body, headers)

    async def _finish(self, status: int, body: bytes, headers: Headers) -> None:
        if not self._begun:
            await self._finish_plainly(status, body, headers)
            return
        self._stop_pinging()
        async with self._writing:
            event = await self._event(body.translate(_ONE_LINE), last=True)
            await self._send({"type": "http.response.body", "body": event})

    async def left(self) -> None:
        """The client is gone: returns when nobody can or will take this stream up any more."""
        if self._kept is not None:
            self._stop_pinging()
            await self._kept.until_given_up()

    async def _finish_plainly(self, status: int, body: bytes, headers: Headers) -> None:
        if self.wait_s is not None:
            headers = [*headers, (b"retry-after", b"%d" % max(1, ceil(self.wait_s)))]
        if not body:
            await send_nothing(self._send, status)
        else:
            await send_json(self._send, status, body, headers)

    @property
    def _writing(self) -> asyncio.Lock:
        """Most answers are plain and need none."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    def close(self) -> None:
        self._stop_pinging()
        if self._kept is not None:
            self._kept.close()

    def _stop_pinging(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
            self._pinging = None

    async def _begin_keeping(self) -> None:
        """An event without data tells the client at once where it can go on (2025-11-25)."""
        self._kept = self.keeper() if self.keeper is not None else None
        id = await self._kept.keep(b"") if self._kept is not None else ""
        if not id:
            self._kept = None
        elif self.primed:
            await self._send(_part(b"id: %b\nretry: %d\ndata:\n\n" % (id.encode(), RETRY_MS)))

    async def _event(self, message: bytes, *, last: bool = False) -> bytes:
        """As it goes over the wire; kept before that, so that what was seen can always be named."""
        id = await self._kept.keep(message, last=last) if self._kept is not None else ""
        return _event(message, id) if message else b""

    async def _write(self, event: bytes) -> None:
        async with self._writing:
            await self._send(_part(event))

    async def _ping(self) -> None:
        # proxies close what is silent, and a person may think for minutes
        while True:
            await asyncio.sleep(PING_S)
            await self._write(b": ping\n\n")

    def _wanted(self, level: Any) -> bool:
        if not self.logs:
            return False
        if self.log_level is None or level not in LEVELS or self.log_level not in LEVELS:
            return True
        return LEVELS.index(level) >= LEVELS.index(self.log_level)


def _event(message: bytes, id: str) -> bytes:
    if not id:
        return b"event: message\ndata: %b\n\n" % message
    return b"event: message\nid: %b\ndata: %b\n\n" % (id.encode(), message)


def _part(event: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": event, "more_body": True}
