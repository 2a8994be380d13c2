"""Tool servers that are child processes: one per server, or per server and principal where it keeps
state per user; supervised, and never one process a call.

What is run is the operator's word (settings), never the registry's: `stdio:<name>` only names it.
A child gets the few variables that its command names, leads a process group of its own, and goes with
that group. What it writes to stderr is logged, so many lines a minute at most.

The pipe does not say to whose call a question or a log line belongs. While calls of more than one person
wait for a shared child, such a question is refused and such a line dropped: rather nobody than another.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from msgspec import UNSET

from kit.errors import Unavailable, UpstreamFailed
from kit.wire.mcp import (
    INTERNAL_ERROR,
    PROGRESS_META,
    SESSION_REVISIONS,
    Answer,
    RequestId,
    request,
    stateless_params,
)
from tools.gateway.upstreams.commands import Command
from tools.gateway.upstreams.port import Heard, UpstreamAnswer
from tools.gateway.upstreams.running import notification
from tools.gateway.upstreams.session_peer import next_id
from tools.gateway.upstreams.sessions import CAPABILITIES
from tools.gateway.upstreams.talk import (
    CLIENT,
    Ask,
    answer_in,
    discovered,
    read_message,
)

STDIO = "stdio:"
OF_ORGANISATION = "#organisation:"
"""Behind the command's name: each organisation that registers it has a process of its own."""
_ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_LOOK_S = 1.0
_START_S = 25.0
_DISCOVER_S = 10.0
_GRACE_S = 2.0
_BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0
_LOG_LINES = 60
_FOR_ALL = frozenset(f"notifications/{kind}/list_changed" for kind in ("tools", "prompts", "resources"))
"""They name nobody's things."""
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class _Initialised(msgspec.Struct):
    capabilities: dict[str, Any] = {}


@dataclass(eq=False, slots=True)
class _Waiting:
    """A call under way. who: of whom; other words for the same person only make it more careful."""

    who: str
    inbox: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue[bytes | None])


class Process:
    """One child, started when it is needed and again, later each time, when it died.

    Is an `Upstream` for a server of 2026-07-28 and a `Link` for one of the session era.
    """

    def __init__(self, name: str, command: Command, limit: int) -> None:
        self._name = name
        self.command = command
        self._limit = limit
        self._child: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self._waiting: dict[str, _Waiting] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._agreed = False
        self._writing = asyncio.Lock()
        self._stateless = False
        self.capabilities: Mapping[str, Any] = {}
        """As the server said them."""
        self._starts = 0
        self._started_at = 0.0
        self._used_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.returncode is None else None

    @property
    def idle_since(self) -> float | None:
        """Monotonic; None while it is at work."""
        return None if self._waiting else self._used_at

    @property
    def stateless(self) -> bool:
        return self._stateless

    async def start(self) -> None:
        """Raises Unavailable where the child does not start, or may not be started yet."""
        if self.pid is not None and self._agreed:
            return
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(lambda done: done.cancelled() or done.exception())
        # who waits may give up; the child starts for the others
        await asyncio.shield(self._starting)

    async def call(
        self, body: bytes, headers: Mapping[str, str], *, repeatable: bool = False
    ) -> UpstreamAnswer:
        await self.start()
        id = next_id()
        message, _ = _addressed(body, id)
        data = await self._answer(id, message, headers.get("authorization", ""))
        return UpstreamAnswer(200, "application/json", data)

    async def stream(
        self, method: str, body: bytes, headers: Mapping[str, str], heard: Heard
    ) -> UpstreamAnswer:
        await self.start()
        id = next_id()
        message, token = _addressed(body, id)

        async def as_asked(data: bytes) -> None:
            await heard(data if token is None else _under(token, data))

        await self._exchange(id, message, as_asked, headers.get("authorization", ""))
        return UpstreamAnswer(200, "text/event-stream", b"")

    async def request(self, ask: Ask, id: str, body: bytes, heard: Heard) -> None:
        await self.start()
        await self._exchange(id, body, heard, ask.who)

    async def tell(self, ask: Ask, body: bytes) -> None:
        await self._write(body)

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._end()

    # --- one exchange

    async def _exchange(self, id: str, body: bytes, heard: Heard, who: str = "") -> None:
        waiting = self._waiting[id] = _Waiting(who)
        self._used_at = time.monotonic()
        try:
            await self._write(body)
            while (data := await self._next(waiting.inbox)) is not None:
                await heard(data)
                message = read_message(data)
                if not message.method and message.id == id:
                    return
            raise UpstreamFailed("This tool's server ended before it answered.")
        except asyncio.CancelledError:
            await asyncio.shield(self._forgotten(id))
            raise
        finally:
            self._waiting.pop(id, None)

    async def _answer(self, id: str, body: bytes, who: str = "") -> bytes:
        """The answer alone."""
        last = b""

        async def heard(data: bytes) -> None:
            nonlocal last
            last = data  # the exchange ends with the answer

        await self._exchange(id, body, heard, who)
        return last

    async def _next(self, inbox: asyncio.Queue[bytes | None]) -> bytes | None:
        """None once the child has ended: what it started may hold its pipe open for long."""
        while True:
            try:
                return await asyncio.wait_for(inbox.get(), _LOOK_S)
            except TimeoutError:
                if self.pid is None:
                    return None

    async def _forgotten(self, id: str) -> None:
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._write(notification("notifications/cancelled", {"requestId": id}))
        except (Unavailable, TimeoutError):
            pass

    async def _write(self, body: bytes) -> None:
        if self._child is None or self._child.stdin is None or self.pid is None:
            raise Unavailable("This tool's server is not running.", retry_after=1)
        try:
            async with self._writing:
                self._child.stdin.write(body + b"\n")
                await self._child.stdin.drain()
        except (ConnectionError, OSError) as error:
            raise Unavailable("This tool's server is not running.", retry_after=1) from error

    def _route(self, data: bytes) -> None:
        """An answer goes to who asked, progress to whom its token names, the rest to the one who waits."""
        try:
            message = read_message(data)
        except UpstreamFailed:
            _log.warning("gateway.process_wrote_what_is_no_message", server=self._name)
            return None
        waiting = list(self._waiting.values())
        if not message.method:
            reached = [self._waiting.get(str(message.id))]
        elif message.method == "notifications/progress":
            reached = [self._waiting.get(str(message.params.get("progressToken")))]
        elif message.method in _FOR_ALL:
            reached = waiting
        elif len({one.who for one in waiting}) > 1:
            _log.warning("gateway.process_said_nobody_knows_to_whom", server=self._name, id=str(message.id))
            return self._refuse(message.id)
        elif message.id is not None:
            # a question belongs to the call that came last
            reached = waiting[-1:]
        else:
            reached = waiting
        for one in reached:
            if one is not None:
                one.inbox.put_nowait(data)
        return None

    def _refuse(self, id: RequestId | None) -> None:
        """A question that cannot be put to anybody."""
        if id is None:
            return
        told = {"code": INTERNAL_ERROR, "message": "Calls of several people wait: whose is this?"}
        task = asyncio.create_task(self._written(_encode({"jsonrpc": "2.0", "id": id, "error": told})))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    async def _written(self, body: bytes) -> None:
        with contextlib.suppress(Unavailable):
            await self._write(body)

    # --- the child

    async def _start(self) -> None:
        now = time.monotonic()
        if self._starts and now - self._started_at > _STEADY_S:
            self._starts = 0
        wait = _BACKOFF_S[min(self._starts, len(_BACKOFF_S) - 1)]
        if (left := self._started_at + wait - now) > 0:
            raise Unavailable(
                "This tool's server has just ended; it is started again soon.", retry_after=left
            )
        await self._end()
        self._starts, self._started_at = self._starts + 1, now
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self.command.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=scrubbed(self.command.environment),
                cwd=self.command.folder,
                limit=self._limit,
                start_new_session=True,
            )
        except OSError as error:
            _log.error("gateway.process_not_started", server=self._name, error=type(error).__name__)
            raise Unavailable("This tool's server does not start.", retry_after=30) from error
        _log.info("gateway.process_started", server=self._name, pid=self._child.pid, start=self._starts)
        self._reading = [
            asyncio.create_task(self._read(self._child)),
            asyncio.create_task(self._log(self._child)),
        ]
        try:
            async with asyncio.timeout(_START_S):
                await self._agree()
            self._agreed = True
        except (TimeoutError, UpstreamFailed) as error:
            await self._end()
            raise Unavailable("This tool's server does not begin.", retry_after=5) from error

    async def _agree(self) -> None:
        """`server/discover`, then `initialize` (the fallback of 2026-07-28 for stdio)."""
        self._stateless = False
        params = stateless_params({}, CLIENT)
        try:
            async with asyncio.timeout(_DISCOVER_S):
                found = discovered(await self._said("server/discover", params))
        except TimeoutError:
            found = None
        if found is not None:
            self._stateless, self.capabilities = True, found.capabilities
            return
        params = {"protocolVersion": SESSION_REVISIONS[0], "capabilities": CAPABILITIES, "clientInfo": CLIENT}
        answer = await self._said("initialize", params)
        if answer.result is UNSET:
            raise UpstreamFailed("This tool's server refuses to begin a session.")
        self.capabilities = msgspec.json.decode(answer.result, type=_Initialised).capabilities
        await self._write(notification("notifications/initialized", {}))

    async def _said(self, method: str, params: Mapping[str, Any]) -> Answer:
        """The answer to one of the first words with a child, which is not started for them."""
        id = next_id()
        return answer_in(await self._answer(id, request(method, params, id)))

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        try:
            while line := await child.stdout.readline():
                if line.strip():
                    self._route(line)
        except ValueError:
            _log.warning("gateway.process_line_too_long", server=self._name, limit=self._limit)
            self._signal(signal.SIGKILL)
        finally:
            for waiting in self._waiting.values():
                waiting.inbox.put_nowait(None)

    async def _log(self, child: asyncio.subprocess.Process) -> None:
        assert child.stderr is not None
        minute, written = 0, 0
        while line := await _some_line(child.stderr):
            if int(time.monotonic() // 60) != minute:
                minute, written = int(time.monotonic() // 60), 0
            written += 1
            if written <= _LOG_LINES:
                # a terminal that shows the log obeys what does not show: a child must not write to it
                said = line[:500].decode("utf-8", "replace").rstrip()
                text = "".join(sign if sign.isprintable() else "\ufffd" for sign in said)
                _log.info("gateway.process_stderr", server=self._name, line=text)

    async def _end(self) -> None:
        child, self._child, self._agreed = self._child, None, False
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        self._signal_group(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(_GRACE_S):
                await child.wait()
        except TimeoutError:
            pass
        # the group, not the child alone: what it started goes with it
        self._signal_group(child, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await child.wait()
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._signal_group(self._child, number)

    def _signal_group(self, child: asyncio.subprocess.Process, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)


def scrubbed(names: Iterable[str]) -> dict[str, str]:
    """What a child may know of our environment."""
    return {name: os.environ[name] for name in (*_ALWAYS, *names) if name in os.environ}


def _addressed(body: bytes, id: str) -> tuple[bytes, Any]:
    """Under our id, which is also its progress token: clients' own ones are not unique on a shared pipe.
    With the client's token; None: it wants no progress."""
    message: dict[str, Any] = msgspec.json.decode(body)
    params: dict[str, Any] = message.get("params") or {}
    meta: dict[str, Any] = params.get("_meta") or {}
    token = meta.get(PROGRESS_META)
    if token is not None:
        meta[PROGRESS_META] = id
    return _encode(message | {"id": id}), token


def _under(token: Any, data: bytes) -> bytes:
    """Progress, under the client's own token again."""
    message: dict[str, Any] = msgspec.json.decode(data)
    if message.get("method") != "notifications/progress":
        return data
    return _encode(message | {"params": {**message["params"], PROGRESS_META: token}})


async def _some_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or as much of it as fits."""
    try:
        return await stream.readline()
    except ValueError:
        return b"(a line too long to log)"
