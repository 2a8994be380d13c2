"""What was asked before is answered from Redis for a while (SPEC 7), and never longer than it holds.

An entry lies under its organisation and a hash of all that the answer depends on. It carries the versions
of its scopes ("documents", …) as they were read before the answer was computed; whoever changes a scope
gives it a new version afterwards, so an older answer is never given again, whenever it was stored.
Versions are random, not counted: one that was lost (eviction, a restart) can never come back.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.errors import Unavailable
from kit.resilience import Breaker
from ports.redis.settings import CacheSettings

Answer = TypeVar("Answer")
Versions = tuple[bytes, ...]
_VERSION_BYTES = 12
_VERSION_TTL_S = 86_400
"""Far longer than any entry lives; a version that has expired makes its entries unreachable."""
_ATTEMPTS, _PAUSE_S, _ATTEMPT_S = 4, 0.1, 1.0
_log = structlog.get_logger()
_asked = Counter("switchboard_cache_requests_total", "Questions to a cache.", ["cache", "outcome"])


class _Entry(msgspec.Struct, array_like=True, frozen=True):
    versions: Versions
    body: bytes


_packed = msgspec.msgpack.Encoder()
_unpacked = msgspec.msgpack.Decoder(_Entry)


class CacheUnavailable(Unavailable):
    """A change could not be told to the caches: the job that made it is tried again."""

    code = "cache_unavailable"
    title = "The caches cannot be reached"
    default_hint = "Look whether Redis answers; the job goes on by itself when it does."


@dataclass(frozen=True, slots=True)
class Kept(Generic[Answer]):
    """How an answer is written down. dump: None for one that is not to be kept. load raises ValueError."""

    dump: Callable[[Answer], bytes | None]
    load: Callable[[bytes], Answer]


@dataclass(frozen=True, slots=True)
class _Looked:
    """versions: None where Redis does not answer."""

    versions: Versions | None
    body: bytes | None = None


class CacheDoor:
    """This process's way to the caches: one breaker and one time limit for all of them (SPEC 11)."""

    def __init__(self, redis: Redis, settings: CacheSettings | None = None) -> None:
        self._redis = cast(Any, redis)  # redis-py leaves its commands untyped
        self.settings = settings or CacheSettings()
        self._breaker = Breaker("the cache", failures=3, within_s=10, open_s=5)

    async def within_limit(self, ask: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """Raises RedisError, OSError, TimeoutError or Unavailable, at the latest when the limit is over."""
        with self._breaker.guard():
            async with asyncio.timeout(self.settings.deadline_ms / 1000):
                return await ask(self._redis)


class Cache(Generic[Answer]):
    """Answers of one kind. Where Redis is away they are computed; that is never an error."""

    def __init__(self, door: CacheDoor, name: str, ttl_s: int, kept: Kept[Answer]) -> None:
        """ttl_s: 0 keeps nothing."""
        self._door = door
        self._name = name
        self._ttl_s = ttl_s
        self._kept = kept
        self._computing: dict[tuple[str, Versions], asyncio.Task[Answer]] = {}
        self._storing: set[asyncio.Task[None]] = set()

    async def get(
        self,
        organisation_id: UUID,
        scopes: Sequence[str],
        question: bytes,
        compute: Callable[[], Awaitable[Answer]],
    ) -> tuple[Answer, bool]:
        """The answer, and whether it was kept. An answer may be shared: copy it before changing it.

        question: everything that the answer depends on, who asks included, in one fixed form. scopes: what
        of the organisation changes it. The same question asked meanwhile is computed once here; not across
        replicas, since to wait for another one costs more than a search.
        Raises what `compute` raises.
        """
        if not self._ttl_s:
            return await compute(), False
        key = self._key(organisation_id, question)
        looked = await self._look(key, [version_key(organisation_id, scope) for scope in scopes])
        if looked.body is not None and (answer := self._loaded(looked.body)) is not None:
            _asked.labels(self._name, "hit").inc()
            return answer, True
        if looked.versions is None:
            # Not together with others either: theirs may have begun before a change of which we are to know.
            _asked.labels(self._name, "error").inc()
            return await compute(), False
        _asked.labels(self._name, "miss").inc()
        return await self._together(key, looked.versions, compute), False

    async def settled(self) -> None:
        """What is being stored is stored."""
        await asyncio.gather(*self._storing)

    def _key(self, organisation_id: UUID, question: bytes) -> str:
        return f"{_prefix(organisation_id)}{self._name}:{hashlib.sha256(question).hexdigest()}"

    async def _look(self, key: str, versions: Sequence[str]) -> _Looked:
        async def ask(redis: Any) -> _Looked:
            # In one step: an entry is held against the versions of the same moment.
            *found, raw = await redis.mget([*versions, key])
            if None in found:
                return _Looked(await _first_versions(redis, versions))
            return _fitting(tuple(found), raw)

        try:
            return await self._door.within_limit(ask)
        except (RedisError, OSError, Unavailable):
            return _Looked(None)

    def _loaded(self, body: bytes) -> Answer | None:
        try:
            return self._kept.load(body)
        except ValueError:
            # Written by another release: the question carries what matters, this is for the rest.
            _log.warning("cache.unreadable", cache=self._name)
            return None

    async def _together(
        self, key: str, versions: Versions, compute: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        running = self._computing.get((key, versions))
        if running is None:
            return await asyncio.shield(self._begin(key, versions, compute))
        try:
            return await asyncio.shield(running)
        except Exception:
            # Theirs failed, for a reason that may be theirs alone.
            return await compute()

    def _begin(
        self, key: str, versions: Versions, compute: Callable[[], Awaitable[Answer]]
    ) -> "asyncio.Task[Answer]":
        async def run() -> Answer:
            try:
                answer = await compute()
            finally:
                del self._computing[key, versions]
            self._store(key, versions, answer)
            return answer

        # A task of its own: who asked first may give up without failing those who wait with them.
        task = self._computing[key, versions] = asyncio.create_task(run())
        task.add_done_callback(_heard)
        return task

    def _store(self, key: str, versions: Versions, answer: Answer) -> None:
        body = self._kept.dump(answer)
        if body is None or len(body) > self._door.settings.largest_kb * 1024:
            return
        entry = _packed.encode(_Entry(versions, body))
        storing = asyncio.create_task(self._write(key, entry))
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)

    async def _write(self, key: str, entry: bytes) -> None:
        try:
            await self._door.within_limit(lambda redis: redis.set(key, entry, ex=self._ttl_s))
        except (RedisError, OSError, Unavailable):
            _asked.labels(self._name, "not_stored").inc()


class CacheScopes:
    """Tells the caches that something has changed. After the change, as part of what made it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = cast(Any, redis)

    async def changed(self, organisation_id: UUID, *scopes: str) -> None:
        """From now on no answer is given that was computed before.

        Raises CacheUnavailable where Redis does not answer in four attempts (half a second where it hangs).
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_S)
            if await self._renew([version_key(organisation_id, scope) for scope in scopes]):
                return
        raise CacheUnavailable

    async def _renew(self, keys: Sequence[str]) -> bool:
        try:
            async with asyncio.timeout(_ATTEMPT_S):
                async with self._redis.pipeline(transaction=False) as pipe:
                    for key in keys:
                        pipe.set(key, _version(), ex=_VERSION_TTL_S)
                    await pipe.execute()
        except (RedisError, OSError) as error:
            _log.warning("cache.change_untold", error=type(error).__name__)
            return False
        return True


def version_key(organisation_id: UUID, scope: str) -> str:
    return f"{_prefix(organisation_id)}version:{scope}"


def _prefix(organisation_id: UUID) -> str:
    # In braces: one slot of a cluster, since entry and versions are read in one step.
    return f"cache:{{{organisation_id}}}:"


def _version() -> bytes:
    return secrets.token_bytes(_VERSION_BYTES)


async def _first_versions(redis: Any, keys: Sequence[str]) -> Versions | None:
    """Nobody has given one yet, or it is gone: whoever comes first does."""
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.set(key, _version(), ex=_VERSION_TTL_S, nx=True)
        pipe.mget(keys)
        found = (await pipe.execute())[-1]
    return None if None in found else tuple(found)


def _fitting(versions: Versions, raw: bytes | None) -> _Looked:
    looked = _Looked(versions)
    if raw is None:
        return looked
    try:
        entry = _unpacked.decode(raw)
    except msgspec.MsgspecError:
        return looked
    return replace(looked, body=entry.body) if entry.versions == versions else looked


def _heard(task: "asyncio.Task[Any]") -> None:
    """Where all who waited have gone, nobody else looks at how it ended."""
    if not task.cancelled():
        task.exception()
