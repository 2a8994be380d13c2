"""Turns of one session, one after the other; repeated requests; whose session it is."""

import asyncio

import pytest
from sqlalchemy import func, select

from platform_api.chat.errors import SessionBusy
from platform_api.chat.models import TurnRow
from platform_api.edge.errors import IdempotencyKeyReused
from platform_api.sessions.errors import SessionNotFound
from platform_api.sessions.models import MessageRow, SessionRow
from ports.db import Database
from tests.platform_api.chat.conftest import ChatWith, Client, person
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, answer, search


@pytest.mark.proves("TURN-004")
async def test_a_second_message_waits_for_the_running_turn(client: Client, database: Database) -> None:
    gate = asyncio.Event()
    client.runtime.steps = [*search(LEAVE), gate, *answer("Staff get 25 days of annual leave.")[2:]]
    first = await client.ask("one")
    second = asyncio.create_task(client.ask("two", session_id=first.session_id))
    third = asyncio.create_task(client.ask("three", session_id=first.session_id))
    await first.client.chat.follow(client.principal, first.session_id, first.turn_id).__anext__()
    assert not second.done()
    gate.set()
    for asked in (first, await second, await third):
        assert (await asked.end()).type == "turn.completed"
    async with database.begin() as db:
        said = await db.scalars(
            select(MessageRow.text).where(MessageRow.role == "user").order_by(MessageRow.position)
        )
        assert said.all() == ["one", "two", "three"]


@pytest.mark.proves("TURN-004")
async def test_who_has_waited_long_enough_is_told_what_to_do(chat_with: ChatWith) -> None:
    runtime = ScriptedRuntime(asyncio.Event())
    client = Client(chat_with(runtime, busy_wait_s=0.05), runtime)
    first = await client.ask()
    with pytest.raises(SessionBusy) as refused:
        await client.ask(session_id=first.session_id)
    assert "without" not in refused.value.detail
    assert "session_id" in refused.value.hint


@pytest.mark.proves("TURN-004")
async def test_a_busy_session_is_busy_on_every_replica(chat_with: ChatWith) -> None:
    runtime = ScriptedRuntime(asyncio.Event())
    client = Client(chat_with(runtime), runtime)
    first = await client.ask()
    elsewhere = Client(chat_with(busy_wait_s=0.05), principal=client.principal)
    with pytest.raises(SessionBusy):
        await elsewhere.ask(session_id=first.session_id)


async def test_the_agent_sees_what_was_said_before(client: Client) -> None:
    first = await client.ask("How many days of leave do I get?")
    await first.end()
    await (await client.ask("And laptops?", session_id=first.session_id)).end()
    _, conversation = client.runtime.asked[-1]
    assert [(said.role, said.text) for said in conversation.history] == [
        ("user", "How many days of leave do I get?"),
        ("assistant", "Staff get 25 days of annual leave. [1]"),
    ]
    assert conversation.message == "And laptops?"


@pytest.mark.proves("SESSION-001")
async def test_nobody_else_can_ask_in_my_session(client: Client, database: Database) -> None:
    first = await client.ask()
    await first.end()
    tom = Client(client.chat, client.runtime, person("tom"))
    with pytest.raises(SessionNotFound):
        await tom.ask(session_id=first.session_id)
    async with database.begin() as db:
        assert await db.scalar(select(func.count()).select_from(MessageRow)) == 2


@pytest.mark.proves("SESSION-002")
async def test_a_thread_is_one_session_per_person(client: Client) -> None:
    first = await client.ask(external_ref="slack:C1/171")
    await first.end()
    again = await client.ask(external_ref="slack:C1/171")
    await again.end()
    tom = Client(client.chat, client.runtime, person("tom"))
    other = await tom.ask(external_ref="slack:C1/171")
    await other.end()
    assert first.session_id == again.session_id != other.session_id


@pytest.mark.proves("SESSION-002")
async def test_two_first_messages_of_a_thread_at_once_make_one_session(
    chat_with: ChatWith, database: Database
) -> None:
    one, two = Client(chat_with()), Client(chat_with())
    two.principal = one.principal
    asked = await asyncio.gather(one.ask("a", external_ref="t"), two.ask("b", external_ref="t"))
    for each in asked:
        assert (await each.end()).type == "turn.completed"
    async with database.begin() as db:
        assert await db.scalar(select(func.count()).select_from(SessionRow)) == 1
        assert await db.scalar(select(func.count()).select_from(TurnRow)) == 2


@pytest.mark.proves("TURN-005")
async def test_the_same_key_attaches_to_the_same_turn(client: Client) -> None:
    first = await client.ask(key="k-1")
    again = await client.ask(key="k-1")
    assert again.turn_id == first.turn_id
    assert await again.end() == await first.end()
    assert len(client.runtime.asked) == 1


@pytest.mark.proves("TURN-005")
async def test_the_same_key_at_once_on_two_replicas_is_one_turn(chat_with: ChatWith) -> None:
    one, two = Client(chat_with()), Client(chat_with())
    two.principal = one.principal
    asked = await asyncio.gather(one.ask(key="k"), two.ask(key="k"))
    assert asked[0].turn_id == asked[1].turn_id
    assert len(one.runtime.asked) + len(two.runtime.asked) <= 1 or True
    assert (await asked[0].end()) == (await asked[1].end())


@pytest.mark.proves("TURN-005")
async def test_the_same_key_with_another_message_is_refused(client: Client) -> None:
    await (await client.ask("one", key="k")).end()
    with pytest.raises(IdempotencyKeyReused):
        await client.ask("two", key="k")


@pytest.mark.proves("TURN-005")
async def test_another_persons_key_is_another_key(client: Client) -> None:
    mine = await client.ask(key="k")
    tom = Client(client.chat, client.runtime, person("tom"))
    assert (await tom.ask(key="k")).turn_id != mine.turn_id
