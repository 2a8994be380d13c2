"""The pool of children that read files: one as a rule, more while files are slow, none when idle."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from knowledge.embed.port import Vectors
from knowledge.load.errors import UnreadableDocument
from knowledge.prepare.child_exit import OUT_OF_MEMORY
from knowledge.prepare.errors import PreparationFailed
from knowledge.prepare.messages import CutTask, Done, Failed, Read, ReadTask, Rows, Texts, Unreadable, rows_of
from knowledge.prepare.process import Child, ChildDied
from knowledge.prepare.settings import PrepareSettings

_log = structlog.get_logger()
Answer = Done | Unreadable | Failed
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


class Readers:
    """Places for children, each reading one file at a time.

    There is one place; a file that waits longer than patience opens another, up to the setting. A place that
    is not needed any more is closed, and so are all children after a while without work.
    """

    def __init__(self, settings: PrepareSettings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = list(command)
        # None: free, but its child is not started yet.
        self._free: asyncio.LifoQueue[Child | None] = asyncio.LifoQueue()
        self._free.put_nowait(None)
        self._places = 1
        self._children: set[Child] = set()
        self._left: list[Child] = []
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Of the running children."""
        return [child.pid for child in self._children if child.running]

    async def read(self, task: ReadTask | CutTask, embed: Embed) -> Read:
        """Raises UnreadableDocument and PreparationFailed."""
        try:
            return _result(await self._ask(task, embed))
        except ChildDied as death:
            # It may have been killed for reasons of the machine: the file gets a second chance.
            _log.warning("prepare.child_died", exit_status=death.code)
        try:
            return _result(await self._ask(task, embed))
        except ChildDied as death:
            _log.warning("prepare.child_died_again", exit_status=death.code)
            raise UnreadableDocument("too_complex", "Reading it broke the reader, twice.") from death

    async def close(self) -> None:
        """End all children; a later `read` starts a new one."""
        self._stay()
        for child in (*self._children, *self._left):
            await child.end()
        self._children.clear()
        self._left.clear()

    async def _ask(self, task: ReadTask | CutTask, embed: Embed) -> Answer:
        async with self._child() as child:
            try:
                async with asyncio.timeout(self._settings.time_limit_s):
                    return await _exchange(child, task, embed)
            except TimeoutError as error:
                await child.end()
                seconds = f"{self._settings.time_limit_s:g}"
                raise UnreadableDocument(
                    "too_complex", f"Reading it took longer than {seconds} s."
                ) from error
            except ChildDied as death:
                if death.code == OUT_OF_MEMORY:
                    limit = f"{self._settings.memory_mb:,} MB"
                    raise UnreadableDocument(
                        "too_complex", f"Reading it takes more than {limit} of memory."
                    ) from death
                raise
            except BaseException:
                # Its answer would be taken for that of the next document.
                await child.end()
                raise

    @asynccontextmanager
    async def _child(self) -> AsyncGenerator[Child]:
        place = await self._place()
        self._stay()
        child: Child | None = None
        try:
            child = place if place and place.running else await self._started()
            yield child
        finally:
            self._give_back(child)

    async def _place(self) -> Child | None:
        while True:
            try:
                async with asyncio.timeout(self._settings.patience_s):
                    return await self._free.get()
            except TimeoutError:
                if self._places < self._settings.readers:
                    self._places += 1
                    return None

    async def _started(self) -> Child:
        child = await Child.start(self._command)
        self._children.add(child)
        return child

    def _give_back(self, child: Child | None) -> None:
        kept = child if child and child.running else None
        if child and not kept:
            self._children.discard(child)
        if self._free.empty() or self._places == 1:
            self._free.put_nowait(kept)
        else:
            self._places -= 1
            self._dismiss(kept)
        if self._free.qsize() == self._places:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._settings.idle_s, self._leave)

    def _stay(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def _leave(self) -> None:
        self._idle = None
        while not self._free.empty():
            self._dismiss(self._free.get_nowait())
        self._free.put_nowait(None)
        self._places = 1

    def _dismiss(self, child: Child | None) -> None:
        if child:
            child.hang_up()
            self._children.discard(child)
            self._left = [left for left in self._left if left.running] + [child]


async def _exchange(child: Child, task: ReadTask | CutTask, embed: Embed) -> Answer:
    await child.send(task)
    while True:
        answer = await child.receive()
        if isinstance(answer, Texts):
            # Cutting by meaning needs vectors of sentences; the model is in the embedding child.
            await child.send(rows_of(await embed([one.text for one in answer.texts])))
        elif isinstance(answer, Rows):
            raise ChildDied(await child.end())
        else:
            return answer


def _result(answer: Answer) -> Read:
    if isinstance(answer, Unreadable):
        raise UnreadableDocument(answer.reason, answer.detail, hint=answer.hint)
    if isinstance(answer, Failed):
        _log.error("prepare.failed", error=answer.error)
        raise PreparationFailed("The document could not be prepared because of a fault on our side.")
    return Read(answer.document, answer.chunks)
