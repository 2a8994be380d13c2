"""The line between a bot and its platform, for tests that cut it or say something else on it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests import scripted_platform as wire
from tests.loopback import listening
from tests.scripted_platform import Answer, Stream

_HOP = frozenset({"transfer-encoding", "connection", "content-length", "host", "server", "date"})


@dataclass(frozen=True, slots=True)
class Cut:
    """The platform's real answer, broken off after so many bytes of it."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """The platform's real answer, not before this."""

    until: asyncio.Event


@dataclass(frozen=True, slots=True)
class Spoken:
    """Server-sent events with a pause between them, as a model that thinks while it speaks. `cut`: the line
    breaks after the last one."""

    events: Sequence[bytes]
    pause_s: float = 0.3
    cut: bool = False


Step = Answer | Stream | Cut | Held | Spoken


class Wire:
    """Passes everything on; `on(...)` says what happens to the next requests of a path instead."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._steps: dict[tuple[str, str], deque[Step]] = {}
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self.passed: list[str] = []
        self.answered: list[tuple[str, int]] = []
        """`METHOD path`, and the status that the platform answered with."""
        self._marked = 0
        self._came = asyncio.Event()

    def on(self, method: str, path: str, *steps: Step) -> None:
        """One step per request, then it passes again."""
        self._steps[method, path] = deque(steps)

    def clear(self) -> None:
        self._steps.clear()

    async def reached(self, method: str, path: str, within_s: float = 30.0) -> None:
        """Until this has been asked since `mark`."""
        async with asyncio.timeout(within_s):
            while f"{method} {path}" not in self.passed[self._marked :]:
                self._came.clear()
                await self._came.wait()

    def mark(self) -> None:
        """From here on `reached` looks."""
        self._marked = len(self.passed)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.passed.append(f"{request.method} {request.path}")
        self._came.set()
        steps = self._steps.get((request.method, request.path))
        step = steps.popleft() if steps else None
        if isinstance(step, Answer | Stream):
            await request.read()
            return await wire.play(request, step)
        if isinstance(step, Spoken):
            return await _speak(request, step)
        if isinstance(step, Held):
            await step.until.wait()
        return await self._pass(request, step.after_bytes if isinstance(step, Cut) else None)

    async def _pass(self, request: web.Request, most: int | None) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        try:
            return await self._passed(request, headers, await request.read(), most)
        except (aiohttp.ClientError, ConnectionError):
            return _broken(request)

    async def _passed(
        self, request: web.Request, headers: dict[str, str], body: bytes, most: int | None
    ) -> web.StreamResponse:
        assert self._session is not None
        asking = self._session.request(
            request.method, self._target + request.path_qs, headers=headers, data=body, allow_redirects=False
        )
        async with asking as answer:
            self.answered.append((f"{request.method} {request.path}", answer.status))
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                if most is not None and (most := most - len(piece)) <= 0:
                    return _broken(request)
                await response.write(piece)
            await response.write_eof()
            return response

    @classmethod
    @asynccontextmanager
    async def to(cls, target: str) -> AsyncGenerator["Wire"]:
        line = cls(target)
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{path:.*}", line.handle)
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout)
        async with session as line._session:
            async with listening(app) as line.url:
                yield line


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _speak(request: web.Request, step: Spoken) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    with suppress(ConnectionError):  # who asked has gone
        for event in step.events:
            await response.write(event)
            await asyncio.sleep(step.pause_s)
        if step.cut:
            return _broken(request)
        await response.write_eof()
    return response


def said(*pieces: str, pause_s: float = 0.0, citations: Sequence[int] = (1,)) -> Spoken:
    """A whole turn in which the platform says these pieces."""
    events = [wire.started(1), wire.status(2)]
    events += [wire.delta(3 + n, piece) for n, piece in enumerate(pieces)]
    events += [wire.cited(len(events) + 1 + n, which) for n, which in enumerate(citations)]
    kept = [wire.citation(n) for n in citations]
    events.append(wire.completed(len(events) + 1, "".join(pieces), citations=kept))
    return Spoken([wire.sse(event) for event in events], pause_s)
