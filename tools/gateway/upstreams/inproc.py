"""A tool server in this process: a direct bridge into its ASGI app.

The transports of httpx buffer and copy a whole response; here bytes are handed over as they are.
The app's lifespan runs in a task of its own, since its task groups must end where they began.
"""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.types import ASGIApp

from kit.errors import SwitchboardError, Unavailable, UpstreamFailed
from kit.wire.mcp import SESSION_HEADER
from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.upstreams.events import EventReader
from tools.gateway.upstreams.port import Heard, UpstreamAnswer

_PATH = "/mcp"
_START_S = 30.0
Message = MutableMapping[str, Any]


class InProcessUpstream:
    def __init__(self, app: ASGIApp, result_limit: int) -> None:
        self._app = app
        self._limit = result_limit
        self._lifespan = Lifespan(app)

    async def start(self) -> None:
        await self._lifespan.start()

    async def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> UpstreamAnswer:
        return await self._exchange("POST", body, headers, None)

    async def stream(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard
    ) -> UpstreamAnswer:
        return await self._exchange(method, body, headers, heard)

    async def _exchange(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard | None
    ) -> UpstreamAnswer:
        exchange = _Exchange(body, self._limit, heard)
        try:
            await self._app(_scope(method, headers), exchange.receive, exchange.send)
        except SwitchboardError:
            raise
        except Exception as error:
            raise UpstreamFailed("This tool's server failed.") from error
        return exchange.answer()

    async def close(self) -> None:
        await self._lifespan.stop()


class _Exchange:
    """One request and its response, seen from the server's side of ASGI."""

    def __init__(self, body: bytes, limit: int, heard: Heard | None) -> None:
        self._body: bytes | None = body
        self._limit = limit
        self._heard = heard
        self._events: EventReader | None = None
        self._status = 0
        self._type = ""
        self._session = ""
        self._content = bytearray()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        # a caller that goes away cancels this task; there is no other disconnect
        return await asyncio.get_running_loop().create_future()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message["status"], dict[bytes, bytes](message.get("headers", ())))
        elif message["type"] == "http.response.body":
            await self._take(message.get("body", b""))

    def _begin(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status
        self._type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
        self._session = headers.get(SESSION_HEADER.encode(), b"").decode("latin-1")
        if self._heard and self._type == "text/event-stream" and status == 200:
            self._events = EventReader(self._limit)

    async def _take(self, part: bytes) -> None:
        if self._events and self._heard:
            for event in self._events.feed(part):
                await self._heard(event)
            return
        self._content += part
        if len(self._content) > self._limit:
            raise ResultTooLarge.of(self._limit)

    def answer(self) -> UpstreamAnswer:
        if not self._status:
            raise UpstreamFailed("This tool's server gave no answer.")
        last, retry = (self._events.last_id, self._events.retry_s) if self._events else ("", 0.0)
        return UpstreamAnswer(self._status, self._type, bytes(self._content), self._session, last, retry)


def _scope(method: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": _PATH,
        "raw_path": _PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        "state": {},
    }


class Lifespan:
    """Runs an app's lifespan; `start` returns when it is up, `stop` when it is down."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        if await self._said({"type": "lifespan.startup"}) == "lifespan.startup.failed":
            raise Unavailable("A tool server in this process did not start.")

    async def stop(self) -> None:
        if self._task is None:
            return
        if not self._task.done():
            await self._said({"type": "lifespan.shutdown"})
        await self._task
        self._task = None

    async def _run(self) -> None:
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            await self._app(scope, self._inbox.get, self._outbox.put)
        finally:
            # an app that has no lifespan, or died in it, keeps nobody waiting
            self._outbox.put_nowait({"type": "lifespan.ended"})

    async def _said(self, message: Message) -> str:
        self._inbox.put_nowait(message)
        answer = await asyncio.wait_for(self._outbox.get(), _START_S)
        return str(answer["type"])
