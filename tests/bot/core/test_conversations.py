import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from switchboard_sdk import Switchboard

from bot.core.conversations import Conversations
from bot.core.reply import Answer, Cited, Final, Question, Reply, Status, Text, Trouble
from bot.core.turn import Turn
from kit.wire.events import TurnEvent, parse_event
from tests import scripted_platform as say
from tests.scripted_platform import SESSION, ScriptedPlatform, Stream, sse
from tests.scripted_platform import Answer as Answers

STREAM = "/api/v1/chat/stream"
LEAVE = Turn("console", "thread-1", "message-1", "How much leave do I get?")


async def replies(conversations: Conversations, turn: Turn = LEAVE) -> list[Reply]:
    return [reply async for reply in conversations.replies(turn)]


def finals(told: list[Reply]) -> list[Reply]:
    return [reply for reply in told if isinstance(reply, Final)]


async def test_a_turn_becomes_parts_that_any_channel_can_show(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    events = [say.started(), say.status(2), say.delta(3, "25 days. [1]"), say.cited(4), say.completed(5)]
    platform.on("POST", STREAM, Stream([sse(event) for event in events]))
    told = await replies(Conversations(client))
    assert [type(reply) for reply in told] == [Status, Text, Cited, Answer]
    assert isinstance(told[-1], Answer)
    assert told[-1].session_id == SESSION


async def test_a_message_that_is_delivered_twice_is_answered_once(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started()), sse(say.completed(2))]))
    conversations = Conversations(client)
    assert len(finals(await replies(conversations))) == 1
    assert await replies(conversations) == []
    assert len(platform.requests("POST", STREAM)) == 1


async def test_the_same_message_through_two_replicas_is_one_turn_on_the_platform(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started()), sse(say.completed(2))]))
    await replies(Conversations(client))
    await replies(Conversations(client))
    first, second = platform.requests("POST", STREAM)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


@pytest.mark.proves("BOT-001")
@pytest.mark.parametrize(
    "step",
    [
        Stream([sse(say.started()), sse(say.failed(2))]),
        Stream([sse(say.started())], cut=True),
        Stream([b"data: garbage\n\n"]),
        Answers(say.problem(429, "too_many_requests"), 429),
        Answers(b"<html>", 502),
        Answers(b"", 200),
    ],
    ids=["failed", "cut", "garbage", "limited", "proxy", "empty"],
)
async def test_whatever_goes_wrong_ends_in_one_visible_sentence_with_a_request_id(
    client: Switchboard, platform: ScriptedPlatform, step: Answers | Stream
) -> None:
    platform.on("POST", STREAM, step)
    told = await replies(Conversations(client))
    assert finals(told) == told[-1:]
    assert isinstance(told[-1], Trouble)
    assert told[-1].detail
    assert told[-1].hint
    assert told[-1].request_id


class Scripted:
    """Stands where the client stands, and gives events (or errors) when the test says so."""

    def __init__(self, *events: dict[str, Any] | Exception) -> None:
        self.events = events
        self.go = asyncio.Event()
        self.running: list[str] = []
        self.most_at_once = 0
        self.arrived = asyncio.Semaphore(0)

    async def stream(self, question: str, **_: Any) -> AsyncGenerator[TurnEvent]:
        self.running.append(question)
        self.most_at_once = max(self.most_at_once, len(self.running))
        self.arrived.release()
        try:
            await self.go.wait()
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield parse_event(sse(event).split(b"data: ")[1])
        finally:
            self.running.remove(question)


def conversations_with(scripted: Scripted) -> Conversations:
    return Conversations(cast(Switchboard, scripted))


@pytest.mark.proves("BOT-001")
@pytest.mark.parametrize("error", [RuntimeError("secret detail"), ValueError(), TimeoutError()])
async def test_an_error_of_our_own_is_told_without_its_inside(error: Exception) -> None:
    scripted = Scripted(say.started(), error)
    scripted.go.set()
    told = await replies(conversations_with(scripted))
    assert finals(told) == told[-1:]
    assert isinstance(told[-1], Trouble)
    assert "secret" not in told[-1].detail + told[-1].hint


async def test_a_stream_that_just_ends_is_not_silence() -> None:
    scripted = Scripted(say.started())
    scripted.go.set()
    assert isinstance((await replies(conversations_with(scripted)))[-1], Trouble)


async def test_what_the_platform_asks_the_person_is_a_final_part() -> None:
    form = {"message": "When?"}
    asked = {
        "type": "interaction.requested",
        "turn_id": str(say.TURN),
        "seq": 2,
        "kind": "form",
        "form": form,
    }
    scripted = Scripted({**asked, "interaction_id": str(SESSION), "expires_at": say.NOW})
    scripted.go.set()
    (question,) = await replies(conversations_with(scripted))
    assert isinstance(question, Question)


@pytest.mark.parametrize(("threads", "at_once"), [(["a", "a", "a"], 1), (["a", "b", "c"], 3)])
async def test_one_thread_is_answered_in_order_and_threads_do_not_wait_for_each_other(
    threads: list[str], at_once: int
) -> None:
    scripted = Scripted(say.completed(1))
    conversations = conversations_with(scripted)
    turns = [Turn("console", thread, f"m{n}", f"question {n}") for n, thread in enumerate(threads)]
    order: list[str] = []

    async def answer(turn: Turn) -> None:
        told = await replies(conversations, turn)
        assert isinstance(told[-1], Answer)
        order.append(turn.text)

    tasks = [asyncio.create_task(answer(turn)) for turn in turns]
    for _ in range(at_once):
        await scripted.arrived.acquire()
    scripted.go.set()
    await asyncio.gather(*tasks)
    assert scripted.most_at_once == at_once
    assert order == [turn.text for turn in turns]
