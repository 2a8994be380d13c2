"""Turns whose process is gone, paused or killed: one end each, and never a second one."""

import asyncio
import random
import sys
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text, update

from access.principal import Principal
from kit.wire.events import TurnFailed, is_terminal, parse_event
from platform_api.chat.mirror import Mirror
from platform_api.chat.models import TurnRow
from platform_api.chat.service import Chat
from platform_api.chat.sweeper import Sweeper
from platform_api.sessions.models import MessageRow, SessionRow
from ports.db import Database
from ports.queue import Queue
from tests.engines import full_run
from tests.platform_api.chat import crash_child
from tests.platform_api.chat.conftest import Asked, ChatWith, Client
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, answer, search

FROZEN: dict[str, Any] = {"heartbeat_s": 999, "sweep_every_s": 999}


@pytest.fixture
def sweeper(database: Database, redis: Redis) -> Sweeper:
    return Sweeper(database, Queue(database), Mirror(redis, redis, 60))


async def lose_leases(database: Database) -> None:
    async with database.begin() as db:
        await db.execute(update(TurnRow).values(lease_until=text("now() - interval '1 second'")))


async def held_up(chat_with: ChatWith) -> tuple[Asked, asyncio.Event]:
    """A turn whose process has been paused after its search."""
    gate = asyncio.Event()
    runtime = ScriptedRuntime(*search(LEAVE), gate, *answer("Staff get 25 days of annual leave.")[2:])
    asked = await Client(chat_with(runtime, **FROZEN), runtime).ask()
    heard = asked.client.chat.follow(asked.client.principal, asked.session_id, asked.turn_id)
    await anext(aiter(heard))
    return asked, gate


@pytest.mark.proves("TURN-002")
async def test_an_orphan_ends_once_as_interrupted(
    chat_with: ChatWith, sweeper: Sweeper, database: Database
) -> None:
    asked, _ = await held_up(chat_with)
    await lose_leases(database)
    swept = await asyncio.gather(*(sweeper.sweep() for _ in range(4)))
    assert sorted(swept) == [0, 0, 0, 1]
    async with database.begin() as db:
        turn = await db.get_one(TurnRow, asked.turn_id)
        session = await db.get_one(SessionRow, asked.session_id)
    assert (turn.state, session.running_turn_id) == ("failed", None)
    end = parse_event(turn.terminal or "")
    assert isinstance(end, TurnFailed)
    assert (end.code, end.retryable, end.request_id) == ("interrupted", True, "req-1")


@pytest.mark.proves("TURN-002")
async def test_a_living_turn_is_left_alone(chat_with: ChatWith, sweeper: Sweeper) -> None:
    asked, gate = await held_up(chat_with)
    assert await sweeper.sweep() == 0
    gate.set()
    assert (await asked.end()).type == "turn.completed"


async def test_heartbeats_keep_the_lease(chat_with: ChatWith, database: Database) -> None:
    asked, _ = await held_up(chat_with)
    await lose_leases(database)
    await asked.client.chat._renew()  # pyright: ignore[reportPrivateUsage]  # what its timer does
    async with database.begin() as db:
        alive = select(TurnRow.lease_until > text("now() + interval '15 seconds'"))
        assert await db.scalar(alive)


@pytest.mark.proves("TURN-002")
async def test_an_owner_that_wakes_up_too_late_changes_nothing(
    chat_with: ChatWith, sweeper: Sweeper, database: Database
) -> None:
    asked, gate = await held_up(chat_with)
    await lose_leases(database)
    await sweeper.sweep()
    gate.set()
    here = await asked.events()
    assert [event.type for event in here if is_terminal(event)] == ["turn.failed"]
    assert [event.seq for event in here] == list(range(1, len(here) + 1))
    elsewhere = await asked.events(chat=chat_with())
    assert [event.type for event in elsewhere if is_terminal(event)] == ["turn.failed"]
    async with database.begin() as db:
        assert (await db.scalars(select(MessageRow.role))).all() == ["user"]


@pytest.mark.proves("TURN-002")
async def test_a_follower_elsewhere_hears_of_the_end(
    chat_with: ChatWith, sweeper: Sweeper, database: Database
) -> None:
    asked, _ = await held_up(chat_with)
    following = asyncio.create_task(asked.events(chat=chat_with()))
    await lose_leases(database)
    await sweeper.sweep()
    events = await following
    assert events[-1].type == "turn.failed"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


@pytest.mark.proves("TURN-002")
@pytest.mark.parametrize("seed", range(25 if full_run() else 2))
async def test_kill_9_at_any_point_leaves_one_end_per_turn(
    chat_with: ChatWith, sweeper: Sweeper, database: Database, database_url: str, redis_url: str, seed: int
) -> None:
    begun = await _run_and_kill(database_url, redis_url, random.Random(seed))
    await lose_leases(database)
    await sweeper.sweep()
    assert await sweeper.sweep() == 0
    states = await _states(database)
    assert set(begun) <= set(states)
    await _check_kept(database, states)
    chat = chat_with()
    for (session_id, turn_id), state in states.items():
        ends = await _ends(chat, session_id, turn_id)
        assert ends == [f"turn.{state}"]


async def _run_and_kill(database_url: str, redis_url: str, chance: random.Random) -> list[tuple[UUID, UUID]]:
    """The turns that the child said it had begun before it was killed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", crash_child.__name__, database_url, redis_url, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    begun: list[tuple[UUID, UUID]] = []
    for _ in range(chance.randint(1, 30)):
        session_id, turn_id = (await child.stdout.readline()).decode().split()
        begun.append((UUID(session_id), UUID(turn_id)))
    await asyncio.sleep(chance.uniform(0, 0.05))  # anywhere within a turn: this is the point of the test
    child.kill()
    await child.wait()
    return begun


async def _states(database: Database) -> dict[tuple[UUID, UUID], str]:
    async with database.begin() as db:
        rows = await db.execute(select(TurnRow.session_id, TurnRow.id, TurnRow.state))
        return {(row.session_id, row.id): row.state for row in rows}


async def _check_kept(database: Database, states: dict[tuple[UUID, UUID], str]) -> None:
    """Message, outbox job and free session belong to the same commit as the state."""
    async with database.begin() as db:
        answered = (await db.scalars(select(MessageRow.turn_id).where(MessageRow.role == "assistant"))).all()
        busy = (await db.scalars(select(SessionRow.id).where(SessionRow.running_turn_id.is_not(None)))).all()
        jobs = (await db.execute(text("SELECT task_name FROM procrastinate_jobs"))).scalars().all()
    assert set(states.values()) <= {"completed", "failed"}
    assert sorted(answered) == sorted(turn for (_, turn), state in states.items() if state == "completed")
    assert busy == []
    assert Counter(jobs) == Counter(f"turn.{state}.v1" for state in states.values())


async def _ends(chat: Chat, session_id: UUID, turn_id: UUID) -> list[str]:
    person = Principal(crash_child.ORGANISATION, crash_child.PERSON)
    events = [
        parse_event(entry.data) async for batch in chat.follow(person, session_id, turn_id) for entry in batch
    ]
    return [event.type for event in events if is_terminal(event)]
