"""What was said on the stream of a call, kept for a client that lost it and comes back (`Last-Event-ID`).

MCP 2025-03-26 to 2025-11-25, "Resumability and Redelivery". Only streams are kept, and only calls with
something to say before their answer have one. Each event is written to Redis before it goes out, sealed for
the session and the rights under which it was said; so any replica can say it again, to nobody else, also
after the one that said it is gone. While Redis is away streams have no event ids and work as they are.
"""

import asyncio
import hashlib
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import structlog

from access.tokens import SigningKey
from kit.errors import Unavailable
from kit.sealing import KeyRing, SealBroken
from kit.wire.mcp import RequestId
from ports.redis import Redis, RedisError
from tools.gateway.bus import Bus
from tools.gateway.callers import Caller
from tools.gateway.protocol.notices import TooManyStreams

EVENTS = 1000
STREAM_BYTES = 2_000_000
PRINCIPAL_BYTES = 16_000_000
"""Of one person, in what this replica has written and is not forgotten yet."""
_KEY = "mcp-stream:"
_EVENT = re.compile(r"([0-9a-f]{12})-([0-9a-f]{24})\.(\d{1,20}-\d{1,20})")
_PAGE = 50
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 0.5
_LOOK_S = 1.0
_UNHEARD = 3
_HAND_OVER_S = 5.0
_REMEMBERED = 1000
_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class NotKept(Exception):
    """No such event, not this caller's, or not kept (any more): all alike."""


@dataclass(frozen=True, slots=True)
class Event:
    """id: as clients send it back. message: JSON, or nothing. last: the stream ends with it."""

    id: str
    request: RequestId
    message: bytes
    last: bool


@dataclass(slots=True)
class _Held:
    """How much is kept for one person, and until when."""

    size: int = 0
    parts: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def room(self, size: int, now: float, until: float) -> bool:
        while self.parts and self.parts[0][0] <= now:
            self.size -= self.parts.popleft()[1]
        if self.size + size > PRINCIPAL_BYTES:
            return False
        self.size += size
        self.parts.append((until, size))
        return True


class KeptStreams:
    """`kept_s`: how long after its last event a stream is kept, and a call goes on that nobody listens to;
    0: not at all. `open_s`: the longest silence before its last one. `most`: streams that one person takes
    up at the same time."""

    def __init__(
        self, redis: Redis, key: SigningKey, bus: Bus, *, kept_s: float, open_s: float, most: int
    ) -> None:
        self.kept_s = kept_s
        self.open_s = open_s
        self._redis = cast(Any, redis)
        self._ring = KeyRing.from_secret(b"mcp-streams" + key.private.private_bytes_raw())
        self._bus = bus
        self._most = most
        self._open: dict[str, KeptStream] = {}
        self._over: dict[str, int] = {}
        self._held: dict[str, _Held] = {}
        self._taken: dict[str, int] = {}
        bus.on("stream.followed", self._followed_elsewhere)
        bus.on("stream.over", self._over_elsewhere)
        bus.on("stream.handed_over", self._handed_over_elsewhere)

    def begin(self, whose: "Whose", request: RequestId) -> "KeptStream | None":
        """None where nothing is kept."""
        if self.kept_s <= 0:
            return None
        return KeptStream(self, f"{self._bus.replica}-{secrets.token_hex(12)}", whose, request)

    async def find(self, last: str, whose: "Whose") -> "Missed":
        """What follows the event `last`. Raises NotKept, and Unavailable where Redis does not say."""
        found = _EVENT.fullmatch(last)
        if found is None:
            raise NotKept
        # the event itself must still be there: what came after it is then whole
        first = await self._read(f"{found[1]}-{found[2]}", whose, found[3], 1)
        if not first or first[0].id != last:
            raise NotKept
        return Missed(f"{found[1]}-{found[2]}", found[1], whose, first[0])

    async def follow(
        self, missed: "Missed", check: Callable[[], Awaitable[None]], tell: Callable[[Event], Awaitable[None]]
    ) -> None:
        """Tells what comes until the stream ends; where its replica is gone it ends with an event without
        an id. `check` raises where the caller may listen no longer. Raises Unavailable."""
        pause_s, looked, unheard = _FIRST_PAUSE_S, 0.0, 0
        while not missed.seen.last:
            if came := await self._read(missed.stream, missed.whose, missed.after, _PAGE):
                for event in came:
                    await tell(event)
                missed.seen, pause_s = came[-1], _FIRST_PAUSE_S
                continue
            if unheard >= _UNHEARD:
                return await tell(Event("", missed.seen.request, b"", last=True))
            if _now() >= looked + _LOOK_S:
                looked = _now()
                await check()
                unheard = 0 if await self._goes_on(missed.replica, missed.stream) else unheard + 1
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LAST_PAUSE_S)
        return None

    async def take_over(self, missed: "Missed") -> list[Event]:
        """Ends a listener's stream, wherever it is, and takes what came after `missed`: once, whole, and only
        after the caller listens itself. Raises NotKept where it is not whole, Unavailable."""
        goes_on, until = await self._hand_over(missed), _now() + _HAND_OVER_S
        taken: list[Event] = []
        while not missed.seen.last:
            if came := await self._read(missed.stream, missed.whose, missed.after, _PAGE):
                taken += came
                missed.seen = came[-1]
                continue
            if not goes_on or self._over.pop(missed.stream, 0) or _now() > until:
                raise NotKept
            await asyncio.sleep(_FIRST_PAUSE_S)
        try:
            # whoever comes with the same event again may have got nothing of what comes from here on
            await self._redis.delete(_KEY + missed.stream)
        except RedisError as error:
            raise NotKept from error
        return taken

    @contextmanager
    def place(self, actor: str) -> Generator[None]:
        """Raises TooManyStreams."""
        theirs = self._taken.get(actor, 0)
        if theirs >= self._most:
            raise TooManyStreams(f"Only {self._most} streams at a time.", retry_after=5)
        self._taken[actor] = theirs + 1
        try:
            yield
        finally:
            self._taken[actor] -= 1
            if not self._taken[actor]:
                del self._taken[actor]

    async def write(self, stream: "KeptStream", message: bytes, *, last: bool) -> str:
        """The event's id; empty where it could not be kept."""
        size, until = len(message), _now() + (self.kept_s if last else self.open_s)
        held = self._held.setdefault(stream.whose.actor, _Held())
        if stream.size + size > STREAM_BYTES or not held.room(size, _now(), until):
            return await self._drop(stream)
        stream.size += size
        plain = _encode([stream.request, last]) + b"\n" + message
        sealed = self._ring.seal(plain, stream.whose.about(stream.id))
        key = _KEY + stream.id
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(key, {"m": sealed}, maxlen=EVENTS, approximate=False)
                pipe.expire(key, max(1, int(self.kept_s if last else self.open_s)))
                at: bytes = (await pipe.execute())[0]
        except RedisError as error:
            _log.warning("gateway.stream_not_kept", error=type(error).__name__)
            return ""
        return f"{stream.id}.{at.decode()}"

    def opened(self, stream: "KeptStream") -> None:
        self._open[stream.id] = stream

    def closed(self, stream: "KeptStream") -> None:
        self._open.pop(stream.id, None)
        if len(self._held) > _REMEMBERED:
            now = _now()
            self._held = {
                actor: held for actor, held in self._held.items() if held.parts and held.parts[-1][0] > now
            }

    async def lengthen(self, stream: "KeptStream") -> bool:
        """Nothing was said for a while. False: it is not there, or Redis is away."""
        try:
            return bool(await self._redis.expire(_KEY + stream.id, max(1, int(self.open_s))))
        except RedisError:
            return False

    async def _drop(self, stream: "KeptStream") -> str:
        _log.info("gateway.stream_too_large_to_keep", bytes=stream.size)
        with suppress(RedisError):
            # else it expires
            await self._redis.delete(_KEY + stream.id)
        return ""

    async def _read(self, stream: str, whose: "Whose", first: str, count: int) -> list[Event]:
        """Raises NotKept where it is not this caller's, Unavailable where Redis does not say."""
        try:
            found = await self._redis.xrange(_KEY + stream, first, "+", count)
        except RedisError as error:
            raise Unavailable("The stream cannot be taken up at the moment.", retry_after=2) from error
        return [self._opened(stream, whose, at.decode(), fields) for at, fields in found]

    def _opened(self, stream: str, whose: "Whose", at: str, fields: dict[bytes, bytes]) -> Event:
        try:
            plain = self._ring.open(fields[b"m"].decode(), whose.about(stream))
        except (SealBroken, KeyError, UnicodeDecodeError) as error:
            raise NotKept from error
        head, _, message = plain.partition(b"\n")
        request, last = cast(tuple[RequestId, bool], msgspec.json.decode(head))
        return Event(f"{stream}.{at}", request, message, last)

    async def _goes_on(self, replica: str, stream: str) -> bool:
        """Tells the stream's own replica that somebody listens, who may be on another one."""
        if replica == self._bus.replica:
            return self._followed(stream)
        if self._over.pop(stream, 0):
            return False
        return await self._bus.send(replica, "stream.followed", stream=stream, by=self._bus.replica)

    def _followed(self, stream: str) -> bool:
        held = self._open.get(stream)
        if held is not None:
            held.followed_at = _now()
        return held is not None

    async def _hand_over(self, missed: "Missed") -> bool:
        """False: nobody writes it any more."""
        if missed.replica == self._bus.replica:
            return self._handed_over(missed.stream)
        told = {"stream": missed.stream, "by": self._bus.replica}
        return await self._bus.send(missed.replica, "stream.handed_over", **told)

    def _handed_over(self, stream: str) -> bool:
        held = self._open.get(stream)
        if held is None or held.hand_over is None:
            return False
        held.hand_over()
        return True

    async def _handed_over_elsewhere(self, told: dict[str, Any]) -> None:
        if not self._handed_over(str(told["stream"])):
            await self._bus.send(str(told["by"]), "stream.over", stream=told["stream"])

    async def _followed_elsewhere(self, told: dict[str, Any]) -> None:
        if not self._followed(str(told["stream"])):
            await self._bus.send(str(told["by"]), "stream.over", stream=told["stream"])

    async def _over_elsewhere(self, told: dict[str, Any]) -> None:
        if len(self._over) > _REMEMBERED:
            self._over.clear()
        self._over[str(told["stream"])] = 1


class KeptStream:
    """One that is written here."""

    __slots__ = ("_streams", "broken", "followed_at", "hand_over", "id", "request", "size", "whose")

    def __init__(self, streams: KeptStreams, id: str, whose: "Whose", request: RequestId) -> None:
        self.id = id
        self.whose = whose
        self.request = request
        self.size = 0
        self.followed_at = 0.0
        self.hand_over: Callable[[], None] | None = None
        """Of a listener's stream: somebody else takes over."""
        self._streams = streams
        self.broken = False

    async def keep(self, message: bytes, *, last: bool = False) -> str:
        """The event's id; empty, from the first one on that could not be kept."""
        if self.broken:
            return ""
        self._streams.opened(self)
        id = await self._streams.write(self, message, last=last)
        self.broken = not id
        if last or self.broken:
            self.close()
        return id

    async def lengthen(self) -> bool:
        """False: it must begin anew."""
        return not self.broken and await self._streams.lengthen(self)

    def close(self) -> None:
        self._streams.closed(self)

    async def until_given_up(self) -> None:
        """Returns when nobody has listened for long enough, here or at another replica."""
        left, kept_s = _now(), self._streams.kept_s
        while True:
            wait_s = max(left, self.followed_at) + kept_s - _now()
            if self.broken or wait_s <= 0:
                return
            await asyncio.sleep(min(wait_s, _LOOK_S))


@dataclass(slots=True)
class Missed:
    """A stream that is taken up again: what its client has seen of it."""

    stream: str
    replica: str
    whose: "Whose"
    seen: Event

    @property
    def after(self) -> str:
        """The range of what comes after, as Redis has it."""
        return f"({self.seen.id.rpartition('.')[2]}"


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom something is kept: a session, its endpoint, and the rights under which it was said. With
    other rights the same person begins anew."""

    actor: str
    digest: bytes

    def about(self, stream: str) -> bytes:
        return self.digest + stream.encode()


def whose(caller: Caller, session: str, server: str | None, of: str = "call") -> Whose:
    """of: whose stream it is, a call's or a listener's: neither can be taken for the other."""
    who, limits = caller.principal, caller.principal.limits
    bases = limits.knowledge_base_ids
    said = [
        [str(who.organisation_id), str(who.id), who.kind, who.acting_via, session, server, of],
        [sorted(who.roles), sorted(who.permissions), sorted(who.groups), list(caller.keys)],
        [None if bases is None else sorted(map(str, bases)), limits.privacy, limits.audience, limits.agent],
    ]
    return Whose(f"{who.organisation_id}/{who.id}", hashlib.sha256(_encode(said)).digest())


def _now() -> float:
    return asyncio.get_running_loop().time()
