"""Sessions over HTTP: mine alone, listed, renamed, deleted, and what I thought of an answer."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select

from platform_api.app import PlatformPorts, build_app
from platform_api.chat.models import TurnRow
from platform_api.chat.service import Chat
from platform_api.edge import provide
from platform_api.sessions.models import FeedbackRow, MessageRow
from platform_api.sessions.service import title_of
from ports.db import Database
from ports.queue import Queue
from tests.platform_api.chat.script import ScriptedRuntime
from tests.platform_api.people import People


@pytest.fixture
async def app(ports: PlatformPorts) -> AsyncIterator[FastAPI]:
    app = build_app(ports)
    chat = Chat(
        database=ports.database,
        queue=Queue(ports.database),
        redis=ports.redis,
        redis_blocking=ports.redis_blocking,
        runtime=ScriptedRuntime(),
    )
    chat.start()
    provide(app, Chat, chat)
    yield app
    await chat.stop()


async def ask(person: object, message: str = "How many days of leave do I get?") -> dict[str, str]:
    return (await person.post("/api/v1/chat", json={"message": message})).json()  # type: ignore[attr-defined]


async def test_my_sessions_are_listed_last_used_first_page_by_page(people: People) -> None:
    asked = [await ask(people.maya, f"Question {number}") for number in range(3)]
    first = (await people.maya.get("/api/v1/sessions", params={"limit": 2})).json()
    rest = (await people.maya.get("/api/v1/sessions", params={"cursor": first["next_cursor"]})).json()
    listed = [item["id"] for item in first["items"] + rest["items"]]
    assert listed == [one["session_id"] for one in reversed(asked)]
    assert first["items"][0]["title"] == "Question 2"
    assert rest["next_cursor"] is None


async def test_a_session_holds_both_sides_with_citations(people: People) -> None:
    asked = await ask(people.maya)
    read = (await people.maya.get(f"/api/v1/sessions/{asked['session_id']}")).json()
    question, answer = read["messages"]
    assert (question["role"], question["text"]) == ("user", "How many days of leave do I get?")
    assert (answer["role"], answer["id"], answer["outcome"]) == ("assistant", asked["message_id"], "answered")
    assert answer["citations"] == asked["citations"]


@pytest.mark.proves("SESSION-001")
async def test_somebody_elses_session_does_not_exist(people: People) -> None:
    asked = await ask(people.maya)
    path = f"/api/v1/sessions/{asked['session_id']}"
    for attempt in (
        people.tom.get(path),
        people.tom.patch(path, json={"title": "Mine"}),
        people.tom.delete(path),
        people.ada.get(path),
        people.tom.post(f"/api/v1/messages/{asked['message_id']}/feedback", json={"vote": "up"}),
    ):
        assert (await attempt).status_code == 404
    assert (await people.tom.get("/api/v1/sessions")).json()["items"] == []
    assert (await people.maya.get(path)).status_code == 200


@pytest.mark.proves("IDENTITY-004")
async def test_a_key_for_uploads_reads_no_conversation(people: People, anyone: AsyncClient) -> None:
    asked = await ask(people.maya)
    made = await people.maya.post("/api/v1/api-keys", json={"name": "uploads", "scopes": ["upload_docs"]})
    anyone.headers["Authorization"] = f"Bearer {made.json()['key']}"
    session, turn = f"/api/v1/sessions/{asked['session_id']}", asked["turn_id"]

    refused = [
        await anyone.get("/api/v1/sessions"),
        await anyone.get(session),
        await anyone.get(f"{session}/turns/{turn}/stream"),
        await anyone.patch(session, json={"title": "Mine"}),
        await anyone.post(f"/api/v1/messages/{asked['message_id']}/feedback", json={"vote": "up"}),
        await anyone.delete(session),
    ]

    assert [answer.status_code for answer in refused] == [403] * 6


async def test_rename(people: People) -> None:
    path = f"/api/v1/sessions/{(await ask(people.maya))['session_id']}"
    renamed = await people.maya.patch(path, json={"title": "Leave"})
    assert renamed.json()["title"] == "Leave"
    assert (await people.maya.get(path)).json()["title"] == "Leave"
    assert (await people.maya.patch(path, json={"title": ""})).status_code == 422


async def test_delete_takes_everything_with_it(people: People, database: Database) -> None:
    asked = await ask(people.maya)
    await people.maya.post(f"/api/v1/messages/{asked['message_id']}/feedback", json={"vote": "down"})
    path = f"/api/v1/sessions/{asked['session_id']}"
    assert (await people.maya.delete(path)).status_code == 204
    assert (await people.maya.get(path)).status_code == 404
    async with database.begin() as db:
        for table in (MessageRow, TurnRow, FeedbackRow):
            assert (await db.scalars(select(table))).all() == []


async def test_a_vote_is_replaced_by_the_next_one(people: People, database: Database) -> None:
    path = f"/api/v1/messages/{(await ask(people.maya))['message_id']}/feedback"
    assert (await people.maya.post(path, json={"vote": "up"})).status_code == 204
    voted = await people.maya.post(path, json={"vote": "down", "comment": "Wrong year."})
    assert voted.status_code == 204
    async with database.begin() as db:
        (vote,) = (await db.scalars(select(FeedbackRow))).all()
    assert (vote.vote, vote.comment) == ("down", "Wrong year.")


async def test_one_votes_on_answers_only(people: People) -> None:
    asked = await ask(people.maya)
    read = (await people.maya.get(f"/api/v1/sessions/{asked['session_id']}")).json()
    for message_id in (read["messages"][0]["id"], str(uuid4())):
        refused = await people.maya.post(f"/api/v1/messages/{message_id}/feedback", json={"vote": "up"})
        assert refused.status_code == 404


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("  Hello\n there ", "Hello there"),
        ("   ", "New session"),
        ("word " * 40, ("word " * 16).strip() + "…"),
        ("x" * 100, "x" * 80 + "…"),
    ],
)
def test_the_title_is_the_first_message_on_one_line(message: str, title: str) -> None:
    assert title_of(message) == title
