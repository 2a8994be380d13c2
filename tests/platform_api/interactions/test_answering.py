"""Asked once, answered once, from any channel of the person."""

import asyncio

from fastapi import FastAPI

from access.principal import Principal
from platform_api.app import PlatformPorts, build_app
from tests.platform_api.interactions.asks import FILLED, Desk, Heard, elicit, page_to_open
from tests.platform_api.people import People


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

    answer = await people.maya.post(
        f"/api/v1/interactions/{asked.id}/respond", json={"action": "accept", "content": FILLED}
    )
    assert answer.status_code == 202
    assert answer.json() == {"interaction_id": str(asked.id), "status": "answered", "turn_id": None}
    [answered] = heard.answers
    assert answered.input_responses == {
        "details": {"action": "accept", "content": FILLED | {"seats": 1, "news": False}}
    }
    assert answered.request_state == "sealed-by-the-tool"
    assert answered.resume["agent_session"] == {"secret": "of the agent"}
    assert answered.principal.id == maya.id
    assert answered.principal.groups == maya.groups
    shown = (await people.maya.get(f"/api/v1/interactions/{asked.id}")).json()
    assert (shown["status"], shown["outcome"]) == ("answered", "accept")
