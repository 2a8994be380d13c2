"""Asked once, answered once, from any channel of the person."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from access.principal import Principal
from kit.wire.tools import ToolOutcome
from platform_api.app import PlatformPorts, build_app
from platform_api.interactions.errors import NoVault
from platform_api.interactions.service import ANSWERED
from platform_api.sessions.models import SessionRow
from tests.platform_api.interactions.asks import FILLED, Desk, Heard, elicit, page_to_open
from tests.platform_api.interactions.conftest import desk_of
from tests.platform_api.people import People
from tests.platform_api.work import Work

ACCEPT = {"action": "accept", "content": FILLED}


@pytest.mark.proves("GOV-301")
async def test_a_form_is_listed_filled_in_and_heard_once(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    listed = (await people.maya.get("/api/v1/interactions")).json()["items"]
    assert [one["id"] for one in listed] == [str(asked.id)]
    assert listed[0]["kind"] == "form"
    assert listed[0]["forms"][0]["requested_schema"]["properties"]["room"]["oneOf"] == [
        {"const": "a", "title": "Room A"},
        {"const": "b", "title": "Room B"},
    ]

    answer = await people.maya.post(respond(asked.id), json=ACCEPT)
    assert answer.status_code == 202
    assert answer.json() == {"interaction_id": str(asked.id), "status": "answered", "turn_id": None}
    [answered] = heard.answers
    assert answered.input_responses == {
        "details": {"action": "accept", "content": FILLED | {"seats": 1, "news": False}}
    }
    assert answered.request_state == "sealed-by-the-tool"
    assert answered.resume["agent_session"] == {"secret": "of the agent"}
    assert answered.principal == maya
    shown = (await people.maya.get(f"/api/v1/interactions/{asked.id}")).json()
    assert (shown["status"], shown["outcome"]) == ("answered", "accept")


@pytest.mark.proves("GOV-302")
async def test_each_wrong_field_is_named_with_a_sentence_and_nothing_is_taken(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    wrong: dict[str, Any] = {
        "name": "M",
        "email": "maya",
        "room": "c",
        "seats": 9,
        "days": [],
        "colour": "red",
    }
    answer = await people.maya.post(respond(asked.id), json={"action": "accept", "content": wrong})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "answer_invalid"
    assert {error["field"]: error["message"] for error in problem["errors"]} == {
        "name": "This is too short: at least 2 characters.",
        "email": "This is not an e-mail address. Write it as name@example.com.",
        "room": "Choose one of: Room A, Room B.",
        "seats": "This is too large: at most 8.",
        "days": "Choose at least 1.",
        "colour": "There is no such field in this form.",
    }
    missing = await people.maya.post(respond(asked.id), json={"action": "accept"})
    assert [error["field"] for error in missing.json()["errors"]] == ["name", "email", "room"]
    assert heard.answers == []
    assert (await people.maya.post(respond(asked.id), json=ACCEPT)).status_code == 202


@pytest.mark.proves("GOV-303")
async def test_the_same_answer_again_is_answered_the_same_and_another_one_changes_nothing(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    session_id = await a_session(people, maya)
    asked = await desk.ask(maya, session_id=session_id, turn_id=session_id)
    first = await people.maya.post(respond(asked.id), json=ACCEPT, headers={"Idempotency-Key": "k"})
    again = await people.maya.post(respond(asked.id), json=ACCEPT)
    other = await people.maya.post(respond(asked.id), json={"action": "decline"})

    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert first.json()["turn_id"] is not None
    assert (other.status_code, other.json()["code"]) == (409, "interaction_answered")
    assert [str(one.turn_id) for one in heard.answers] == [first.json()["turn_id"]]


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_refusal_carries_no_content_whatever_was_sent_with_it(
    people: People, desk: Desk, heard: Heard, maya: Principal, action: str
) -> None:
    asked = await desk.ask(maya)
    answer = await people.maya.post(respond(asked.id), json={"action": action, "content": {"name": 1}})
    assert answer.status_code == 202
    assert heard.answers[0].input_responses == {"details": {"action": action}}


@pytest.mark.proves("GOV-304")
async def test_what_is_late_is_refused_reads_as_expired_at_once_and_is_swept(
    people: People, desk: Desk, heard: Heard, maya: Principal, worker: Work
) -> None:
    asked = await desk.ask(maya)
    await backdated(people, timedelta(hours=1))
    assert (await people.maya.get(f"/api/v1/interactions/{asked.id}")).json()["status"] == "expired"
    late = await people.maya.post(respond(asked.id), json=ACCEPT)
    assert (late.status_code, late.json()["code"]) == (410, "interaction_expired")

    await worker.run("interactions.sweep", {})
    assert (await people.maya.post(respond(asked.id), json=ACCEPT)).status_code == 410
    assert heard.answers == []
    async with people.ports.database.begin() as session:
        recorded = await session.execute(text("SELECT type FROM audit_records"))
        assert [one.type for one in recorded] == ["interaction.expired"]


async def test_what_is_withdrawn_goes_on_nowhere(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    async with people.ports.database.begin() as session:
        assert await desk.interactions.cancel(session, maya, asked.id)
    gone = await people.maya.post(respond(asked.id), json=ACCEPT)
    assert (gone.status_code, gone.json()["code"]) == (410, "interaction_cancelled")
    assert heard.answers == []


@pytest.mark.proves("GOV-305")
async def test_it_is_answered_on_another_replica_after_a_restart_and_heard_there(
    people: People, ports: PlatformPorts, desk: Desk, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    restarted = build_app(ports)
    async with People(ports, restarted) as later:
        hearer = Heard()
        desk_of(restarted, later).interactions.hears(hearer)
        assert (await later.maya.post(respond(asked.id), json=ACCEPT)).status_code == 202
        assert [one.interaction.id for one in hearer.answers] == [asked.id]


@pytest.mark.proves("GOV-306")
async def test_nothing_that_was_asked_carried_or_answered_stands_readable_in_the_tables_or_the_record(
    people: People, desk: Desk, heard: Heard, maya: Principal, worker: Work
) -> None:
    asked = await desk.ask(maya, arguments={"topic": "words-of-arguments"})
    answer = {"action": "accept", "content": FILLED | {"name": "words-of-an-answer"}}
    before = await everything(people)
    assert (await people.maya.post(respond(asked.id), json=answer)).status_code == 202
    during = await everything(people)
    await worker.finish()
    after = await everything(people)
    for held in (before, during, after):
        for secret in ("words-of-arguments", "words-of-an-answer", "of the agent", "sealed-by-the-tool"):
            assert secret not in held
    assert ANSWERED in after
    async with people.ports.database.begin() as session:
        row = (await session.execute(text("SELECT waiting, answer, heard_at FROM interactions"))).one()
    assert row.heard_at is not None
    assert (row.waiting, row.answer) == (None, None)


@pytest.mark.proves("GOV-306")
async def test_what_is_over_is_forgotten_first_what_was_said_then_that_it_was_asked(
    people: People, desk: Desk, heard: Heard, maya: Principal, worker: Work
) -> None:
    asked = await desk.ask(maya)
    await people.maya.post(respond(asked.id), json=ACCEPT)
    await backdated(people, timedelta(days=2))
    await worker.run("interactions.sweep", {})
    shown = (await people.maya.get(f"/api/v1/interactions/{asked.id}")).json()
    assert (shown["status"], shown["forms"]) == ("answered", [])
    # known by a digest, long after the answer itself has gone
    assert (await people.maya.post(respond(asked.id), json=ACCEPT)).status_code == 202
    assert (await people.maya.post(respond(asked.id), json={"action": "cancel"})).status_code == 409
    await backdated(people, timedelta(days=40))
    await worker.run("interactions.sweep", {})
    assert (await people.maya.get(f"/api/v1/interactions/{asked.id}")).status_code == 404


async def test_whoever_waits_learns_that_it_was_answered_elsewhere_and_what_came_of_it(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    assert not (await people.maya.get(f"/api/v1/interactions/{asked.id}?wait=0.05")).json()["settled"]
    waiting = asyncio.create_task(people.maya.get(f"/api/v1/interactions/{asked.id}?wait=25"))
    assert (await people.maya.post(respond(asked.id), json=ACCEPT)).status_code == 202
    await desk.interactions.finish(
        asked.id, ToolOutcome(is_error=False, content=[{"type": "text", "text": "booked"}])
    )
    answer = (await waiting).json()
    assert answer["status"] == "answered"
    shown = (await people.maya.get(f"/api/v1/interactions/{asked.id}?wait=25")).json()
    assert shown["settled"] is True
    assert shown["result"]["content"] == [{"type": "text", "text": "booked"}]


async def test_open_ones_come_first_and_pages_are_complete(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    ids = [(await desk.ask(maya)).id for _ in range(7)]
    for answered in ids[4:]:
        await people.maya.post(respond(answered), json=ACCEPT)
    seen: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await people.maya.get(f"/api/v1/interactions?limit=2{cursor}")).json()
        seen += [(one["id"], one["status"]) for one in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    wanted = [*reversed(ids[:4]), *reversed(ids[4:])]
    assert [one for one, _ in seen] == [str(one) for one in wanted]
    open_ones = (await people.maya.get("/api/v1/interactions?status=open")).json()["items"]
    assert [one["id"] for one in open_ones] == [str(one) for one in wanted[:4]]


async def test_several_forms_are_filled_in_by_their_keys(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    requests = {"one": elicit(schema), "two": elicit(schema), "page": page_to_open("https://example.com/x")}
    asked = await desk.ask(maya, input_requests=requests)
    wrong = {"one": {"n": 1}, "two": {"n": "x"}, "three": {}}
    answer = await people.maya.post(respond(asked.id), json={"action": "accept", "content": wrong})
    assert {error["field"] for error in answer.json()["errors"]} == {"two.n", "three"}
    right = {"one": {"n": 1}, "two": {"n": 2}}
    assert (
        await people.maya.post(respond(asked.id), json={"action": "accept", "content": right})
    ).status_code == 202
    assert heard.answers[0].input_responses == {
        "one": {"action": "accept", "content": {"n": 1}},
        "two": {"action": "accept", "content": {"n": 2}},
        "page": {"action": "accept"},
    }


async def test_connecting_the_account_is_the_answer_to_the_page(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    meta = {"switchboard/kind": "connect_account", "switchboard/connect": {"server": "crm"}}
    page = page_to_open("https://example.com/connect", _meta=meta)
    asked = await desk.ask(maya, input_requests={"connect_account": page})
    assert (asked.kind, asked.forms[0].url) == ("connect_account", "https://example.com/connect")
    await desk.interactions.connected(maya.organisation_id, maya.id, "another")
    await desk.interactions.connected(maya.organisation_id, uuid4(), "crm")
    assert heard.answers == []
    await desk.interactions.connected(maya.organisation_id, maya.id, "crm")
    assert [one.input_responses for one in heard.answers] == [{"connect_account": {"action": "accept"}}]


async def test_what_another_hand_has_changed_or_a_lost_key_has_sealed_is_not_acted_on(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    one, other = await desk.ask(maya), await desk.ask(maya)
    async with people.ports.database.begin() as session:
        await session.execute(
            text(
                "UPDATE interactions SET questions = (SELECT questions FROM interactions WHERE id = :other)"
                " WHERE id = :one"
            ),
            {"one": one.id, "other": other.id},
        )
    listed = (await people.maya.get("/api/v1/interactions")).json()["items"]
    assert {item["id"]: len(item["forms"]) for item in listed} == {str(one.id): 0, str(other.id): 1}
    refused = await people.maya.post(respond(one.id), json=ACCEPT)
    assert refused.status_code == 410
    assert (await people.maya.post(respond(other.id), json=ACCEPT)).status_code == 202
    assert [answered.interaction.id for answered in heard.answers] == [other.id]


async def test_without_a_vault_nothing_is_asked(
    ports: PlatformPorts, app: FastAPI, desk: Desk, maya: Principal
) -> None:
    bare = build_app(replace(ports, vault=None))
    async with People(replace(ports, vault=None), bare) as people:
        with pytest.raises(NoVault):
            await desk_of(bare, people).ask(maya)


def respond(interaction_id: object) -> str:
    return f"/api/v1/interactions/{interaction_id}/respond"


async def a_session(people: People, principal: Principal) -> UUID:
    row = SessionRow(
        id=uuid4(), organisation_id=principal.organisation_id, user_id=principal.id, title="Booking"
    )
    async with people.ports.database.begin() as session:
        session.add(row)
    return row.id


async def backdated(people: People, by: timedelta) -> None:
    """As if all of it had happened so long ago."""
    async with people.ports.database.begin() as session:
        await session.execute(
            text(
                "UPDATE interactions SET created_at = created_at - CAST(:by AS interval),"
                " expires_at = expires_at - CAST(:by AS interval),"
                " ended_at = ended_at - CAST(:by AS interval)"
            ),
            {"by": by},
        )


async def everything(people: People) -> str:
    """All rows that tell of interactions, as text."""
    async with people.ports.database.begin() as session:
        rows = [
            *(await session.execute(text("SELECT t::text FROM interactions t"))),
            *(await session.execute(text("SELECT t::text FROM audit_records t"))),
            *(await session.execute(text("SELECT args::text || task_name FROM procrastinate_jobs"))),
        ]
    return "\n".join(str(row) for row in rows)
