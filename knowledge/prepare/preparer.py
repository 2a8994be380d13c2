"""The parent's side: one child at a time, started when needed, killed when it hangs, gone when idle."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
import structlog
from pydantic import Field

from kit.errors import SwitchboardError
from kit.settings import Settings
from knowledge.load.errors import UnreadableDocument
from knowledge.prepare.child_exit import OUT_OF_MEMORY
from knowledge.prepare.messages import (
    Answer,
    Failed,
    FrameTooLong,
    Prepared,
    Task,
    Unreadable,
    decode_answer,
    frame,
    frame_length,
    prepared,
)

_log = structlog.get_logger()
# Parsing runs on files from outside: the child gets no passwords, keys or addresses of ours.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SYSTEMROOT")


class PrepareSettings(Settings):
    section: ClassVar[str] = "prepare"

    time_limit_s: Annotated[
        float, Field(description="Seconds that one document may take to be read and embedded.")
    ] = 600
    memory_mb: Annotated[int, Field(description="Memory of the process that reads documents, in MB.")] = 1200
    idle_s: Annotated[float, Field(description="Seconds without work after which that process ends.")] = 20
    threads: Annotated[int, Field(description="Processor threads for embedding during ingestion.")] = 1
    models: Annotated[
        Path | None, Field(description="Where the built embedder is kept; the user's cache by default.")
    ] = None


class PreparationFailed(SwitchboardError):
    """A fault on our side while a document was prepared; trying again may help."""

    code = "preparation_failed"
    title = "The document could not be prepared"
    default_hint = "Send it again. If it fails again, tell your admin the request id."
    retryable = True


class _ChildDied(Exception):
    def __init__(self, code: int | None) -> None:
        super().__init__(f"exit status {code}")
        self.code = code


class Preparer:
    """Prepares documents one after the other in a persistent child process.

    command: replaces the child's program (tests).
    """

    def __init__(self, settings: PrepareSettings | None = None, command: Sequence[str] | None = None) -> None:
        self._settings = settings or PrepareSettings()
        self._command = list(command or _command(self._settings))
        self._one_at_a_time = asyncio.Lock()
        self._child: Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def child_pid(self) -> int | None:
        """The process id of the running child, or None."""
        return self._child.pid if self._child and self._child.returncode is None else None

    async def prepare(
        self,
        data: bytes,
        name: str,
        doc_id: UUID,
        known: frozenset[UUID] = frozenset(),
        title: str | None = None,
        *,
        strategy: str | None = None,
    ) -> Prepared:
        """Load, chunk and embed; chunks in `known` get no vector.

        Raises UnreadableDocument (too_complex where time or memory ran out, or where the file killed the
        child twice) and PreparationFailed.
        """
        task = Task(data, name, doc_id, list(known), title, strategy)
        async with self._one_at_a_time:
            self._stay()
            try:
                return _result(await self._answer(task))
            finally:
                self._leave_when_idle()

    async def close(self) -> None:
        """End the child; a later `prepare` starts a new one."""
        async with self._one_at_a_time:
            self._stay()
            await self._end()

    async def _answer(self, task: Task) -> Answer:
        try:
            return await self._ask(task)
        except _ChildDied as death:
            # It may have been killed for reasons of the machine: the file gets a second chance.
            _log.warning("prepare.child_died", exit_status=death.code)
        try:
            return await self._ask(task)
        except _ChildDied as death:
            _log.warning("prepare.child_died_again", exit_status=death.code)
            raise UnreadableDocument("too_complex", "Reading it broke the reader, twice.") from death

    async def _ask(self, task: Task) -> Answer:
        child = await self._running()
        try:
            async with asyncio.timeout(self._settings.time_limit_s):
                return await self._exchange(child, task)
        except TimeoutError as error:
            await self._end()
            seconds = f"{self._settings.time_limit_s:g}"
            raise UnreadableDocument("too_complex", f"Reading it took longer than {seconds} s.") from error
        except (OSError, EOFError, FrameTooLong, msgspec.DecodeError) as error:
            code = await self._end()
            if code == OUT_OF_MEMORY:
                limit = f"{self._settings.memory_mb:,} MB"
                raise UnreadableDocument(
                    "too_complex", f"Reading it takes more than {limit} of memory."
                ) from error
            raise _ChildDied(code) from error
        except asyncio.CancelledError:
            # Its answer would be taken for that of the next document.
            await self._end()
            raise

    async def _exchange(self, child: Process, task: Task) -> Answer:
        if child.stdin is None or child.stdout is None:
            raise EOFError
        child.stdin.write(frame(task))
        await child.stdin.drain()
        head = await child.stdout.readexactly(4)
        return decode_answer(await child.stdout.readexactly(frame_length(head)))

    async def _running(self) -> Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment()
            )
        return self._child

    async def _end(self) -> int | None:
        """Kill the child where it still runs; its exit status, if it had ended by itself."""
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            async with asyncio.timeout(0.5):
                # At the end of its output it is about to exit: its status says why.
                return await child.wait() if child.stdout and child.stdout.at_eof() else _kill(child)
        except TimeoutError:
            return _kill(child)
        finally:
            await child.wait()

    def _stay(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def _leave_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._settings.idle_s, self._hang_up)

    def _hang_up(self) -> None:
        """End of file on its input: the child ends by itself, and its memory is free again."""
        self._idle = None
        if self._child and self._child.stdin and not self._one_at_a_time.locked():
            self._child.stdin.close()
            self._child = None


def _kill(child: Process) -> None:
    if child.returncode is None:
        child.kill()


def _result(answer: Answer) -> Prepared:
    if isinstance(answer, Unreadable):
        raise UnreadableDocument(answer.reason, answer.detail, hint=answer.hint)
    if isinstance(answer, Failed):
        _log.error("prepare.failed", error=answer.error)
        raise PreparationFailed("The document could not be prepared because of a fault on our side.")
    return prepared(answer)


def _command(settings: PrepareSettings) -> list[str]:
    command = [sys.executable, "-P", "-m", "knowledge.prepare.child", "--memory-mb", str(settings.memory_mb)]
    command += ["--threads", str(settings.threads)]
    return [*command, "--models", str(settings.models)] if settings.models else command


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
