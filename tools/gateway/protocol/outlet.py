"""The way back to the client: plain JSON, or an event stream once there is something to say before
the answer. Most calls say nothing, and stay JSON.
"""

import asyncio
from collections.abc import Mapping
from math import ceil
from typing import Any

import msgspec
from starlette.types import Send

from tools.gateway.protocol.http import Headers, send_json, send_nothing
from tools.gateway.protocol.whole import sent_whole

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
PING_S = 15.0
_STREAM: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
# A server's result is passed on as it is, also where it is written over several lines; JSON has raw line
# ends between its tokens only.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_encode = msgspec.json.Encoder().encode


class Outlet:
    """`streams`: the client takes event streams. `log_level`: the lowest that it wants; None: every one."""

    __slots__ = (
        *("_begun", "_lock", "_pinging", "_send"),
        *("log_level", "logs", "streams", "wait_s"),
    )

    def __init__(self, send: Send, streams: bool) -> None:
        self.streams = streams
        self.log_level: str | None = None
        self.logs = True
        self.wait_s: float | None = None
        """When it may be tried again, where the answer is a refusal."""
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
        await self._write(b"event: message\ndata: %b\n\n" % message)

    async def begin(self, headers: Headers = ()) -> None:
        """Begins the stream, if it has not begun."""
        async with self._writing:
            if self._begun:
                return
            self._begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": [*_STREAM, *headers]})
        self._pinging = asyncio.create_task(self._ping())

    async def finish(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """The answer, last. In a stream the status is 200 already."""
        if not self._begun:
            await self._finish_plainly(status, body, headers)
            return
        self.close()
        event = b"event: message\ndata: %b\n\n" % body.translate(_ONE_LINE) if body else b""
        async with self._writing:
            await self._send({"type": "http.response.body", "body": event})

    async def _finish_plainly(self, status: int, body: bytes, headers: Headers) -> None:
        if self.wait_s is not None:
            headers = [*headers, (b"retry-after", b"%d" % max(1, ceil(self.wait_s)))]
        if not body:
            await send_nothing(self._send, status)
        elif status != 200 or headers or not sent_whole(self._send, body):
            await send_json(self._send, status, body, headers)

    @property
    def _writing(self) -> asyncio.Lock:
        """Most answers are plain and need none."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    def close(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
            self._pinging = None

    async def _write(self, event: bytes) -> None:
        async with self._writing:
            await self._send({"type": "http.response.body", "body": event, "more_body": True})

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
