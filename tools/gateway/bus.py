"""What replicas tell one another, over Redis pub/sub: cancellations, answers of people, changes.

Nothing here is kept: a message that nobody hears is gone, and `send` says whether anybody heard it.
While Redis is away a replica serves what it holds itself.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import structlog

from ports.redis import Redis, RedisError

_CHANNEL = "mcp-gateway:"
_ALL = _CHANNEL + "all"
_RECONNECT_S = 0.5
_LOOK_S = 1.0
_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Handle = Callable[[dict[str, Any]], Awaitable[None]]


class Bus:
    """`replica` names this process; ids that others should bring back here begin with it."""

    def __init__(self, redis: Redis) -> None:
        self.replica = secrets.token_hex(6)
        self._redis = redis
        self._handlers: dict[str, Handle] = {}
        self._task: asyncio.Task[None] | None = None
        self._working: set[asyncio.Task[None]] = set()
        self._listening = asyncio.Event()

    def on(self, kind: str, handle: Handle) -> None:
        """One handler a kind; each message is handled in a task of its own."""
        self._handlers[kind] = handle

    async def start(self) -> None:
        """Waits for the subscription, but not long: Redis may be away."""
        self._task = asyncio.create_task(self._run(), name="gateway-bus")
        try:
            await asyncio.wait_for(self._listening.wait(), _LOOK_S)
        except TimeoutError:
            _log.warning("gateway.bus_not_connected")

    async def stop(self) -> None:
        tasks = [task for task in (self._task, *self._working) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    async def send(self, replica: str, kind: str, **told: Any) -> bool:
        """False where that replica does not hear us (any more)."""
        return await self._publish(_CHANNEL + replica, kind, told) > 0

    async def broadcast(self, kind: str, **told: Any) -> None:
        """To all other replicas; the sender does its own part itself."""
        await self._publish(_ALL, kind, told)

    async def _publish(self, channel: str, kind: str, told: dict[str, Any]) -> int:
        body = _encode({"kind": kind, "from": self.replica, "told": told})
        try:
            heard: int = await cast(Any, self._redis).publish(channel, body)
            return heard
        except RedisError as error:
            _log.warning("gateway.bus_not_reached", kind=kind, error=type(error).__name__)
            return 0

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                _log.warning("gateway.bus_lost", error=type(error).__name__)
            self._listening.clear()
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        channel = cast(Any, self._redis).pubsub()
        try:
            await channel.subscribe(_CHANNEL + self.replica, _ALL)
            while True:
                message = await channel.get_message(timeout=_LOOK_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._listening.set()
                elif message["type"] == "message":
                    self._take(message["data"])
        finally:
            await channel.aclose()

    def _take(self, body: bytes) -> None:
        try:
            message = _decode(body)
            handle, told = self._handlers.get(message["kind"]), message["told"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            _log.warning("gateway.bus_message_unreadable")
            return
        if handle is None or message.get("from") == self.replica:
            return
        task = asyncio.create_task(self._handle(handle, told))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _handle(self, handle: Handle, told: dict[str, Any]) -> None:
        try:
            await handle(told)
        except Exception:
            _log.exception("gateway.bus_handler_failed")
