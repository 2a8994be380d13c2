"""One Lua script, run over a pipelined connection of its own, for the path of every call.

A command of redis-py costs 75 to 95 µs of CPU and, with a Redis that hangs, a wait per caller. Here a run
costs some 10 µs, all runs under way share one deadline, and after it nobody waits: runs fail at once until
a probe on a connection of its own has seen an answer again.
"""

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import hiredis
import structlog
from redis.asyncio.connection import SSLConnection, parse_url

_CONNECT_S = 1.0
_FIRST_PROBE_S = 0.05
_LAST_PROBE_S = 1.0
# Time for what came while the event loop was busy: a busy loop is not a slow Redis.
_GRACE_S = 0.005
_ELSEWHERE = ("MOVED ", "ASK ", "CLUSTERDOWN")
_INFO = b"*2\r\n$4\r\nINFO\r\n$7\r\ncluster\r\n"
_log = structlog.get_logger()


class ScriptUnavailable(Exception):
    """Redis does not answer; nothing is known about whether the script ran."""


class RedisIsACluster(Exception):
    """Keys of a cluster are spread over nodes, and nothing here follows them from one to the next: limits,
    grants and caches would work for some keys and fail for others."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The Redis at {where} is a cluster (cluster mode enabled), which Switchboard cannot use.\n"
            "Set SWITCHBOARD_REDIS__URL to a Redis or Valkey with cluster mode disabled (a primary with"
            " replicas is fine), or to a proxy that shows the cluster as one server."
        )


async def refuse_cluster(url: str) -> None:
    """Raises RedisIsACluster. A Redis that is away, or does not say, is none."""
    runner = ScriptRunner(url, "return 1", deadline_s=_CONNECT_S)
    try:
        await runner.start()
    finally:
        await runner.close()


class Packed(bytes):
    """A script's keys and arguments but for the last one, as they go over the wire; worth keeping."""


class ScriptRunner:
    """`start` before use. `run` in any number at once."""

    def __init__(self, url: str, script: str, *, deadline_s: float) -> None:
        """url: redis://…, rediss://… or unix://…, as redis-py takes it."""
        self._where: dict[str, Any] = dict(cast(Any, parse_url(url)))
        self._script = script.encode()
        sha = hashlib.sha1(self._script).hexdigest().encode()  # noqa: S324 - EVALSHA names scripts so
        self._by_sha = b"$7\r\nEVALSHA\r\n" + _bulk(sha)
        self._by_text = b"$4\r\nEVAL\r\n" + _bulk(self._script)
        self._deadline_s = deadline_s
        self._link: _Link | None = None
        self._probing: asyncio.Task[None] | None = None
        self._closed = False
        self._told = False

    @property
    def _named(self) -> str:
        where = self._where
        return str(where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}")

    @property
    def up(self) -> bool:
        return self._link is not None

    async def start(self) -> None:
        """Connects, within a second or so; goes on trying in the background where that fails.

        Raises RedisIsACluster.
        """
        try:
            self._link = await self._connect()
        except (OSError, TimeoutError, ScriptUnavailable):
            self._probe()

    async def close(self) -> None:
        self._closed = True
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
        if self._link is not None:
            self._link.hang_up()
            self._link = None

    def packed(self, keys: Sequence[str], arguments: Sequence[int | str]) -> Packed:
        """All but the last argument, which `run` adds."""
        words = [str(len(keys)), *keys, *map(str, arguments)]
        head = b"*%d\r\n" % (len(words) + 3)
        return Packed(head + self._by_sha + b"".join(_bulk(word.encode()) for word in words))

    async def run(self, packed: Packed, last: int) -> Any:
        """What the script returns. Raises ScriptUnavailable, at once where Redis is known to be away."""
        answer = await self.sent(packed, last)
        return await self.again(packed, last, answer) if isinstance(answer, Exception) else answer

    def sent(self, packed: Packed, last: int) -> "asyncio.Future[Any]":
        """The same without a coroutine of its own: an answer that is an exception is for `again`."""
        if self._link is None:
            raise ScriptUnavailable
        return self._link.send(_request(packed, last))

    async def again(self, packed: Packed, last: int, error: Exception) -> Any:
        """With the script's text where it was flushed, or this is another Redis now; other errors of Redis
        are raised as ScriptUnavailable."""
        if self._link is None or not str(error).startswith("NOSCRIPT"):
            self._look_for_cluster(error)
            raise ScriptUnavailable(str(error)) from error
        request = _request(packed, last).replace(self._by_sha, self._by_text, 1)
        answer = await self._link.send(request)
        if isinstance(answer, Exception):
            self._look_for_cluster(answer)
            raise ScriptUnavailable(str(answer)) from answer
        return answer

    def _look_for_cluster(self, error: Exception) -> None:
        """Told once: a Redis may become a cluster, or not have said at the start that it is one."""
        if str(error).startswith(_ELSEWHERE) and not self._told:
            self._told = True
            _log.error("redis.is_a_cluster", hint=str(RedisIsACluster(self._named)))

    async def _connect(self) -> "_Link":
        async with asyncio.timeout(_CONNECT_S):
            link = await self._open()
            try:
                for command in self._greeting():
                    answer = await link.send(command)
                    if isinstance(answer, Exception):
                        raise _refusal(answer, self._named)
                if b"cluster_enabled:1" in _text(await link.send(_INFO)):
                    raise RedisIsACluster(self._named)
            except BaseException:
                link.hang_up()
                raise
        link.deadline_s = self._deadline_s
        link.ended = self._lost
        return link

    async def _open(self) -> "_Link":
        loop, where = asyncio.get_running_loop(), self._where
        if "path" in where:
            _, link = await loop.create_unix_connection(_Link, where["path"])
            return link
        secure = where.get("connection_class") is SSLConnection
        context = ssl.create_default_context() if secure else None
        host = where.get("host", "localhost")
        _, link = await loop.create_connection(_Link, host, where.get("port", 6379), ssl=context)
        return link

    def _greeting(self) -> list[bytes]:
        commands: list[list[bytes]] = []
        if password := self._where.get("password"):
            user = [self._where["username"].encode()] if self._where.get("username") else []
            commands.append([b"AUTH", *user, password.encode()])
        if number := self._where.get("db"):
            commands.append([b"SELECT", b"%d" % int(number)])
        commands.append([b"SCRIPT", b"LOAD", self._script])
        return [b"*%d\r\n" % len(words) + b"".join(map(_bulk, words)) for words in commands]

    def _lost(self) -> None:
        self._link = None
        self._probe()

    def _probe(self) -> None:
        if not self._closed and self._probing is None:
            self._probing = asyncio.create_task(self._until_back(), name="redis-script-probe")

    async def _until_back(self) -> None:
        wait_s = _FIRST_PROBE_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LAST_PROBE_S)
            with suppress(OSError, TimeoutError, ScriptUnavailable, RedisIsACluster):
                self._link = await self._connect()
                self._probing = None
                return


class _Link(asyncio.Protocol):
    """One connection: answers come in their order. A request goes out at once where none is under way, else
    with all others of this turn of the event loop."""

    def __init__(self) -> None:
        self.deadline_s: float | None = None
        self.ended: Any = None
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._outgoing: list[bytes] = []
        self._watching = False

    def send(self, request: bytes) -> "asyncio.Future[Any]":
        """The answer, errors of Redis as values. Raises ScriptUnavailable past the deadline."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None:
            answer.set_exception(ScriptUnavailable())
            return answer
        now = self._loop.time()
        alone = not self._waiting and not self._outgoing
        self._waiting.append((answer, now))
        if alone:
            self._transport.write(request)
        else:
            if not self._outgoing:
                self._loop.call_soon(self._flush)
            self._outgoing.append(request)
        if not self._watching and self.deadline_s is not None:
            self._watching = True
            self._loop.call_at(now + self.deadline_s, self._watch)
        return answer

    def hang_up(self) -> None:
        self.ended = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                waiting, _ = self._waiting.popleft()
                if not waiting.done():
                    waiting.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            self._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up()

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None:
            self._transport.write(data)

    def _watch(self) -> None:
        """One timer for all requests under way, set for the oldest."""
        self._watching = False
        if self._waiting and self.deadline_s is not None:
            self._watching = True
            due = self._waiting[0][1] + self.deadline_s
            if due <= self._loop.time():
                self._loop.call_later(_GRACE_S, self._watch_again)
            else:
                self._loop.call_at(due, self._watch)

    def _watch_again(self) -> None:
        self._watching = False
        if self._waiting and self.deadline_s is not None:
            if self._waiting[0][1] + self.deadline_s <= self._loop.time():
                self._give_up()
            else:
                self._watch()

    def _give_up(self) -> None:
        ended, self.ended = self.ended, None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        if ended is not None:
            ended()
        while self._waiting:
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(ScriptUnavailable())


def _request(packed: Packed, last: int) -> bytes:
    return b"%b$%d\r\n%d\r\n" % (packed, len(str(last)), last)


def _refusal(answer: Exception, named: str) -> Exception:
    return RedisIsACluster(named) if str(answer).startswith(_ELSEWHERE) else ScriptUnavailable(str(answer))


def _text(answer: Any) -> bytes:
    """Nothing where it is an error: not everybody may ask."""
    return answer if isinstance(answer, bytes) else b""


def _bulk(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)
