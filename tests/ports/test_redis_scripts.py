"""One script over a connection of its own: quick, and gone from nobody's way when Redis hangs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from launch.engines import RunningEngine, start_valkey
from ports.redis import connect
from ports.redis.scripts import ScriptRunner, ScriptUnavailable
from tests.engines import engine_folder

COUNT = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2]}"
PATIENT_S = 20.0


@asynccontextmanager
async def running(
    url: str, deadline_s: float = PATIENT_S, script: str = COUNT
) -> AsyncIterator[ScriptRunner]:
    runner = ScriptRunner(url, script, deadline_s=deadline_s)
    await runner.start()
    try:
        yield runner
    finally:
        await runner.close()


@pytest.fixture
def own_valkey() -> Iterator[RunningEngine]:
    with engine_folder() as data:
        engine = start_valkey(data, durable=False)
        yield engine
        engine.stop()


async def until_up(runner: ScriptRunner) -> None:
    async with asyncio.timeout(30):
        while not runner.up:
            await asyncio.sleep(0.01)


async def test_any_number_of_runs_at_once_get_each_their_own_answer(redis_url: str) -> None:
    async with running(redis_url) as runner:
        one, other = runner.packed(["{s}:a"], [1]), runner.packed(["{s}:b"], [10])
        answers = await asyncio.gather(
            *(runner.run(one if number % 2 else other, number) for number in range(500))
        )
        assert [int(answer[1]) for answer in answers] == list(range(500))
        assert max(answer[0] for answer in answers[1::2]) - min(answer[0] for answer in answers[1::2]) == 249
        assert {answer[0] % 10 for answer in answers[::2]} == {0}


@pytest.mark.proves("GATE-006")
async def test_a_script_that_redis_forgot_is_sent_again(redis_url: str) -> None:
    client = connect(redis_url, timeout_s=PATIENT_S)
    async with running(redis_url) as runner:
        packed = runner.packed(["{s}:forgotten"], [1])
        await runner.run(packed, 0)
        await client.script_flush()  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
        answers = await asyncio.gather(*(runner.run(packed, 0) for _ in range(20)))
        assert sorted(answer[0] for answer in answers) == list(range(2, 22))
    await client.aclose()


async def test_an_error_in_the_script_fails_that_run_and_no_other(redis_url: str) -> None:
    script = "if ARGV[1] == '7' then return redis.error_reply('no') end return 1"
    async with running(redis_url, script=script) as runner:
        packed = runner.packed([], [])
        answers = await asyncio.gather(*(runner.run(packed, n) for n in range(10)), return_exceptions=True)
        assert [type(answer) for answer in answers].count(ScriptUnavailable) == 1
        assert runner.up


@pytest.mark.proves("GATE-006")
async def test_with_a_redis_that_hangs_nobody_waits_twice_and_it_is_found_again(
    own_valkey: RunningEngine,
) -> None:
    async with running(own_valkey.url, deadline_s=0.3) as runner:
        packed = runner.packed(["{s}:hung"], [1])
        await runner.run(packed, 0)
        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            hung = await asyncio.gather(*(runner.run(packed, 0) for _ in range(16)), return_exceptions=True)
            assert all(isinstance(answer, ScriptUnavailable) for answer in hung)
            assert not runner.up
            with pytest.raises(ScriptUnavailable):
                # at once: a run that went to Redis would end this test by its time limit
                async with asyncio.timeout(0):
                    await runner.run(packed, 0)
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)
        await until_up(runner)


@pytest.mark.proves("GATE-006")
async def test_a_redis_that_is_away_at_the_start_is_used_once_it_is_there(own_valkey: RunningEngine) -> None:
    os.kill(own_valkey.pid, signal.SIGSTOP)
    runner = ScriptRunner(own_valkey.url, COUNT, deadline_s=PATIENT_S)
    try:
        await runner.start()
        with pytest.raises(ScriptUnavailable):
            await runner.run(runner.packed(["{s}:late"], [1]), 0)
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
    await until_up(runner)
    assert await runner.run(runner.packed(["{s}:late"], [1]), 5) == [1, b"5"]
    await runner.close()


async def test_no_redis_at_all_is_no_obstacle_to_the_start() -> None:
    async with running("redis://127.0.0.1:1/0") as runner:
        assert not runner.up


async def test_a_wrong_password_is_no_connection(redis_url: str) -> None:
    async with running(redis_url.replace(":", ":wrong", 2).replace("unix:wrong", "unix:")) as runner:
        assert not runner.up
