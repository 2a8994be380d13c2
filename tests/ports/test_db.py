"""Postgres through our port: one transaction per `begin`."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from kit.errors import Unavailable
from ports.db import Database, async_url, libpq_url, sync_url


async def count(database: Database) -> int:
    async with database.begin() as session:
        return (await session.execute(text("SELECT count(*) FROM things"))).scalar_one()


@pytest.fixture
async def things(database: Database) -> Database:
    async with database.begin() as session:
        await session.execute(text("CREATE TABLE things (name text PRIMARY KEY, data jsonb)"))
    return database


async def test_a_block_that_ends_well_is_committed(things: Database) -> None:
    async with things.begin() as session:
        await session.execute(text("INSERT INTO things VALUES ('a')"))
    assert await count(things) == 1


async def test_a_block_that_raises_leaves_nothing(things: Database) -> None:
    async def insert_and_fail() -> None:
        async with things.begin() as session:
            await session.execute(text("INSERT INTO things VALUES ('a')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await insert_and_fail()
    assert await count(things) == 0


async def test_every_test_has_a_database_of_its_own(things: Database) -> None:
    assert await count(things) == 0


async def test_json_goes_in_and_comes_out(things: Database) -> None:
    async with things.begin() as session:
        await session.execute(
            text("INSERT INTO things VALUES ('a', :data)").bindparams(bindparam("data", type_=JSONB)),
            {"data": {"number": 1, "text": "Zoë"}},
        )
    async with things.begin() as session:
        found = await session.execute(text("SELECT data FROM things").columns(data=JSONB))
        assert found.scalar_one() == {"number": 1, "text": "Zoë"}


@pytest.mark.proves("DB-001")
async def test_no_postgres_is_an_unavailable_part_with_a_time_to_retry() -> None:
    away = Database("postgresql+asyncpg://u:p@127.0.0.1:1/db")
    with pytest.raises(Unavailable) as refused:
        await away.ready()
    assert refused.value.retry_after
    await away.close()


async def test_a_missing_socket_is_an_unavailable_part_too(tmp_path: Path) -> None:
    away = Database(f"postgresql+asyncpg://u:p@/db?host={tmp_path}")
    with pytest.raises(Unavailable):
        await away.ready()
    await away.close()


CUT_ALL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.proves("DB-001")
async def test_connections_that_were_cut_while_idle_are_replaced_unseen(things: Database) -> None:
    other = Database(things.url)
    await other.ready()
    async with things.begin() as session:
        await session.execute(CUT_ALL)
    await other.ready()
    await other.close()


@pytest.mark.proves("DB-001")
async def test_a_connection_cut_in_a_transaction_is_unavailable_and_leaves_nothing(things: Database) -> None:
    async def insert_while_cut() -> None:
        other = Database(things.url)
        try:
            async with other.begin() as session:
                await session.execute(text("INSERT INTO things VALUES ('a')"))
                async with things.begin() as knife:
                    await knife.execute(CUT_ALL)
                await session.execute(text("INSERT INTO things VALUES ('b')"))
        finally:
            await other.close()

    with pytest.raises(Unavailable):
        await insert_while_cut()
    assert await count(things) == 0


async def test_a_full_pool_is_unavailable_not_an_endless_wait(
    things: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ports.db.database._CONNECT_WITHIN_S", 0.1)
    small = Database(things.url, pool_size=1)
    async with small.begin() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(Unavailable):
            await small.ready()
    await small.close()


@pytest.mark.parametrize("url", ["postgresql://u:p%40@h:5433/d", "postgresql+asyncpg://u:p%40@/d?host=/sock"])
def test_an_address_is_written_for_each_driver(url: str) -> None:
    assert async_url(url).drivername == "postgresql+asyncpg"
    assert sync_url(url).drivername == "postgresql+psycopg"
    assert libpq_url(url).startswith("postgresql://u:p%40@")


@pytest.mark.proves("PRIVACY-001")
async def test_an_error_does_not_repeat_what_was_asked(database: Database) -> None:
    with pytest.raises(DBAPIError) as raised:
        async with database.begin() as session:
            await session.execute(text("SELECT CAST(:said AS text), 1 / 0"), {"said": "my salary"})
    assert "my salary" not in str(raised.value)


async def test_a_task_that_is_cancelled_in_the_middle_ends_as_cancelled(things: Database) -> None:
    """At any moment of a transaction: connecting, asking, committing."""

    async def work() -> None:
        async with things.begin() as session:
            await session.execute(text("SELECT 1"))
            await session.execute(text("SELECT pg_sleep(0.002)"))

    for steps in range(120):
        if steps % 10 == 0:
            await things.close()  # so that the next one has to connect
        task = asyncio.create_task(work())
        for _ in range(steps // 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
