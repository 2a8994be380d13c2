"""Asking over HTTP, as a developer would."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import select

from kit.errors import Unavailable
from platform_api.app import PlatformPorts, build_app
from platform_api.audit.models import AuditRecordRow
from platform_api.chat.service import Chat
from platform_api.edge import provide
from ports.db import Database
from tests.platform_api.chat.conftest import ChatWith
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, answer, search
from tests.platform_api.people import People
from tests.platform_api.work import Work

QUESTION = {"message": "How many days of leave do I get?"}


@pytest.fixture
def runtime() -> ScriptedRuntime:
    return ScriptedRuntime()


@pytest.fixture
async def app(ports: PlatformPorts, chat_with: ChatWith, runtime: ScriptedRuntime) -> FastAPI:
    """The platform, with a scripted agent."""
    app = build_app(ports)
    provide(app, Chat, chat_with(runtime, busy_wait_s=0.05))
    return app


def events_of(response: Response) -> list[dict[str, Any]]:
    """By the rules of server-sent events: `event`, `id` and `data` of each must agree; pings are comments."""
    assert response.headers["content-type"].startswith("text/event-stream")
    events: list[dict[str, Any]] = []
    for block in response.text.strip().split("\n\n"):
        if block.startswith(":"):
            continue
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        event = json.loads(fields["data"])
        assert (fields["event"], fields["id"]) == (event["type"], str(event["seq"]))
        events.append(event)
    return events


@pytest.mark.proves("TURN-001")
async def test_chat_answers_whole(people: People) -> None:
    answered = await people.maya.post("/api/v1/chat", json=QUESTION)
    assert answered.status_code == 200
    body = answered.json()
    assert body["outcome"] == "answered"
    assert body["text"] == "Staff get 25 days of annual leave. [1]"
    assert body["citations"][0]["quote"] == "Staff get 25 days of annual leave."
    assert "page" not in body["citations"][0]
    assert body["request_id"] == answered.headers["x-request-id"]


@pytest.mark.proves("TURN-001")
async def test_a_stream_ends_with_the_same_answer_that_chat_gives(people: People) -> None:
    events = events_of(await people.maya.post("/api/v1/chat/stream", json=QUESTION))
    assert [event["seq"] for event in events] == list(range(1, 9))
    assert events[-1]["type"] == "turn.completed"
    session = await people.maya.get(f"/api/v1/sessions/{events[0]['session_id']}")
    assert session.json()["messages"][1]["text"] == events[-1]["text"]


@pytest.mark.proves("TURN-003")
async def test_a_stream_is_read_again_from_where_it_was_left(people: People) -> None:
    events = events_of(await people.maya.post("/api/v1/chat/stream", json=QUESTION))
    path = f"/api/v1/sessions/{events[0]['session_id']}/turns/{events[0]['turn_id']}/stream"
    assert events_of(await people.maya.get(path)) == events
    assert events_of(await people.maya.get(path, params={"after": 6})) == events[6:]
    assert events_of(await people.maya.get(path, headers={"Last-Event-ID": "7"})) == events[7:]


@pytest.mark.proves("SESSION-001")
async def test_somebody_elses_stream_looks_like_none(people: People) -> None:
    events = events_of(await people.maya.post("/api/v1/chat/stream", json=QUESTION))
    mine = f"/api/v1/sessions/{events[0]['session_id']}/turns/{events[0]['turn_id']}/stream"
    nobodys = f"/api/v1/sessions/{uuid4()}/turns/{uuid4()}/stream"
    seen: list[dict[str, Any]] = []
    for path in (mine, nobodys):
        refused = await people.tom.get(path)
        assert refused.status_code == 404
        seen.append(refused.json() | {"request_id": ""})
    assert seen[0] == seen[1]


async def test_a_failed_turn_is_a_problem_with_its_code_and_hint(
    people: People, runtime: ScriptedRuntime
) -> None:
    runtime.steps = [Unavailable("The model is away.", hint="Wait a minute.")]
    failed = await people.maya.post("/api/v1/chat", json=QUESTION)
    assert failed.status_code == 503
    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.headers["retry-after"]
    assert (failed.json()["code"], failed.json()["hint"]) == ("unavailable", "Wait a minute.")


@pytest.mark.proves("TURN-004")
async def test_a_busy_session_is_a_conflict_with_a_hint(people: People, runtime: ScriptedRuntime) -> None:
    gate = asyncio.Event()
    runtime.reached.clear()
    first = (await people.maya.post("/api/v1/chat", json=QUESTION)).json()
    runtime.steps = [*search(LEAVE), gate, *answer("Staff get 25 days of annual leave.")[2:]]
    again = QUESTION | {"session_id": first["session_id"]}
    running = asyncio.create_task(people.maya.post("/api/v1/chat", json=again))
    await runtime.reached.wait()
    refused = await people.maya.post("/api/v1/chat", json=again)
    gate.set()
    assert (await running).status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")


@pytest.mark.proves("TURN-005")
async def test_a_repeated_key_answers_the_same_turn(people: People, runtime: ScriptedRuntime) -> None:
    headers = {"Idempotency-Key": "3f1c"}
    one = await people.maya.post("/api/v1/chat", json=QUESTION, headers=headers)
    two = await people.maya.post("/api/v1/chat", json=QUESTION, headers=headers)
    assert one.json() == two.json()
    other = await people.maya.post("/api/v1/chat", json={"message": "Other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(runtime.asked) == 1


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"message": ""}, 422, "message"),
        ({"message": "x" * 100_000}, 422, "message"),
        ({"message": "hi", "colour": "red"}, 422, "colour"),
        ({"message": "hi", "session_id": "nonsense"}, 422, "session_id"),
        ({"message": "hi", "session_id": str(uuid4())}, 404, ""),
        ({"message": "hi", "agent": "nobody"}, 404, ""),
        ({"message": "hi", "knowledge_base_ids": []}, 422, "knowledge_base_ids"),
    ],
)
async def test_a_bad_request_is_refused_by_name_and_leaves_nothing(
    people: People, body: dict[str, Any], status: int, named: str
) -> None:
    refused = await people.maya.post("/api/v1/chat", json=body)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert named in refused.json()["detail"]
    assert (await people.maya.get("/api/v1/sessions")).json()["items"] == []


async def test_invalid_utf_8_is_refused(people: People) -> None:
    refused = await people.maya.post(
        "/api/v1/chat", content=b'{"message": "\xff\xfe"}', headers={"content-type": "application/json"}
    )
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.proves("TURN-007")
async def test_what_was_chosen_travels_in_the_principal(people: People, runtime: ScriptedRuntime) -> None:
    base = str(uuid4())
    chosen = {"knowledge_base_ids": [base], "privacy": True, "audience": "everyone_here"}
    answered = await people.maya.post("/api/v1/chat", json=QUESTION | chosen)
    principal, _ = runtime.asked[0]
    limits = principal.limits
    assert [str(one) for one in limits.knowledge_base_ids or ()] == [base]
    assert (limits.privacy, limits.audience) == (True, "everyone_here")
    assert str(limits.turn_id) == answered.json()["turn_id"]
    assert list(principal.access_keys) == [f"o:{principal.organisation_id}"]


async def test_who_may_not_use_the_agent_is_told_whom_to_ask(people: People) -> None:
    reader = await people.add("reader", roles=("ReadOnly",))
    refused = await reader.post("/api/v1/chat", json=QUESTION)
    assert refused.status_code == 403
    assert "use_agent" in refused.json()["hint"]


async def test_nobody_asks_unknown(anyone: AsyncClient) -> None:
    assert (await anyone.post("/api/v1/chat", json=QUESTION)).status_code == 401


async def test_the_published_description_names_the_stream_and_its_errors(anyone: AsyncClient) -> None:
    described = (await anyone.get("/openapi.json")).json()["paths"]["/api/v1/chat/stream"]["post"]
    assert "text/event-stream" in described["responses"]["200"]["content"]
    assert {"401", "404", "409", "422", "503"} <= set(described["responses"])


async def test_a_turn_that_ended_is_on_the_record_once(
    people: People, worker: Work, database: Database, runtime: ScriptedRuntime
) -> None:
    answered = (await people.maya.post("/api/v1/chat", json=QUESTION)).json()
    runtime.steps = [Unavailable("Away.")]
    await people.maya.post("/api/v1/chat", json=QUESTION)
    await worker.finish()
    async with database.begin() as db:
        rows = (await db.scalars(select(AuditRecordRow).where(AuditRecordRow.type.like("turn.%")))).all()
    told = {row.type: row.data for row in rows}
    assert len(rows) == 2
    assert told["turn.completed.v1"]["turn_id"] == answered["turn_id"]
    assert told["turn.failed.v1"]["code"] == "unavailable"
    assert QUESTION["message"] not in str(told)
