"""The parent's end of one child process: frames in, frames out, and its end."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence

import msgspec

from knowledge.prepare.messages import (
    LENGTH_BYTES,
    FrameTooLong,
    FromChild,
    ToChild,
    decode_answer,
    frame,
    frame_length,
)

# Parsing runs on files from outside: children get no passwords, keys or addresses of ours.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SYSTEMROOT")
_STATUS_WITHIN_S = 0.5
_LEAVES_WITHIN_S = 5.0


class ChildDied(Exception):
    """code: its exit status; None where it had to be killed."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"exit status {code}")
        self.code = code


class Child:
    """A child process; `end` it, or it ends by itself at the end of its input."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._leaving: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, command: Sequence[str]) -> "Child":
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment()
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def send(self, message: ToChild) -> None:
        """Raises ChildDied."""
        if self._process.stdin is None:
            raise ChildDied(None)
        try:
            self._process.stdin.write(frame(message))
            await self._process.stdin.drain()
        except OSError as error:
            raise ChildDied(await self.end()) from error

    async def receive(self) -> FromChild:
        """Raises ChildDied, also where it said something that is no answer."""
        if self._process.stdout is None:
            raise ChildDied(None)
        try:
            head = await self._process.stdout.readexactly(LENGTH_BYTES)
            return decode_answer(await self._process.stdout.readexactly(frame_length(head)))
        except (OSError, EOFError, FrameTooLong, msgspec.DecodeError) as error:
            raise ChildDied(await self.end()) from error

    def hang_up(self) -> None:
        """End of file on its input: it ends by itself, and its memory is free again."""
        if self._process.stdin:
            self._process.stdin.close()
        self._leaving = self._leaving or asyncio.create_task(self._gone())

    async def _gone(self) -> None:
        try:
            async with asyncio.timeout(_LEAVES_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._kill()

    async def end(self) -> int | None:
        """Kill it where it still runs; its exit status, if it had ended by itself."""
        process = self._process
        try:
            async with asyncio.timeout(_STATUS_WITHIN_S):
                # At the end of its output it is about to exit: its status says why.
                return await process.wait() if process.stdout and process.stdout.at_eof() else self._kill()
        except TimeoutError:
            return self._kill()
        finally:
            await process.wait()
            if self._leaving:
                await self._leaving

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


def command_of(module: str, *options: str) -> list[str]:
    """How a module of ours is run as a child."""
    return [sys.executable, "-P", "-m", module, *options]


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
