"""Coming back to a turn: here, from another replica, after a restart, and without Redis."""

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from kit.wire.events import TurnFailed, TurnStarted
from platform_api.chat.errors import ShuttingDown, TurnNotFound
from platform_api.chat.models import TurnRow
from platform_api.sessions import service as sessions
from ports.db import Database
from tests.platform_api.chat.conftest import Asked, ChatWith, Client, person
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, answer, search

STEPS = answer("Staff get 25 days of annual leave. [1]")


async def first_event(asked: Asked) -> None:
    await anext(aiter(asked.client.chat.follow(asked.client.principal, asked.session_id, asked.turn_id)))


@pytest.mark.proves("TURN-003")
async def test_a_client_that_leaves_does_not_stop_the_turn(client: Client, database: Database) -> None:
    gate = asyncio.Event()
    client.runtime.steps = [*STEPS[:2], gate, *STEPS[2:]]
    asked = await client.ask()
    await first_event(asked)
    gate.set()
    assert (await asked.end()).type == "turn.completed"
    async with database.begin() as db:
        read = await sessions.read(db, client.principal, asked.session_id)
    assert [message.role for message in read.messages] == ["user", "assistant"]
    assert read.messages[1].citations[0].quote == "Staff get 25 days of annual leave."


@pytest.mark.proves("TURN-003")
async def test_who_comes_back_gets_what_was_missed_and_nothing_twice(client: Client) -> None:
    gate = asyncio.Event()
    client.runtime.steps = [*STEPS[:2], gate, *STEPS[2:]]
    asked = await client.ask()
    heard: list[int] = []
    async for batch in client.chat.follow(client.principal, asked.session_id, asked.turn_id):
        heard += [entry.seq for entry in batch]
        if len(heard) >= 3:
            break
    gate.set()
    rest = [event.seq for event in await asked.events(after=heard[-1])]
    assert heard + rest == list(range(1, 9))


@pytest.mark.proves("TURN-003")
async def test_a_running_turn_is_followed_from_another_replica(chat_with: ChatWith) -> None:
    gate = asyncio.Event()
    runtime = ScriptedRuntime(*STEPS[:2], gate, *STEPS[2:])
    client = Client(chat_with(runtime), runtime)
    elsewhere = chat_with()
    asked = await client.ask()
    following = asyncio.create_task(asked.events(chat=elsewhere))
    await first_event(asked)
    gate.set()
    assert await following == await asked.events()


@pytest.mark.proves("TURN-003")
async def test_an_ended_turn_is_read_again_from_another_replica(chat_with: ChatWith, redis: Redis) -> None:
    client = Client(chat_with())
    asked = await client.ask()
    events = await asked.events()
    await client.chat.stop()
    elsewhere = chat_with()
    assert await asked.events(chat=elsewhere) == events
    assert await asked.events(after=4, chat=elsewhere) == events[4:]
    assert await redis.ttl(f"turn:{asked.turn_id}") > 3000


@pytest.mark.proves("TURN-003")
async def test_when_the_stream_is_gone_the_row_still_tells_the_end(chat_with: ChatWith, redis: Redis) -> None:
    client = Client(chat_with())
    asked = await client.ask()
    end = await asked.end()
    await client.chat.stop()
    await cast(Any, redis).flushall()
    assert await asked.events(chat=chat_with()) == [end]


async def test_who_has_seen_the_end_gets_it_again(client: Client) -> None:
    asked = await client.ask()
    end = await asked.end()
    assert await asked.events(after=8) == [end]
    assert await asked.events(after=999) == [end]


@pytest.mark.proves("SESSION-001")
async def test_nobody_else_can_follow_my_turn(chat_with: ChatWith, client: Client) -> None:
    asked = await client.ask()
    await asked.end()
    for chat in (client.chat, chat_with()):
        with pytest.raises(TurnNotFound):
            await chat.attached(person("tom"), asked.session_id, asked.turn_id)


@pytest.mark.proves("TURN-008")
async def test_without_redis_a_turn_streams_finishes_and_can_be_read(chat_with: ChatWith) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.05)
    client = Client(chat_with(redis=nowhere))
    asked = await client.ask()
    events = await asked.events()
    assert [event.seq for event in events] == list(range(1, 9))
    assert await asked.events(chat=chat_with(redis=nowhere)) == [events[-1]]
    await nowhere.aclose()


@pytest.mark.proves("TURN-002")
async def test_a_process_that_stops_lets_its_turns_end(chat_with: ChatWith) -> None:
    gate = asyncio.Event()
    runtime = ScriptedRuntime(*STEPS[:2], gate, *STEPS[2:])
    client = Client(chat_with(runtime, drain_s=10), runtime)
    asked = await client.ask()
    await first_event(asked)
    stopping = asyncio.create_task(client.chat.stop())
    gate.set()
    await stopping
    assert (await asked.end()).type == "turn.completed"


@pytest.mark.proves("TURN-002")
async def test_a_turn_that_outlasts_the_stop_ends_as_interrupted(
    chat_with: ChatWith, database: Database
) -> None:
    runtime = ScriptedRuntime(*search(LEAVE), asyncio.Event())
    client = Client(chat_with(runtime), runtime)
    asked = await client.ask()
    await first_event(asked)
    await client.chat.stop()
    end = await asked.end()
    assert isinstance(end, TurnFailed)
    assert (end.code, end.retryable) == ("interrupted", True)
    async with database.begin() as db:
        assert await db.scalar(select(TurnRow.terminal)) == end.dump()
    with pytest.raises(ShuttingDown):
        await client.ask()


async def test_a_session_that_is_deleted_meanwhile_ends_its_turn(client: Client, database: Database) -> None:
    gate = asyncio.Event()
    client.runtime.steps = [*STEPS[:2], gate, *STEPS[2:]]
    asked = await client.ask()
    await first_event(asked)
    async with database.begin() as db:
        await sessions.remove(db, client.principal, asked.session_id)
    gate.set()
    end = await asked.end()
    assert isinstance(end, TurnFailed)
    assert end.code == "session_deleted"


async def test_a_silent_turn_is_told_to_be_silent(client: Client) -> None:
    client.runtime.steps = [asyncio.Event()]
    asked = await client.ask()
    batches = aiter(client.chat.follow(client.principal, asked.session_id, asked.turn_id))
    heard = [await anext(batches), await anext(batches)]
    assert [len(batch) for batch in heard] == [1, 0]
    assert heard[0][0].type == TurnStarted.model_fields["type"].default
