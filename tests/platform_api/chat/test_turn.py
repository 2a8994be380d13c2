"""A turn from question to terminal event."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from kit.errors import Unavailable
from kit.wire.events import TurnCompleted, TurnEvent, TurnFailed
from platform_api.chat.models import TurnRow
from platform_api.sessions.models import MessageRow, SessionRow
from ports.db import Database
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.script import LAPTOPS, ScriptedRuntime, answer, finished, search


def types(events: list[TurnEvent]) -> list[str]:
    return [event.type for event in events]


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
    assert last.citations[0].quote in "Staff get 25 days of annual leave. Unused days expire"
    assert last.usage.model == "scripted"


async def test_the_answer_is_kept_in_the_session_and_announced(client: Client, database: Database) -> None:
    asked = await client.ask()
    end = await asked.end()
    assert isinstance(end, TurnCompleted)
    async with database.begin() as db:
        said = (await db.execute(select(MessageRow.role, MessageRow.text).order_by(MessageRow.position))).all()
        session = await db.get_one(SessionRow, asked.session_id)
        turn = await db.get_one(TurnRow, asked.turn_id)
        jobs = (await db.execute(_JOBS)).all()
    assert [tuple(row) for row in said] == [
        ("user", "How many days of leave do I get?"),
        ("assistant", end.text),
    ]
    assert session.running_turn_id is None
    assert session.title == "How many days of leave do I get?"
    assert (turn.state, turn.outcome) == ("completed", "answered")
    assert [(task, args["turn_id"]) for task, args in jobs] == [("turn.completed.v1", str(asked.turn_id))]


from sqlalchemy import text  # noqa: E402

_JOBS = text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
