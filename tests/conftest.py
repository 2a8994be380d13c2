"""What every test may use: real engines, started once per test process when first asked for."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest
import pytest_socket
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from launch.engines import RunningEngine
from ports.db import Database
from ports.redis import connect
from tests.engines import PostgresForTests, memory_folder, running_postgres, running_valkey
from tests.unlimited import without_request_limits

# On a loaded machine examples take longer than hypothesis allows by itself, made or run.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

# tmp_path: what is proven here is not about the disk, which costs a platform with its index a second.
if in_memory := memory_folder():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(in_memory))

# Tests ask as one person what many would; those of the limits set their own.
without_request_limits()


def pytest_runtest_setup() -> None:
    # Nothing leaves this machine; unix sockets and loopback are the engines and our own servers.
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    """The Postgres of this test process."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def valkey() -> Iterator[RunningEngine]:
    """The Valkey of this test process."""
    with running_valkey() as running:
        yield running


@pytest.fixture
def database_url(postgres: PostgresForTests) -> Iterator[str]:
    """A fresh, migrated database: `postgresql+asyncpg://…`."""
    with postgres.database() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
def redis_url(valkey: RunningEngine) -> str:
    """Logical database 0 of the Valkey; emptied where `redis` is asked for too."""
    return valkey.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client on an emptied Valkey; patient, since tests run on busy machines."""
    client = connect(redis_url, timeout_s=5)
    await cast(Any, client).flushall()  # untyped in redis-py
    yield client
    await client.aclose()
