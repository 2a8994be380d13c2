"""A turn from question to terminal event."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from kit.errors import Unavailable
from kit.wire.events import TurnCompleted, TurnEvent, TurnFailed
from platform_api.chat.models import TurnRow
from platform_api.sessions.models import MessageRow, SessionRow
from ports.db import Database
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.script import LAPTOPS, LEAVE, ScriptedRuntime, answer, finished, search

_JOBS = text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")


def types(events: list[TurnEvent]) -> list[str]:
    return [event.type for event in events]


async def completed(client: Client, *events: Any, **asked: Any) -> TurnCompleted:
    client.runtime.steps = events
    end = await (await client.ask(**asked)).end()
    assert isinstance(end, TurnCompleted)
    return end


@pytest.mark.proves("TURN-001")
async def test_a_cited_fact_arrives_as_the_contracted_events(client: Client) -> None:
    asked = await client.ask()
    events = await asked.events()
    assert types(events) == [
        "turn.started",
        "turn.status",
        "tool.started",
        "tool.finished",
        "turn.status",
        "answer.delta",
        "answer.citation",
        "turn.completed",
    ]
    assert [event.seq for event in events] == list(range(1, 9))
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert last.outcome == "answered"
    assert last.text == "Staff get 25 days of annual leave. [1]"
    assert last.citations[0].quote == "Staff get 25 days of annual leave."
    assert last.citations[0].url == "/docs/leave#annual-leave"
    assert last.usage.model == "scripted"
    assert last.timings.first_text_ms
    assert last.timings.total_ms >= last.timings.first_text_ms


async def test_the_answer_is_kept_in_the_session_and_announced(client: Client, database: Database) -> None:
    asked = await client.ask()
    end = await asked.end()
    assert isinstance(end, TurnCompleted)
    async with database.begin() as db:
        said = await db.execute(select(MessageRow.role, MessageRow.text).order_by(MessageRow.position))
        session = await db.get_one(SessionRow, asked.session_id)
        turn = await db.get_one(TurnRow, asked.turn_id)
        jobs = await db.execute(_JOBS)
    assert [tuple(row) for row in said] == [
        ("user", "How many days of leave do I get?"),
        ("assistant", end.text),
    ]
    assert session.running_turn_id is None
    assert session.title == "How many days of leave do I get?"
    assert (turn.state, turn.outcome) == ("completed", "answered")
    assert [(task, args["turn_id"]) for task, args in jobs] == [("turn.completed.v1", str(asked.turn_id))]


@pytest.mark.proves("TURN-006")
async def test_what_no_source_says_is_withheld(client: Client) -> None:
    end = await completed(
        client, *answer("Staff get 25 days of annual leave. [1] ", "They also get a company car. [1]")
    )
    assert end.text == "Staff get 25 days of annual leave. [1]"
    assert len(end.citations) == 1


@pytest.mark.proves("TURN-006")
async def test_a_changed_number_is_withheld_and_the_source_speaks_instead(client: Client) -> None:
    end = await completed(client, *answer("Staff get 35 days of annual leave. [1]"))
    assert "35" not in end.text
    assert "25 days of annual leave. [1]" in end.text
    assert end.outcome == "answered"


async def test_citations_are_numbered_by_first_use_and_shared_by_the_same_quote(client: Client) -> None:
    end = await completed(
        client,
        *answer(
            "Laptops are replaced every four years. [2] Staff get 25 days of annual leave. [1] ",
            "A laptop is replaced every four years. [7]",
            sources=(LEAVE, LAPTOPS),
        ),
    )
    assert end.text == (
        "Laptops are replaced every four years. [1] Staff get 25 days of annual leave. [2] "
        "A laptop is replaced every four years. [1]"
    )
    assert [one.n for one in end.citations] == [1, 2]


async def test_the_text_is_the_deltas_in_a_row(client: Client) -> None:
    client.runtime.steps = answer(
        "- Staff get 25 days of annual leave. [1]\n- Laptops are replaced every four years. [2]\n",
        sources=(LEAVE, LAPTOPS),
    )
    events = await (await client.ask()).events()
    deltas = "".join(event.text for event in events if event.type == "answer.delta")
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert deltas.strip() == last.text
    assert last.text == (
        "- Staff get 25 days of annual leave. [1] \n- Laptops are replaced every four years. [2]"
    )


async def test_nothing_found_says_so_and_whom_to_ask(client: Client) -> None:
    end = await completed(client, *search(), finished())
    assert end.outcome == "not_found"
    assert end.text.startswith("I couldn't find this in the documents you can see. Please ask")


async def test_a_model_that_only_chats_is_answered_by_our_own_greeting(client: Client) -> None:
    end = await completed(client, *answer("Hey, I'm Bob, your friend!", sources=())[2:], message="Hello!")
    assert end.text.startswith("Hello! Ask me about")
    assert end.outcome == "answered"


async def test_a_refused_question_is_recorded_as_refused(client: Client) -> None:
    end = await completed(
        client, *answer("I can't help with this. Please ask your help desk.", sources=())[2:]
    )
    assert end.outcome == "refused"


async def test_documents_that_cannot_be_searched_are_said_to_be_so(client: Client) -> None:
    started, broken = search()
    end = await completed(client, started, _failed(broken), finished())
    assert end.outcome == "degraded"
    assert end.degraded == ["docs"]
    assert end.text.startswith("The documents can't be searched right now.")


async def test_an_answer_of_the_fallback_model_says_that_the_model_was_missing(client: Client) -> None:
    steps = answer("Staff get 25 days of annual leave. [1]")
    end = await completed(client, *steps[:-1], finished("model"))
    assert (end.outcome, end.degraded) == ("degraded", ["model"])


def _failed(event: Any) -> Any:
    return type(event)(event.call_id, event.tool, False, 3.0, None)


@pytest.mark.proves("TURN-002")
async def test_a_known_error_ends_the_turn_with_its_code_and_hint(client: Client, database: Database) -> None:
    client.runtime.steps = [Unavailable("The model is away.", hint="Wait.")]
    asked = await client.ask(request_id="req-7")
    end = (await asked.events())[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.detail, end.hint, end.retryable) == (
        "unavailable",
        "The model is away.",
        "Wait.",
        True,
    )
    assert end.request_id == "req-7"
    async with database.begin() as db:
        assert (await db.get_one(TurnRow, asked.turn_id)).state == "failed"
        assert (await db.get_one(SessionRow, asked.session_id)).running_turn_id is None


@pytest.mark.proves("TURN-002")
async def test_an_unforeseen_error_ends_the_turn_and_shows_nothing_of_itself(client: Client) -> None:
    client.runtime.steps = [*search(LEAVE), ValueError("secret detail")]
    events = await (await client.ask()).events()
    end = events[-1]
    assert isinstance(end, TurnFailed)
    assert end.code == "internal"
    assert "secret" not in end.model_dump_json()
    assert [event.type for event in events].count("turn.failed") == 1


@pytest.mark.proves("TURN-002")
async def test_a_turn_that_takes_too_long_fails_and_says_so(chat_with: ChatWith) -> None:
    runtime = ScriptedRuntime(*search(LEAVE), asyncio.Event())
    asked = await Client(chat_with(runtime, turn_timeout_s=0.05), runtime).ask()
    end = await asked.end()
    assert isinstance(end, TurnFailed)
    assert (end.code, end.retryable) == ("turn_timed_out", True)
    assert runtime.closed == 1


async def test_an_unknown_agent_is_refused_before_anything_is_kept(
    client: Client, database: Database
) -> None:
    with pytest.raises(Exception, match="no such agent"):
        await client.ask(agent="nobody")
    async with database.begin() as db:
        assert (await db.scalars(select(SessionRow))).all() == []
