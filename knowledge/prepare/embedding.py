"""The parent's end of the child that embeds: batches are sent ahead, so that it never waits for the next."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from knowledge.embed.port import Marked, Vectors
from knowledge.prepare.errors import PreparationFailed
from knowledge.prepare.messages import Rows, Texts, vectors_of
from knowledge.prepare.process import Child, ChildDied
from knowledge.prepare.settings import PrepareSettings

_log = structlog.get_logger()


class EmbeddingChild:
    """Embeds batches in the order in which they come; started when needed, gone when idle."""

    def __init__(self, settings: PrepareSettings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = list(command)
        self._line: _Line | None = None
        self._starting = asyncio.Lock()
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the running child, or None."""
        return self._line.child.pid if self._line and self._line.open else None

    async def embed(self, texts: Sequence[Marked]) -> Vectors:
        """Raises PreparationFailed."""
        if not texts:
            return vectors_of(Rows(0, b""))
        self._users += 1
        self._stay()
        try:
            return await self._twice(Texts(list(texts)))
        finally:
            self._users -= 1
            if not self._users:
                self._leave_when_idle()

    async def close(self) -> None:
        """End the child; a later `embed` starts a new one."""
        self._stay()
        if self._line:
            await self._line.end()

    async def _twice(self, task: Texts) -> Vectors:
        for attempt in (1, 2):
            try:
                return await (await self._running()).ask(task)
            except ChildDied as death:
                _log.warning("prepare.embedding_child_died", exit_status=death.code, attempt=attempt)
        raise PreparationFailed("Texts could not be embedded because of a fault on our side.")

    async def _running(self) -> "_Line":
        async with self._starting:
            if self._line is None or not self._line.open:
                self._line = _Line(await Child.start(self._command), self._settings.embed_limit_s)
            return self._line

    def _stay(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def _leave_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._settings.idle_s, self._hang_up)

    def _hang_up(self) -> None:
        self._idle = None
        if self._line:
            self._line.hang_up()


class _Line:
    """One child and those who wait for its answers, in order."""

    def __init__(self, child: Child, limit_s: float) -> None:
        self.child = child
        self._limit_s = limit_s
        self._waiting: deque[asyncio.Future[Vectors]] = deque()
        self._sending = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._hung_up = False

    @property
    def open(self) -> bool:
        return self.child.running and not self._hung_up

    async def ask(self, task: Texts) -> Vectors:
        """Raises ChildDied and PreparationFailed. Whoever gives up leaves its answer unheard."""
        answer: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        async with self._sending:
            self._waiting.append(answer)
            await self.child.send(task)
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        return await answer

    def hang_up(self) -> None:
        self._hung_up = True
        self.child.hang_up()

    async def end(self) -> None:
        await self.child.end()
        if self._listening:
            await self._listening
        self._fail(ChildDied(None))

    async def _listen(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                async with asyncio.timeout(self._limit_s):
                    answer = await self.child.receive()
                waiting = self._waiting.popleft()
                if waiting.done():
                    continue
                if isinstance(answer, Rows):
                    waiting.set_result(vectors_of(answer))
                else:
                    _log.error("prepare.embedding_failed", error=str(answer)[:500])
                    waiting.set_exception(PreparationFailed("Texts could not be embedded."))
        except TimeoutError:
            await self.child.end()
            self._fail(ChildDied(None))
        except ChildDied as death:
            self._fail(death)

    def _fail(self, death: ChildDied) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(death)
