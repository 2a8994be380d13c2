"""Rates and budgets: exact over replicas, one count for all, and something to hold on to without Redis."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from ports.redis.rates import DAY_MS, MINUTE_MS, Bound, Bounds, Limiter, Limits, LocalLimiter, open_limits
from tests.clocks import HandClock

PATIENT_S = 20.0
Make = Callable[[HandClock], Awaitable[Limits]]


@asynccontextmanager
async def shared(redis_url: str, clock: HandClock) -> AsyncGenerator[Limiter]:
    limits = open_limits(redis_url, clock, "gateway", PATIENT_S)
    await limits.start()
    try:
        yield limits.limiter
    finally:
        await limits.close()


@pytest.fixture(params=["redis", "local"])
async def limiter(
    request: pytest.FixtureRequest, redis: Redis, redis_url: str, clock: HandClock
) -> AsyncIterator[Limiter]:
    if request.param == "local":
        yield LocalLimiter(clock)
        return
    async with shared(redis_url, clock) as limiter:
        yield limiter


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def bounds(*each: Bound) -> Bounds:
    return Bounds(each)


def user(most: int, name: str = "maya") -> Bound:
    return Bound("user", name, most)


async def passed(limiter: Limiter, asked: Bounds, times: int) -> int:
    taken = await asyncio.gather(*(limiter.take(asked) for _ in range(times)))
    return sum(one.refused_by is None for one in taken)


@pytest.mark.proves("GATE-007")
async def test_of_many_at_once_exactly_as_many_pass_as_may(limiter: Limiter) -> None:
    assert await passed(limiter, bounds(user(10)), 50) == 10
    assert await passed(limiter, bounds(user(10, "tom")), 50) == 10


@pytest.mark.proves("GATE-007")
async def test_two_replicas_count_together(redis: Redis, redis_url: str, clock: HandClock) -> None:
    async with shared(redis_url, clock) as one, shared(redis_url, clock) as other:
        counted = await asyncio.gather(
            passed(one, bounds(user(100)), 80), passed(other, bounds(user(100)), 80)
        )
    assert sum(counted) == 100


@pytest.mark.proves("GATE-008")
async def test_after_the_time_that_was_told_it_passes_and_not_before(
    limiter: Limiter, clock: HandClock
) -> None:
    clock.move(seconds=20)
    assert await passed(limiter, bounds(user(10)), 10) == 10
    refused = await limiter.take(bounds(user(10)))
    assert refused.refused_by == user(10)
    assert 40 < refused.wait_s < 100

    clock.move(seconds=refused.wait_s - 0.5)
    assert await passed(limiter, bounds(user(10)), 1) == 0
    clock.move(seconds=0.6)
    assert await passed(limiter, bounds(user(10)), 1) == 1


async def test_a_rate_slides_so_that_two_minutes_edges_are_no_double_helping(
    limiter: Limiter, clock: HandClock
) -> None:
    clock.move(seconds=59)
    assert await passed(limiter, bounds(user(100)), 100) == 100
    clock.move(seconds=2)
    assert await passed(limiter, bounds(user(100)), 100) <= 2
    clock.move(seconds=29)
    assert 45 <= await passed(limiter, bounds(user(100)), 100) <= 51


async def test_what_one_bound_refuses_counts_against_none(limiter: Limiter) -> None:
    narrow = bounds(user(100), Bound("server", "docs", 3))
    assert await passed(limiter, narrow, 20) == 3
    assert await passed(limiter, bounds(user(100)), 200) == 97


@pytest.mark.proves("GATE-009")
async def test_a_budget_is_for_its_day(limiter: Limiter, clock: HandClock) -> None:
    day = bounds(Bound("cost_per_day", "maya", 50, DAY_MS, 20, slides=False))
    clock.move(hours=23)
    assert await passed(limiter, day, 5) == 2
    refused = await limiter.take(day)
    assert refused.wait_s == 3600
    clock.move(hours=1)
    assert await passed(limiter, day, 5) == 2


async def test_a_replica_whose_clock_is_behind_gains_nothing(
    redis: Redis, redis_url: str, clock: HandClock
) -> None:
    behind = HandClock()
    clock.move(seconds=61)
    async with shared(redis_url, clock) as right, shared(redis_url, behind) as wrong:
        assert await passed(right, bounds(user(10)), 10) == 10
        assert await passed(wrong, bounds(user(10)), 10) == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 90_000), st.integers(1, 12), st.booleans()), min_size=1, max_size=20
    )
)
async def test_this_process_alone_counts_as_redis_does(
    redis: Redis, redis_url: str, steps: list[tuple[int, int, bool]]
) -> None:
    await redis.flushall()  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    clock = HandClock()
    local = LocalLimiter(clock)
    async with shared(redis_url, clock) as remote:
        for pause_ms, most, slides in steps:
            clock.move(milliseconds=pause_ms)
            asked = bounds(Bound("user", "maya", most, MINUTE_MS, 1, slides), Bound("tool", "t", 9))
            here, there = await local.take(asked), await remote.take(asked)
            assert here.refused_by == there.refused_by
            assert there.wait_s == pytest.approx(here.wait_s, abs=0.002)


@pytest.mark.proves("GATE-006")
async def test_without_redis_limits_hold_all_the_same(clock: HandClock) -> None:
    limits = open_limits("redis://127.0.0.1:1/0", clock, "gateway")
    await limits.start()
    assert await passed(limits.limiter, bounds(user(10)), 50) == 10
    await limits.close()


async def test_one_call_is_one_round_trip(redis: Redis, redis_url: str, clock: HandClock) -> None:
    async def commands() -> int:
        return (await cast(Any, redis).info("commandstats"))["cmdstat_evalsha"]["calls"]

    asked = bounds(user(10), Bound("server", "docs", 10), Bound("calls_per_day", "maya", 9, DAY_MS))
    async with shared(redis_url, clock) as limiter:
        await limiter.take(asked)
        before = await commands()
        await limiter.take(asked)
        assert await commands() == before + 1
        keys: list[bytes] = await cast(Any, redis).keys("*")  # untyped in redis-py
        assert {key.split(b"}")[0] for key in keys} == {b"{gateway"}


async def test_what_is_left_is_told_and_looking_counts_nothing(limiter: Limiter, clock: HandClock) -> None:
    asked = bounds(user(5), Bound("turns", "maya", 2))
    assert await limiter.left(asked) == [5, 2]
    assert await passed(limiter, asked, 4) == 2
    assert await limiter.left(asked) == [3, 0]
    assert await limiter.left(asked) == [3, 0]
    assert await passed(limiter, bounds(user(5)), 9) == 3
    assert await limiter.left(asked) == [0, 0]
    clock.move(seconds=2 * MINUTE_MS / 1000)
    assert await limiter.left(asked) == [5, 2]
