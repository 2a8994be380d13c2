"""A tool asks the person in the middle of a turn; the answer goes on with it, wherever it comes from."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from switchboard_sdk import ApiError

from kit.wire.events import InteractionRequested, TurnCompleted, TurnStarted
from kit.wire.interactions import Action, Interaction
from launch.engines import RunningEngine
from platform_api.chat.tasks import ChatTasks
from platform_api.identity.dev_people import ORGANISATION_ID
from platform_api.llm.frames import render
from ports.db import Database
from ports.redis import connect
from tests.engines import PostgresForTests
from tests.platform_api.chat.asking import World, calls, heard, world
from tests.platform_api.llm.model_server import DONE, Reply, chunk
from tests.platform_api.llm.model_server import text as say

NAME = "test_input_required_result_elicitation"
SEVERAL = "test_input_required_result_multi_round"
OLD = "test_elicitation"
AGENT: dict[str, Any] = {"agent": "helper"}


TOGETHER = pytest.mark.asyncio(loop_scope="module")
"""One world for all tests that leave nothing in it which another one looks at: to make it costs the most."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(
    postgres: PostgresForTests, valkey: RunningEngine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    with postgres.database() as url:
        database, redis = Database(url, pool_size=5), connect(valkey.url, timeout_s=5)
        async with world(database, redis, tmp_path_factory.mktemp("asking")) as made:
            await made.start()
            yield made
        await database.close()
        await redis.aclose()


@pytest.fixture
def desk(made: World) -> World:
    made.model.reached.clear()
    made.told.ran.clear()
    return made


@TOGETHER
@pytest.mark.proves("GOV-401")
async def test_the_answer_goes_on_with_the_turn_on_another_replica(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    form = asked.asked.form["forms"][0]
    assert (form["message"], list(form["requested_schema"]["properties"])) == ("What is your name?", ["name"])

    elsewhere = await desk.client(await desk.start())
    responded = await elsewhere.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Maya"})
    assert responded.turn_id is not None
    later = await heard(maya.attach(asked.session_id, responded.turn_id))
    started = later.events[0]
    assert isinstance(started, TurnStarted)
    assert started.continues == asked.asked.turn_id
    assert isinstance(later.last, TurnCompleted)
    assert later.last.text.startswith("Hello, Maya!")
    assert (later.last.citations[0].title, later.last.citations[0].quote) == (NAME, "Hello, Maya!")


@pytest.mark.proves("GOV-401")
async def test_the_answer_survives_a_restart_of_everything_and_counts_once(
    database: Database, redis: Redis, tmp_path: Path
) -> None:
    async with world(database, redis, tmp_path) as desk:
        desk.script(calls(NAME))
        async with desk.replica() as before:
            maya = await desk.client(before)
            asked = await heard(maya.stream("Greet me.", **AGENT))
        maya = await desk.client(await desk.start())
        twice = await asyncio.gather(
            maya.interactions.respond(asked.asked.interaction_id, "accept", {"name": "One"}),
            maya.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Two"}),
            return_exceptions=True,
        )
        refused = [one for one in twice if isinstance(one, ApiError)]
        taken = [one for one in twice if not isinstance(one, BaseException)]
        assert [one.code for one in refused] == ["interaction_answered"]
        assert taken[0].turn_id is not None
        later = await heard(maya.attach(asked.session_id, taken[0].turn_id))
        assert isinstance(later.last, TurnCompleted)
        assert later.last.text.startswith(("Hello, One!", "Hello, Two!"))
        session = await maya.sessions.get(asked.session_id)
        assert [message.role for message in session.messages] == ["user", "assistant"]
        tools = [event.type for event in later.events if event.type.startswith("tool.")]
        assert tools == ["tool.started", "tool.finished"]


@TOGETHER
@pytest.mark.proves("GOV-401")
async def test_a_tool_may_ask_several_times(desk: World) -> None:
    desk.script(calls(SEVERAL))
    maya = await desk.client()
    asked = await heard(maya.stream("Go.", **AGENT))
    for content in ({"name": "Maya"}, {"color": "blue"}):
        responded = await maya.interactions.respond(asked.asked.interaction_id, "accept", content)
        assert responded.turn_id is not None
        asked = await heard(maya.attach(asked.session_id, responded.turn_id))
    assert isinstance(asked.last, TurnCompleted)
    assert asked.last.text.startswith("This is what the tool answered: \n- Both given [1]")


@TOGETHER
@pytest.mark.proves("GOV-406")
async def test_who_declines_gets_an_honest_answer(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    responded = await maya.interactions.respond(asked.asked.interaction_id, "decline")
    assert responded.turn_id is not None
    later = await heard(maya.attach(asked.session_id, responded.turn_id))
    assert isinstance(later.last, TurnCompleted)
    assert "You did not agree, and the tool was told so." in later.last.text


@pytest.mark.proves("GOV-401")
async def test_a_server_of_the_older_era_is_answered_alike(
    database: Database, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which era a server is of is found out within seconds, else it is taken for a new one; not on a busy
    # machine, where all of this is one process.
    monkeypatch.setattr("tools.gateway.upstreams.peers._DISCOVER_S", 50.0)
    async with world(database, redis, tmp_path, era="old") as desk:
        desk.script(calls(OLD, message="Who are you?"))
        maya = await desk.client(await desk.start())
        asked = await heard(maya.stream("Ask me.", **AGENT))
        assert asked.asked.form["forms"][0]["message"] == "Who are you?"
        responded = await maya.interactions.respond(asked.asked.interaction_id, "accept", {"response": "me"})
        assert responded.turn_id is not None
        later = await heard(maya.attach(asked.session_id, responded.turn_id))
        assert isinstance(later.last, TurnCompleted)
        assert "action=accept" in later.last.text


@TOGETHER
async def test_a_second_message_is_answered_while_the_question_stays_open(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    desk.script(lambda _: say("Hello! Ask me about anything that the documents you can see may answer."))
    second = await heard(maya.stream("Hello", session_id=asked.session_id, **AGENT))
    assert isinstance(second.last, TurnCompleted)
    desk.script(calls(NAME))
    responded = await maya.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Maya"})
    assert responded.turn_id is not None
    later = await heard(maya.attach(asked.session_id, responded.turn_id))
    assert isinstance(later.last, TurnCompleted)
    assert later.last.text.startswith("Hello, Maya!")


@TOGETHER
async def test_an_answer_waits_for_the_turn_that_runs_in_its_session(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    gate = asyncio.Event()
    desk.script(lambda _: Reply([chunk("Hello! "), gate, chunk(finish="stop"), DONE]))
    running = asyncio.create_task(heard(maya.stream("Hello", session_id=asked.session_id, **AGENT)))
    await desk.model.reached.wait()
    answering = asyncio.create_task(
        maya.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Maya"})
    )
    responded = await answering
    assert responded.turn_id is not None
    later = asyncio.create_task(heard(maya.attach(asked.session_id, responded.turn_id)))
    desk.script(calls(NAME))
    gate.set()
    assert isinstance((await running).last, TurnCompleted)
    ended = (await later).last
    assert isinstance(ended, TurnCompleted)
    assert ended.text.startswith("Hello, Maya!")


@TOGETHER
async def test_nobody_else_can_attach_to_a_turn_that_is_to_come(desk: World) -> None:
    desk.script(calls(NAME))
    maya, tom = await desk.client(), await desk.client(person="tom")
    asked = await heard(maya.stream("Greet me.", **AGENT))
    responded = await maya.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Maya"})
    assert responded.turn_id is not None
    with pytest.raises(ApiError) as refused:
        await heard(tom.attach(asked.session_id, responded.turn_id))
    assert refused.value.code == "turn_not_found"


@TOGETHER
@pytest.mark.proves("GOV-403")
async def test_the_limits_of_the_turn_that_asked_hold_for_the_one_that_goes_on(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", audience="everyone_here", privacy=True, **AGENT))
    claims = await desk.asked_as(asked.asked.interaction_id)
    assert (claims["abd"], claims["prv"], claims["agt"]) == ("everyone_here", True, "helper")


@TOGETHER
async def test_asking_whole_says_what_is_asked_and_where_it_goes_on(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await maya.chat("Greet me.", **AGENT)
    assert isinstance(asked, InteractionRequested)
    assert (await maya.interactions.get(asked.interaction_id)).turn_id == asked.turn_id


@TOGETHER
@pytest.mark.proves("GOV-406")
async def test_a_question_that_nobody_answers_is_told_in_the_conversation(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    told = {
        "interaction_id": str(asked.asked.interaction_id),
        "organisation_id": str(ORGANISATION_ID),
        "session_id": str(asked.session_id),
        "turn_id": str(asked.asked.turn_id),
    }
    for _ in range(2):
        await ChatTasks(desk.ports.database).unanswered(told)
    session = await maya.sessions.get(asked.session_id)
    assert [message.text for message in session.messages][1:] == [render("unanswered")]


@TOGETHER
@pytest.mark.proves("GOV-404")
async def test_a_tool_called_by_itself_is_answered_later_and_its_result_is_kept(desk: World) -> None:
    maya = await desk.client()
    waits = await maya.tools.invoke(NAME, {}, key="once")
    assert isinstance(waits, Interaction)
    again = await maya.tools.invoke(NAME, {}, key="once")
    assert isinstance(again, Interaction)
    assert again.id == waits.id
    responded = await maya.interactions.respond(waits.id, "accept", {"name": "Maya"})
    assert responded.turn_id is None
    ended = await maya.interactions.wait(waits.id)
    assert ended.result is not None
    assert ended.result.content[0]["text"] == "Hello, Maya!"


@TOGETHER
@pytest.mark.proves("GOV-404")
async def test_a_call_by_itself_that_asks_again_names_the_next_interaction(desk: World) -> None:
    maya = await desk.client()
    waits = await maya.tools.invoke(SEVERAL, {})
    assert isinstance(waits, Interaction)
    await maya.interactions.respond(waits.id, "accept", {"name": "Maya"})
    first = (await maya.interactions.wait(waits.id)).result
    assert first is not None
    assert first.interaction_id is not None
    await maya.interactions.respond(first.interaction_id, "accept", {"color": "blue"})
    last = (await maya.interactions.wait(first.interaction_id)).result
    assert last is not None
    assert last.content[0]["text"] == "Both given"


@TOGETHER
async def test_a_repeated_call_with_a_key_is_made_once(desk: World) -> None:
    maya = await desk.client()
    for _ in range(2):
        outcome = await maya.tools.invoke("test_simple_text", {}, key="the-same")
        assert not isinstance(outcome, Interaction)
    assert desk.told.ran == ["test_simple_text"]
    with pytest.raises(ApiError) as refused:
        await maya.tools.invoke("test_error_handling", {}, key="the-same")
    assert refused.value.code == "idempotency_key_reused"


RISKY = "test_simple_text"


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_a_risky_tool_is_called_once_it_was_approved_and_only_then(
    database: Database, redis: Redis, tmp_path: Path, action: Action
) -> None:
    async with world(database, redis, tmp_path, risky=RISKY) as desk:
        desk.script(calls(RISKY))
        maya = await desk.client(await desk.start())
        asked = await heard(maya.stream("Do it.", **AGENT))
        assert asked.asked.kind == "approval"
        assert f"Tool: {RISKY}" in asked.asked.form["forms"][0]["message"]
        assert desk.told.ran == []
        responded = await maya.interactions.respond(asked.asked.interaction_id, action)
        assert responded.turn_id is not None
        later = await heard(maya.attach(asked.session_id, responded.turn_id))
        assert isinstance(later.last, TurnCompleted)
        assert desk.told.ran == ([RISKY] if action == "accept" else [])
        assert ("You did not agree" in later.last.text) == (action == "decline")
