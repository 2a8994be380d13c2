"""Redis through our port, also when it hangs or is gone."""

import os
import signal
from collections.abc import Generator
from typing import Any, cast

import pytest
import redis.exceptions
from redis.asyncio import Redis

from launch.engines import RunningEngine
from ports.db import Database
from ports.redis import connect, connect_blocking
from tests.engines import running_valkey


@pytest.fixture
def own_valkey() -> Generator[RunningEngine]:
    """One that a test may harm."""
    with running_valkey() as engine:
        yield engine


async def test_answers_are_bytes(redis: Redis) -> None:
    await redis.set("name", "Zoë")
    assert await redis.get("name") == "Zoë".encode()


async def ping(client: Redis) -> bool:
    return bool(await cast(Any, client).ping())  # untyped in redis-py


@pytest.mark.proves("REDIS-001")
async def test_a_hung_redis_fails_its_commands_and_the_rest_goes_on(
    own_valkey: RunningEngine, database: Database
) -> None:
    client = connect(own_valkey.url)
    assert await ping(client)
    os.kill(own_valkey.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            with pytest.raises((redis.exceptions.TimeoutError, redis.exceptions.ConnectionError)):
                await client.get("a")
        await database.ready()
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
    patient = connect(own_valkey.url, timeout_s=10)
    assert await ping(patient)
    await patient.aclose()
    await client.aclose()


async def test_the_time_limit_of_a_command_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_REDIS__TIMEOUT_MS", "120")
    client = connect("redis://127.0.0.1:1/0")
    assert cast(Any, client).connection_pool.connection_kwargs["socket_timeout"] == 0.12


async def test_a_client_comes_back_after_a_restart(own_valkey: RunningEngine) -> None:
    client = connect(own_valkey.url, timeout_s=5)
    await ping(client)
    crashed = own_valkey.pid
    os.kill(crashed, signal.SIGKILL)
    while True:
        try:
            await ping(client)
            if own_valkey.pid != crashed:
                break
        except redis.exceptions.RedisError:
            continue
    await client.aclose()


async def test_no_redis_at_all_is_an_error_of_redis() -> None:
    client = connect("redis://127.0.0.1:1/0")
    with pytest.raises(redis.exceptions.ConnectionError):
        await ping(client)
    await client.aclose()


async def test_the_blocking_client_outwaits_the_quick_ones_limit(redis: Redis, redis_url: str) -> None:
    waiting = connect_blocking(redis_url)
    assert await waiting.xread({"events": "$"}, block=200) in ([], {}, None)
    await redis.xadd("events", {"n": "1"})
    assert await waiting.xread({"events": "0"}, block=200)
    await waiting.aclose()
