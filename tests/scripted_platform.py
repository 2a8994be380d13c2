"""A platform on loopback that answers what a test tells it to: the wire of SPEC 3 and 4 by hand,
so that the client meets cut streams, limits and garbage that a healthy platform never sends."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.loopback import listening

SESSION = UUID("00000000-0000-4000-8000-00000000005e")
TURN = UUID("00000000-0000-4000-8000-0000000000ab")
MESSAGE = UUID("00000000-0000-4000-8000-0000000000cd")
NOW = "2026-11-21T10:00:00Z"


@dataclass(frozen=True)
class Answer:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: asyncio.Event | None = None
    """Not before this."""


@dataclass(frozen=True)
class Stream:
    """Server-sent events; `cut` breaks the connection after them instead of ending it cleanly."""

    pieces: Sequence[bytes]
    cut: bool = False


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


class ScriptedPlatform:
    """`on(...)` says what a path answers, one step per request; the last step stays."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._steps: dict[tuple[str, str], deque[Answer | Stream]] = defaultdict(deque)

    def on(self, method: str, path: str, *steps: Answer | Stream) -> None:
        self._steps[method, path] = deque(steps)

    def requests(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = dict(request.query)
        self.seen.append(Seen(request.method, request.path, query, request.headers.copy(), body))
        steps = self._steps.get((request.method, request.path))
        if not steps:
            return _answer(Answer(problem(404, "not_found"), 404))
        step = steps.popleft() if len(steps) > 1 else steps[0]
        if isinstance(step, Answer) and step.after:
            await step.after.wait()
        return await play(request, step)


@asynccontextmanager
async def running() -> AsyncIterator[ScriptedPlatform]:
    platform = ScriptedPlatform()
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/{path:.*}", platform.handle)
    async with listening(app) as platform.url:
        yield platform


async def play(request: web.Request, step: Answer | Stream) -> web.StreamResponse:
    return await _stream(request, step) if isinstance(step, Stream) else _answer(step)


def _answer(step: Answer) -> web.Response:
    body = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
    kind = "application/problem+json" if step.status >= 400 else "application/json"
    return web.Response(body=body, status=step.status, headers={"Content-Type": kind, **step.headers})


async def _stream(request: web.Request, step: Stream) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for piece in step.pieces:
        await response.write(piece)
    if step.cut:
        transport = request.transport
        assert transport is not None
        transport.close()
    else:
        await response.write_eof()
    return response


def sse(event: Mapping[str, Any]) -> bytes:
    return f"id: {event.get('seq', 0)}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def problem(status: int, code: str, detail: str = "It did not work.") -> dict[str, Any]:
    return {
        "type": f"https://switchboard.dev/errors/{code}",
        "title": "Problem",
        "status": status,
        "detail": detail,
        "code": code,
        "hint": "Do something else.",
        "request_id": "req-from-platform",
    }


def started(seq: int = 1) -> dict[str, Any]:
    return _event("turn.started", seq, session_id=str(SESSION), request_id="req-1")


def status(seq: int, text: str = "Searching the documents") -> dict[str, Any]:
    return _event("turn.status", seq, stage="searching", text=text)


def delta(seq: int, text: str) -> dict[str, Any]:
    return _event("answer.delta", seq, text=text)


def citation(n: int = 1, **changes: Any) -> dict[str, Any]:
    fields = {
        "n": n,
        "sentence": "You get 25 days of leave.",
        "doc_id": str(UUID(int=n)),
        "chunk_id": str(UUID(int=1000 + n)),
        "url": f"http://localhost:8000/api/v1/documents/{UUID(int=n)}/content#days",
        "title": "Leave",
        "section": "Days",
        "quote": "Full-time staff get 25 days of leave.",
        "confidence": 0.97,
    }
    return {**fields, **changes}


def cited(seq: int, n: int = 1, **changes: Any) -> dict[str, Any]:
    return _event("answer.citation", seq, citation=citation(n, **changes))


def completed(seq: int, text: str = "You get 25 days of leave. [1]", **changes: Any) -> dict[str, Any]:
    fields = {
        "session_id": str(SESSION),
        "message_id": str(MESSAGE),
        "request_id": "req-1",
        "outcome": "answered",
        "text": text,
        "citations": [citation()],
        "usage": {"model": "extractive"},
        "timings": {"total_ms": 12.0},
    }
    return _event("turn.completed", seq, **{**fields, **changes})


def failed(seq: int) -> dict[str, Any]:
    return _event(
        "turn.failed",
        seq,
        code="interrupted",
        detail="The turn was interrupted.",
        hint="Ask again.",
        request_id="req-1",
        retryable=True,
    )


def _event(kind: str, seq: int, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "turn_id": str(TURN), "seq": seq, **fields}
