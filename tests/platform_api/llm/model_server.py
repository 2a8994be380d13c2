"""A server that speaks the wire format of chat completions, as a script tells it, on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.loopback import listening

Chunk = dict[str, Any] | str | float | asyncio.Event
"""JSON for a chunk, raw text, seconds to wait, or an event to wait for."""
DONE = "data: [DONE]\n\n"


@dataclass
class Reply:
    """One answer: a stream of chunks, or a status with a body."""

    chunks: Sequence[Chunk] = ()
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False
    """The connection breaks after the chunks."""


def chunk(
    content: str | None = None,
    *,
    calls: list[dict[str, Any]] | None = None,
    finish: str | None = None,
    usage: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """A chunk as OpenAI sends it; with `usage` the last one, which has no choices."""
    delta: dict[str, Any] = {"role": "assistant"}
    if content is not None:
        delta["content"] = content
    if calls:
        delta["tool_calls"] = calls
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test"}
    if usage:
        read, written = usage
        counted = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return about | {"choices": [], "usage": counted}
    return about | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def text(*pieces: str, usage: tuple[int, int] = (20, 7)) -> Reply:
    chunks = [chunk(piece) for piece in pieces]
    return Reply([*chunks, chunk(finish="stop"), chunk(usage=usage), DONE])


def tool_call(name: str, *arguments: str, call_id: str = "call_1") -> Reply:
    """A call whose arguments arrive in these pieces, as they do."""
    head = {"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in arguments]
    chunks = [chunk(calls=[head]), *(chunk(calls=[one]) for one in rest)]
    return Reply([*chunks, chunk(finish="tool_calls"), chunk(usage=(11, 3)), DONE])


class ModelServer:
    """Answers the n-th request with the n-th reply; the last one again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [text("Hello.")]
        self.reply_to: Callable[[dict[str, Any]], Reply] | None = None
        """Answers by what was asked, instead of `replies`."""
        self.asked: list[dict[str, Any]] = []
        self.url = ""
        self.reached = asyncio.Event()
        """Set when a reply comes to an event that it waits for."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        in_turn = self.replies[min(len(self.asked), len(self.replies)) - 1]
        reply = self.reply_to(self.asked[-1]) if self.reply_to else in_turn
        if reply.status != 200:
            return web.Response(status=reply.status, text=reply.body, headers=reply.headers)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in reply.chunks:
            if isinstance(part, asyncio.Event):
                self.reached.set()
            await _send(response, part)
        if reply.cut and request.transport:
            request.transport.abort()
        return response


async def _send(response: web.StreamResponse, part: Chunk) -> None:
    if isinstance(part, asyncio.Event):
        await part.wait()
    elif isinstance(part, float):
        await asyncio.sleep(part)
    else:
        data = part if isinstance(part, str) else f"data: {json.dumps(part)}\n\n"
        await response.write(data.encode())


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    server = ModelServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    async with listening(app) as address:
        server.url = f"{address}/v1"
        yield server
