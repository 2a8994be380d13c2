"""The little of the platform that a bot needs: state with versions, links, and answers from a script. It is
the wire of SPEC 3 and 4; the real one stands in tests/slack."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests import scripted_platform as say
from tests.loopback import listening
from tests.scripted_platform import sse

Json = dict[str, Any]


@dataclass(slots=True)
class Entry:
    value: Json
    version: int = 1
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def shown(self, key: str) -> Json:
        shown = {"key": key, "value": self.value, "version": self.version}
        return {**shown, "updated_at": self.updated_at.isoformat()}


class SmallPlatform:
    """`answers`: events by the message that is asked; others get `answer`. `hold` keeps every answer back."""

    def __init__(self) -> None:
        self.url = ""
        self.state: dict[str, Entry] = {}
        self.asked: list[tuple[str, str, Json]] = []
        """(identity, key, body) of every question."""
        self.answers: dict[str, list[Json]] = {}
        self.away = False
        self.hold: asyncio.Event | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called after each request, for whoever waits."""

    def unfinished(self) -> list[str]:
        return [key for key in self.state if key.startswith("turn/")]

    def grow_old(self, prefix: str) -> None:
        """As if nobody had looked after them for long."""
        for key, entry in self.state.items():
            if key.startswith(prefix):
                entry.updated_at -= timedelta(minutes=5)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._handled(request)
        finally:
            self.changed()

    async def _handled(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if self.away:
            return _problem(503, "unavailable")
        if path.startswith("/api/v1/channels/slack/state"):
            return await self._state(request, path.removeprefix("/api/v1/channels/slack/state").lstrip("/"))
        if path == "/api/v1/links":
            body = await request.json()
            return web.json_response({"identity": body["identity"], "linked": True, "user_name": "Maya"})
        if path == "/api/v1/deliveries/claim":
            await asyncio.sleep(0.2)
            return web.json_response({"items": []})
        if path == "/api/v1/chat/stream":
            return await self._chat(request)
        return _problem(404, "not_found")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        who = request.headers.get("X-Act-As", "")
        self.asked.append((who, request.headers.get("Idempotency-Key", ""), body))
        self.changed()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(sse(say.started()))
        if self.hold is not None:
            await self.hold.wait()
        for event in self.answers.get(body["message"], plain("25 days of leave. [1]")):
            await response.write(sse(event))
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def _state(self, request: web.Request, key: str) -> web.StreamResponse:
        if request.method == "GET" and not key:
            prefix = request.query.get("prefix", "")
            items = [one.shown(name) for name, one in sorted(self.state.items()) if name.startswith(prefix)]
            return web.json_response({"items": items})
        found = self.state.get(key)
        if request.method == "GET":
            return web.json_response(found.shown(key)) if found else _problem(404, "no_such_state")
        if request.method == "DELETE":
            self.state.pop(key, None)
            return web.Response(status=204)
        asked = await request.json()
        version = found.version if found else 0
        if asked.get("version") is not None and asked["version"] != version:
            return _problem(409, "state_changed")
        self.state[key] = Entry(asked["value"], version + 1)
        return web.json_response(self.state[key].shown(key))


def plain(text: str) -> list[Json]:
    """An answer in one piece, with its source."""
    return [say.status(2), say.cited(3), say.delta(4, text), say.completed(5, text)]


@asynccontextmanager
async def running() -> AsyncGenerator[SmallPlatform]:
    platform = SmallPlatform()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", platform.handle)
    async with listening(app) as platform.url:
        yield platform


def _problem(status: int, code: str) -> web.Response:
    return web.Response(
        body=json.dumps(say.problem(status, code)).encode(),
        status=status,
        content_type="application/problem+json",
    )
