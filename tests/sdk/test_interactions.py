"""What tools ask, through the SDK."""

import json
from typing import Any

import pytest
from switchboard_sdk import ApiError, Switchboard

from tests import scripted_platform as say
from tests.scripted_platform import NOW, SESSION, Answer, ScriptedPlatform

PATH = f"/api/v1/interactions/{SESSION}"
OPEN: dict[str, Any] = {
    "id": str(SESSION),
    "kind": "form",
    "status": "open",
    "title": "meetings.book asks you",
    "forms": [{"key": "q", "message": "Who comes?", "requested_schema": {}}],
    "tool": "meetings.book",
    "created_at": NOW,
    "expires_at": NOW,
}
ANSWERED: dict[str, Any] = OPEN | {"status": "answered", "outcome": "accept"}


async def test_what_is_asked_is_listed_by_state_and_by_who_decides(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/interactions", Answer({"items": [OPEN]}))
    listed = [one async for one in client.interactions.all(status="open", asked_of="second_person")]
    assert [one.forms[0].message for one in listed] == ["Who comes?"]
    assert dict(platform.seen[-1].query) == {"status": "open", "asked_of": "second_person"}


async def test_a_faulty_form_is_an_error_that_names_its_fields(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    fault = {"field": "name", "message": "Please fill this in."}
    refused = say.problem(422, "answer_invalid") | {"errors": [fault]}
    platform.on("POST", f"{PATH}/respond", Answer(refused, 422))
    with pytest.raises(ApiError) as error:
        await client.interactions.respond(SESSION, "accept", {"seats": 2})
    assert error.value.problem.errors is not None
    assert [one.model_dump() for one in error.value.problem.errors] == [fault]
    assert json.loads(platform.seen[-1].body) == {"action": "accept", "content": {"seats": 2}}


async def test_waiting_asks_again_until_it_is_settled(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", PATH, Answer(OPEN), Answer(ANSWERED), Answer(ANSWERED | {"settled": True}))
    settled = await client.interactions.wait(SESSION)
    assert settled.outcome == "accept"
    assert len(platform.seen) == 3
