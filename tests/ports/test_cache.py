"""What was asked before comes from Redis, and never longer than it holds; Redis may hang or be gone."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from launch.engines import RunningEngine
from ports.redis import Cache, CacheDoor, CacheScopes, CacheSettings, CacheUnavailable, Kept, connect
from ports.redis.cache import version_key
from tests.engines import running_valkey

ORGANISATION = UUID(int=1)
PATIENT = CacheSettings(deadline_ms=5000, largest_kb=1)
KEPT: Kept[str] = Kept(lambda answer: answer.encode(), lambda body: body.decode())


@dataclass
class Asking:
    """A cache of one replica, and what it had to compute."""

    cache: Cache[str]
    computed: list[str] = field(default_factory=list[str])

    async def __call__(self, answer: str = "25 days", organisation: UUID = ORGANISATION) -> tuple[str, bool]:
        got = await self.cache.get(organisation, ("documents",), b"leave?", self.computing(answer))
        await self.cache.settled()
        return got

    def computing(self, answer: str) -> Callable[[], Awaitable[str]]:
        async def compute() -> str:
            self.computed.append(answer)
            return answer

        return compute


def replica(redis: Redis, settings: CacheSettings = PATIENT, ttl_s: int = 300) -> Asking:
    return Asking(Cache(CacheDoor(redis, settings), "test", ttl_s, KEPT))


@pytest.fixture
def own_valkey() -> Generator[RunningEngine]:
    """One that a test may harm."""
    with running_valkey() as engine:
        yield engine


@pytest.mark.proves("CACHE-001")
async def test_the_same_question_is_computed_once_for_all_replicas_until_its_time_is_over(
    redis: Redis,
) -> None:
    one, other = replica(redis), replica(redis)

    assert [await one(), await one(), await other("30 days")] == [("25 days", False)] + [
        ("25 days", True)
    ] * 2
    assert other.computed == []
    [key] = [key async for key in redis.scan_iter("cache:*:test:*")]
    assert 0 < await redis.ttl(key) <= 300
    await redis.delete(key)
    assert await other("30 days") == ("30 days", False)


@pytest.mark.proves("CACHE-001")
async def test_organisations_share_nothing(redis: Redis) -> None:
    ask = replica(redis)
    await ask()

    assert await ask("30 days", uuid4()) == ("30 days", False)
    await CacheScopes(redis).changed(uuid4(), "documents")
    assert await ask("30 days") == ("25 days", True)


@pytest.mark.proves("CACHE-002")
async def test_after_a_change_nothing_is_answered_from_before(redis: Redis) -> None:
    ask, caches = replica(redis), CacheScopes(redis)
    await ask()

    await caches.changed(ORGANISATION, "calendar")
    assert await ask() == ("25 days", True)
    await caches.changed(ORGANISATION, "documents")
    assert await ask("28 days") == ("28 days", False)


@pytest.mark.proves("CACHE-002")
async def test_an_answer_that_was_begun_before_a_change_is_given_to_nobody_after_it(redis: Redis) -> None:
    ask, changed = replica(redis), asyncio.Event()

    async def slowly() -> str:
        await changed.wait()
        return "25 days"

    first = asyncio.create_task(ask.cache.get(ORGANISATION, ("documents",), b"leave?", slowly))
    while not await redis.exists(version_key(ORGANISATION, "documents")):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    await CacheScopes(redis).changed(ORGANISATION, "documents")
    # Asked after the change, while the older one still computes: not joined, and not overwritten later.
    assert await ask("28 days") == ("28 days", False)
    changed.set()
    assert await first == ("25 days", False)
    await ask.cache.settled()

    assert (await ask("28 days"))[0] == "28 days"


@pytest.mark.proves("CACHE-002")
async def test_a_version_that_redis_has_lost_never_comes_back(redis: Redis) -> None:
    ask = replica(redis)
    await ask()

    await redis.delete(version_key(ORGANISATION, "documents"))

    assert await ask("28 days") == ("28 days", False)
    assert await ask("28 days") == ("28 days", True)


@pytest.mark.proves("CACHE-003")
async def test_a_herd_computes_once_and_whoever_leaves_fails_nobody(redis: Redis) -> None:
    ask, go, begun = replica(redis), asyncio.Event(), 0

    async def slowly() -> str:
        nonlocal begun
        begun += 1
        await go.wait()
        return "25 days"

    herd = [
        asyncio.create_task(ask.cache.get(ORGANISATION, ("documents",), b"leave?", slowly)) for _ in range(20)
    ]
    while not begun:
        await asyncio.sleep(0.001)
    herd[0].cancel()
    await asyncio.gather(herd[0], return_exceptions=True)
    go.set()
    answers = await asyncio.gather(*herd[1:])

    assert {answer for answer, _ in answers} == {"25 days"}
    assert begun == 1


@pytest.mark.proves("CACHE-003")
async def test_a_waiter_whose_leader_failed_computes_itself(redis: Redis) -> None:
    ask, go, begun = replica(redis), asyncio.Event(), asyncio.Event()
    await ask("of another question")
    await CacheScopes(redis).changed(ORGANISATION, "documents")

    async def failing() -> str:
        begun.set()
        await go.wait()
        raise ValueError("the leader's own trouble")

    leader = asyncio.create_task(ask.cache.get(ORGANISATION, ("documents",), b"leave?", failing))
    await begun.wait()
    waiter = asyncio.create_task(ask())
    await asyncio.sleep(0.01)
    go.set()

    with pytest.raises(ValueError, match="own trouble"):
        await leader
    assert (await waiter)[0] == "25 days"


@pytest.mark.proves("CACHE-004")
async def test_where_redis_hangs_everything_is_computed_and_a_change_says_so(
    own_valkey: RunningEngine,
) -> None:
    client = connect(own_valkey.url)
    ask = replica(client, CacheSettings())
    await ask()
    os.kill(own_valkey.pid, signal.SIGSTOP)
    try:
        answers = [await ask(f"{number}") for number in range(10)]
        assert answers == [(f"{number}", False) for number in range(10)]
        with pytest.raises(CacheUnavailable):
            await CacheScopes(client).changed(ORGANISATION, "documents")
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
        await client.aclose()


@pytest.mark.proves("CACHE-004")
async def test_where_redis_is_gone_everything_is_computed() -> None:
    client = connect("redis://127.0.0.1:1/0")
    ask = replica(client)
    assert [await ask(), await ask("28 days")] == [("25 days", False), ("28 days", False)]
    await client.aclose()


@pytest.mark.proves("CACHE-004")
async def test_a_redis_that_does_not_answer_is_asked_three_times_then_left_alone() -> None:
    class Gone:
        asked = 0

        async def mget(self, keys: list[str]) -> list[bytes]:
            self.asked += 1
            raise ConnectionError

    gone = Gone()
    ask = replica(gone)  # type: ignore[arg-type]  # all that a look needs of it
    assert [await ask() for _ in range(10)] == [("25 days", False)] * 10
    assert gone.asked == 3


async def test_what_is_too_large_or_not_to_be_kept_is_computed_each_time(redis: Redis) -> None:
    ask = replica(redis)
    assert [await ask("x" * 2000) for _ in range(2)] == [("x" * 2000, False)] * 2

    off = replica(redis, ttl_s=0)
    assert [await off() for _ in range(2)] == [("25 days", False)] * 2


async def test_what_another_release_has_written_is_computed_anew(redis: Redis) -> None:
    ask = replica(redis)
    await ask()
    [key] = [key async for key in redis.scan_iter("cache:*:test:*")]
    await redis.set(key, b"\xc1 not ours")

    assert await ask("28 days") == ("28 days", False)
