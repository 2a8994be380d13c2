"""Postgres through our port: one transaction per `begin`."""

import pytest
from sqlalchemy import text

from ports.db import Database


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
