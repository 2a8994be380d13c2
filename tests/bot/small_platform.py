"""The little of the platform that a bot needs: state with versions, links, and answers from a script. It is
the wire of SPEC 3 and 4; the real one stands in tests/slack."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

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
        self.interactions: dict[str, tuple[str, Json]] = {}
        """Who may answer it, and what it is."""
        self.responded: list[tuple[str, Json]] = []
        self.wrong: list[Json] = []
        """What the next answer to a form is refused with."""
        self.uploaded: list[tuple[str, str]] = []
        """(identity, key) of every upload."""
        self.voted: list[tuple[str, Json]] = []
        self.deliveries: list[Json] = []
        self.acknowledged: list[Json] = []
        self.away = False
        self.lost = 0
        """So many changes of the state are made, and their answers are not."""
        self.slowly: asyncio.Event | None = None
        """Until then nobody hears of an interaction."""
        self.hold: asyncio.Event | None = None
        self.hold_at = 0
        """Before which event."""
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
            if request.path != "/api/v1/deliveries/claim":
                self.changed()

    async def _handled(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if self.away:
            return _problem(503, "unavailable")
        if found := re.match(r"/api/v1/channels/(?:slack|teams)/state/?", path):
            return await self._state(request, path[found.end() :])
        if path == "/api/v1/links":
            body = await request.json()
            return web.json_response({"identity": body["identity"], "linked": True, "user_name": "Maya"})
        if path.startswith("/api/v1/deliveries/"):
            return await self._delivered(request)
        if path == "/api/v1/chat/stream":
            return await self._chat(request)
        if path.startswith("/api/v1/interactions/"):
            return await self._interaction(request)
        if path.startswith(f"/api/v1/sessions/{say.SESSION}/turns/"):
            return await self._said(request, plain("It is booked. [1]"))
        if path.endswith("/feedback"):
            self.voted.append((_who(request), await request.json()))
            return web.Response(status=204)
        if path in _FOUND:
            return web.json_response(_FOUND[path])
        if path.endswith("/documents") and request.method == "POST":
            self.uploaded.append((_who(request), request.headers["Idempotency-Key"]))
            return web.json_response(ACCEPTED)
        return _problem(404, "not_found")

    def ask(self, text: str, whose: str, **fields: Any) -> str:
        """Whoever asks this is asked back."""
        identity = str(uuid4())
        form = {"key": "form", "message": "Please fill this in.", "requested_schema": SCHEMA}
        self.interactions[identity] = (whose, _interaction(identity, forms=[form], **fields))
        asked = {"type": "interaction.requested", "seq": 2, "turn_id": str(say.TURN), "ts": say.NOW}
        asked |= {"interaction_id": identity, "kind": "form", "form": form, "expires_at": LATER}
        self.answers[text] = [asked]
        return identity

    async def _delivered(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/ack"):
            self.acknowledged.append(await request.json())
            return web.Response(status=204)
        if not self.deliveries:
            await asyncio.sleep(0.1)
        items, self.deliveries = self.deliveries, []
        return web.json_response({"items": items})

    async def _interaction(self, request: web.Request) -> web.StreamResponse:
        identity, _, verb = request.path.removeprefix("/api/v1/interactions/").partition("/")
        if self.slowly is not None:
            await self.slowly.wait()
        whose, found = self.interactions[identity]
        if _who(request) != whose:
            return _problem(404, "not_found")
        if verb == "respond":
            return self._responded(found, _who(request), await request.json())
        return web.json_response(found)

    def _responded(self, found: Json, who: str, body: Json) -> web.Response:
        self.responded.append((who, body))
        if self.wrong:
            told = {**say.problem(422, "answer_invalid"), "errors": self.wrong}
            self.wrong = []
            return web.json_response(told, status=422, content_type="application/problem+json")
        found |= {"status": "answered", "outcome": body["action"], "continued_by": str(say.TURN)}
        told = {"interaction_id": found["id"], "status": "answered", "turn_id": str(say.TURN)}
        return web.json_response(told, status=202)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append((_who(request), request.headers.get("Idempotency-Key", ""), body))
        self.changed()
        answer = self.answers.get(body["message"], plain("25 days of leave. [1]"))
        return await self._said(request, answer)

    async def _said(self, request: web.Request, events: list[Json]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(sse(say.started()))
        for number, event in enumerate(events):
            if self.hold is not None and number == self.hold_at:
                await self.hold.wait()
            await response.write(sse(event))
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def _state(self, request: web.Request, key: str) -> web.StreamResponse:
        if request.method == "GET" and not key:
            prefix = request.query.get("prefix", "")
            items = [one.shown(name) for name, one in sorted(self.state.items()) if name.startswith(prefix)]
            return web.json_response({"items": items})
        if request.method == "POST":
            done = self._steps((await request.json())["steps"])
            if self.lost and (lost := self.lost):
                self.lost = lost - 1
                return _problem(503, "unavailable")
            return done
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

    def _steps(self, steps: list[Json]) -> web.StreamResponse:
        """All or none."""
        before, shown = dict(self.state), list[Json | None]()
        for step in steps:
            key, found = step["key"], self.state.get(step["key"])
            version = found.version if found else 0
            if step["do"] == "remove":
                self.state.pop(key, None)
            elif step["do"] == "put":
                if step.get("version") is not None and step["version"] != version:
                    self.state = before
                    return _problem(409, "state_changed")
                self.state[key] = Entry(step["value"], version + 1)
            now = self.state.get(key)
            shown.append(now.shown(key) if now else None)
        return web.json_response({"items": shown})


LATER = "2030-01-01T00:00:00Z"
BASE, JOB = str(UUID(int=77)), str(UUID(int=78))
SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string", "title": "Topic"}},
    "required": ["topic"],
}
ACCEPTED = {
    "documents": [{"id": str(UUID(int=79)), "title": "Rates", "status": "queued"}],
    "job_id": JOB,
}
_FINISHED = {
    "id": JOB,
    "kind": "ingest",
    "status": "succeeded",
    "progress": {"done": 1, "total": 1, "stage": "done"},
    "created_at": say.NOW,
    "finished_at": say.NOW,
}
_ME: Json = {
    "id": str(UUID(int=5)),
    "organisation_id": str(UUID(int=6)),
    "name": "Maya",
    "email": "maya@example.com",
    "groups": [],
    "roles": [],
    "permissions": [],
}
_BASE: Json = {
    "id": BASE,
    "name": "Mine",
    "owner_type": "user",
    "owner_id": _ME["id"],
    "documents": 0,
    "created_at": say.NOW,
}
_FOUND: dict[str, Any] = {
    "/api/v1/me": _ME,
    "/api/v1/knowledge-bases": {"items": [_BASE]},
    f"/api/v1/jobs/{JOB}": _FINISHED,
}


def delivery(kind: str, to: str, payload: Json) -> Json:
    made = {"id": str(uuid4()), "lease": str(uuid4()), "kind": kind, "to": to, "payload": payload}
    return {**made, "attempt": 1, "created_at": say.NOW, "expires_at": LATER}


def _interaction(identity: str, **fields: Any) -> Json:
    made = {"id": identity, "kind": "form", "status": "open", "title": "Book a meeting", "tool": "book"}
    made |= {"session_id": str(say.SESSION), "turn_id": str(say.TURN), "created_at": say.NOW}
    return {**made, "expires_at": LATER, **fields}


def _who(request: web.Request) -> str:
    return request.headers.get("X-Act-As", "")


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
