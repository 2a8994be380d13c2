"""The SDK as a bot uses it."""

import json

from switchboard_sdk import Switchboard

from tests import scripted_platform as say
from tests.scripted_platform import NOW, SESSION, Answer, ScriptedPlatform

ENTRY = {"key": "install/T1", "value": {"token": "x"}, "version": 1, "updated_at": NOW}
STATE = "/api/v1/channels/slack/state/install/T1"
DELIVERY = {
    "id": str(SESSION),
    "lease": str(SESSION),
    "kind": "job.finished",
    "to": "slack:T1/U1",
    "payload": {},
    "attempt": 1,
    "created_at": NOW,
    "expires_at": NOW,
}


async def test_a_bot_asks_for_somebody_and_then_for_itself(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", STATE, Answer(ENTRY), Answer(ENTRY))
    await client.acting_as("slack:T1/U1").channel_state.get("slack", "install/T1")
    await client.channel_state.get("slack", "install/T1")
    assert [request.headers.get("X-Act-As") for request in platform.seen] == ["slack:T1/U1", None]


async def test_what_is_not_there_is_none(client: Switchboard, platform: ScriptedPlatform) -> None:
    platform.on("GET", STATE, Answer(say.problem(404, "no_such_state"), 404))
    assert await client.channel_state.get("slack", "install/T1") is None


async def test_a_delivery_is_acknowledged_under_its_lease(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", "/api/v1/deliveries/claim", Answer({"items": [DELIVERY]}))
    platform.on("POST", f"/api/v1/deliveries/{SESSION}/ack", Answer({}, 204))
    (delivery,) = await client.deliveries.claim("slack")
    await client.deliveries.acknowledge(delivery, "delivered")
    assert json.loads(platform.seen[-1].body) == {"lease": str(SESSION), "outcome": "delivered", "detail": ""}
