"""What ended while nobody looked is told in the channel where it began (SPEC 3)."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from platform_api.identity import Identity
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.interactions import Interactions
from platform_api.interactions.one_shots import OneShots
from platform_api.sessions.models import SessionRow
from tests.platform_api.bots import Bot
from tests.platform_api.interactions.asks import Desk
from tests.platform_api.library.steps import personal_base, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

MAYA_IN_SLACK = "slack:T1/U-maya"


@pytest.fixture
async def bot(people: People, anyone: AsyncClient) -> Bot:
    bot = await Bot.of(people, anyone)
    code = (await bot.ask("POST", "/api/v1/links", {"identity": MAYA_IN_SLACK})).json()["code"]
    await people.maya.post("/api/v1/links/confirm", json={"code": code, "identity": MAYA_IN_SLACK})
    return bot


async def told(bot: Bot, worker: Work) -> list[dict[str, Any]]:
    for _ in range(2):
        await worker.run("account.tell", {})
    return (await bot.ask("POST", "/api/v1/deliveries/claim", {"channel": "slack"})).json()["items"]


@pytest.mark.proves("CHANNEL-007")
async def test_the_end_of_a_job_is_told_where_it_was_begun(
    people: People, anyone: AsyncClient, bot: Bot, worker: Work
) -> None:
    base = await personal_base(people.maya)
    anyone.headers.update({"Authorization": f"Bearer {bot.key}", "X-Act-As": MAYA_IN_SLACK})
    job = (await upload(anyone, base, ("leave.md", "# Leave\n\nTwenty days."))).json()["job_id"]
    del anyone.headers["X-Act-As"]
    assert await told(bot, worker) == []

    await worker.finish()

    (delivery,) = await told(bot, worker)
    assert (delivery["kind"], delivery["to"]) == ("job.finished", MAYA_IN_SLACK)
    assert delivery["payload"] == {
        "job_id": job,
        "kind": "upload",
        "status": "succeeded",
        "done": 1,
        "good": 1,
        "total": 1,
    }


async def test_a_job_of_the_web_is_told_nowhere(people: People, bot: Bot, worker: Work) -> None:
    await upload(people.maya, await personal_base(people.maya), ("leave.md", "# Leave\n\nTwenty days."))
    await worker.finish()
    assert await told(bot, worker) == []


@pytest.mark.proves("CHANNEL-007")
async def test_an_interaction_of_a_thread_that_ended_elsewhere_is_told_there(
    people: People, app: FastAPI, bot: Bot, worker: Work
) -> None:
    desk = _desk(people, app)
    maya = await desk.principal(DEV_PEOPLE["maya"].id)
    session_id = await _session(people, "slack:C1/1.1")
    asked = await desk.ask(maya, session_id=session_id, turn_id=uuid4())
    assert await told(bot, worker) == []

    await people.maya.post(f"/api/v1/interactions/{asked.id}/respond", json={"action": "decline"})

    (delivery,) = await told(bot, worker)
    assert delivery["kind"] == "interaction.ended"
    assert delivery["payload"]["interaction_id"] == str(asked.id)
    assert delivery["payload"]["external_ref"] == "slack:C1/1.1"
    assert delivery["payload"]["outcome"] == "decline"


def _desk(people: People, app: FastAPI) -> Desk:
    provided: dict[type, Any] = app.state.provided
    return Desk(people, provided[Interactions], provided[OneShots], provided[Identity])


async def _session(people: People, reference: str) -> Any:
    maya = DEV_PEOPLE["maya"].id
    organisation_id = (await people.maya.get("/api/v1/me")).json()["organisation_id"]
    row = SessionRow(
        id=uuid4(), organisation_id=organisation_id, user_id=maya, external_ref=reference, title="Booking"
    )
    async with people.ports.database.begin() as db:
        db.add(row)
        return row.id
