"""Who sees an interaction, and who may answer it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from access.principal import Principal
from access.tokens import claims_of
from kit.wire.interactions import OpenedOneShot, OpenOneShot
from platform_api.interactions.errors import InteractionExpired
from tests.platform_api.interactions.asks import FILLED, NOTHING, Desk, Heard, elicit
from tests.platform_api.people import People

ACCEPT = {"action": "accept"}


@pytest.mark.proves("GOV-308")
async def test_nobody_else_learns_that_it_exists(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    elsewhere = await people.add(roles=("OrgAdmin",), organisation_id=await people.add_organisation())
    for stranger in (people.tom, people.ada, elsewhere):
        nothing = await stranger.get(f"/api/v1/interactions/{UUID(int=7)}")
        for answer in (
            await stranger.get(f"/api/v1/interactions/{asked.id}"),
            await stranger.get(f"/api/v1/interactions/{asked.id}?wait=0.1"),
            await stranger.post(
                f"/api/v1/interactions/{asked.id}/respond", json={"action": "accept", "content": FILLED}
            ),
            # what is wrong with a form says that there is one
            await stranger.post(
                f"/api/v1/interactions/{asked.id}/respond", json={"action": "accept", "content": {"x": 1}}
            ),
        ):
            assert answer.status_code == 404
            assert apart_from_request(answer.json()) == apart_from_request(nothing.json())
        for asked_of in ("", "?asked_of=second_person", "?asked_of=me"):
            assert (await stranger.get(f"/api/v1/interactions{asked_of}")).json()["items"] == []
    assert heard.answers == []


@pytest.mark.proves("GOV-308")
async def test_a_key_of_few_scopes_neither_reads_nor_answers_what_a_full_session_was_asked(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await desk.ask(maya)
    narrow = await with_key(people, ["query_kb"])
    wide = await with_key(people, sorted(maya.permissions))
    assert narrow["items"] == []
    assert [one["id"] for one in wide["items"]] == [str(asked.id)]


@pytest.mark.proves("GOV-308")
async def test_a_second_person_decides_and_the_first_one_can_only_withdraw(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await second(desk, maya)
    where = f"/api/v1/interactions/{asked.id}"
    waiting = (await people.maya.get(where)).json()
    assert (waiting["status"], waiting["asked_of"], waiting["mine_to_answer"]) == (
        "open",
        "second_person",
        False,
    )
    refused = await people.maya.post(f"{where}/respond", json=ACCEPT)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person_needed")

    [shown] = (await people.ada.get("/api/v1/interactions?asked_of=second_person")).json()["items"]
    assert shown["mine_to_answer"] is True
    assert shown["asked_by"] == "Maya"
    assert shown["forms"][0]["arguments"] == {"path": "/a", "note": "\\u202eabc"}
    assert shown["session_id"] is None
    assert (await people.ada.get("/api/v1/interactions")).json()["items"] == []
    assert (await people.tom.get(where)).status_code == 404
    assert (await people.tom.post(f"{where}/respond", json=ACCEPT)).status_code == 404

    assert (await people.ada.post(f"{where}/respond", json=ACCEPT)).status_code == 202
    assert (await people.maya.get(where)).json()["outcome"] == "accept"


@pytest.mark.proves("GOV-308")
async def test_where_roles_are_named_only_they_decide(people: People, desk: Desk, maya: Principal) -> None:
    asked = await second(desk, maya, approvers=["TeamLead"])
    lead, _ = await people.add_known(roles=("TeamLead",))
    other_lead = await people.add(
        roles=("TeamLead",), organisation_id=await people.add_organisation("Elsewhere")
    )
    where = f"/api/v1/interactions/{asked.id}"
    assert (await people.ada.get(where)).status_code == 404
    assert (await other_lead.get(where)).status_code == 404
    assert (await lead.post(f"{where}/respond", json=ACCEPT)).status_code == 202


@pytest.mark.proves("GOV-308")
async def test_an_admin_cannot_be_the_second_person_of_herself(people: People, desk: Desk) -> None:
    ada = await desk.principal(UUID((await people.ada.get("/api/v1/me")).json()["id"]))
    asked = await second(desk, ada)
    where = f"/api/v1/interactions/{asked.id}"
    assert (await people.ada.post(f"{where}/respond", json=ACCEPT)).status_code == 403
    assert (await people.ada.get("/api/v1/interactions?asked_of=second_person")).json()["items"] == []
    withdrawn = await people.ada.post(f"{where}/respond", json={"action": "cancel"})
    assert withdrawn.status_code == 202


@pytest.mark.proves("GOV-308")
@pytest.mark.parametrize("answered_first", [False, True])
async def test_a_waiting_turn_goes_on_as_the_first_person_whoever_decided(
    people: People, desk: Desk, heard: Heard, maya: Principal, answered_first: bool
) -> None:
    asked = await second(desk, maya)
    where = f"/api/v1/interactions/{asked.id}/respond"
    if answered_first:
        assert (await people.ada.post(where, json=ACCEPT)).status_code == 202
    meta = {"switchboard/kind": "approval", "switchboard/interaction": str(asked.id)}
    request = {"approval": elicit(NOTHING, _meta=meta)}
    waiting = await desk.ask(maya, tool="files.delete", input_requests=request)
    assert waiting.id == asked.id
    if not answered_first:
        told = (await people.ada.post(where, json=ACCEPT)).json()
        assert told["turn_id"] is None
    await desk.interactions.catch_up()
    [answered] = heard.answers
    assert answered.principal == maya
    assert answered.input_responses == {"approval": {"action": "accept", "content": {}}}


async def test_an_interaction_of_somebody_else_cannot_be_taken_on(desk: Desk, maya: Principal) -> None:
    asked = await second(desk, maya)
    meta = {"switchboard/kind": "approval", "switchboard/interaction": str(asked.id)}
    other = Principal(maya.organisation_id, UUID(int=5), permissions=maya.permissions, roles=maya.roles)
    with pytest.raises(InteractionExpired):
        await desk.ask(other, input_requests={"approval": elicit(NOTHING, _meta=meta)})


async def test_who_is_disabled_meanwhile_has_nothing_done(
    people: People, desk: Desk, heard: Heard, maya: Principal
) -> None:
    asked = await second(desk, maya)
    meta = {"switchboard/kind": "approval", "switchboard/interaction": str(asked.id)}
    await desk.ask(maya, input_requests={"approval": elicit(NOTHING, _meta=meta)})
    async with people.ports.database.begin() as session:
        await session.execute(text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": maya.id})
    answer = await people.ada.post(f"/api/v1/interactions/{asked.id}/respond", json=ACCEPT)
    assert answer.status_code == 202
    assert heard.answers == []


async def second(desk: Desk, principal: Principal, **more: Any) -> OpenedOneShot:
    request = OpenOneShot(
        claims=claims_of(principal, principal.access_keys),
        tool="files.delete",
        arguments={"path": "/a", "note": "\u202eabc"},
        digest="d",
        message="files.delete is about to be called.",
        second_person=True,
        **more,
    )
    async with desk.people.ports.database.begin() as session:
        return await desk.one_shots.open(session, request)


async def with_key(people: People, scopes: list[str]) -> dict[str, Any]:
    created = (await people.maya.post("/api/v1/api-keys", json={"name": "k", "scopes": scopes})).json()
    answer = await people.maya.get(
        "/api/v1/interactions", headers={"Authorization": f"Bearer {created['key']}"}
    )
    return answer.json()


def apart_from_request(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
