"""What comes of a booking later: told to that person, in their channels, once."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from prometheus_client import REGISTRY, generate_latest

from kit.wire.contact import FINISHED, STEP
from kit.wire.internal import AuditEvent
from platform_api.audit.funnel import count
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from tests.platform_api.bots import Bot
from tests.platform_api.people import People
from tests.platform_api.work import Work

IN_SLACK = {"maya": "slack:T1/U-maya", "tom": "slack:T1/U-tom"}
SAID = "Your meeting with Dana is complete: the e-mail has been sent."


@pytest.fixture
async def bot(people: People, anyone: AsyncClient) -> Bot:
    """Maya and Tom are linked."""
    bot = await Bot.of(people, anyone)
    for name, client in (("maya", people.maya), ("tom", people.tom)):
        code = (await bot.ask("POST", "/api/v1/links", {"identity": IN_SLACK[name]})).json()["code"]
        await client.post("/api/v1/links/confirm", json={"code": code, "identity": IN_SLACK[name]})
    return bot


def finished(
    whom: str = "maya", organisation_id: UUID = ORGANISATION_ID, at: str = "2026-11-22T02:00:00Z"
) -> dict[str, Any]:
    data = {
        "booking_id": "00000000-0000-4000-8000-000000000001",
        "organisation_id": str(organisation_id),
        "user_id": str(DEV_PEOPLE[whom].id),
        "what": "confirmed",
        "summary": SAID,
    }
    return {"type": FINISHED, "at": at, "data": data}


async def claimed(bot: Bot) -> list[dict[str, Any]]:
    answer = await bot.ask("POST", "/api/v1/deliveries/claim", {"channel": "slack"})
    return answer.json()["items"]


@pytest.mark.proves("WISH-106")
async def test_the_end_of_a_booking_is_told_to_whom_it_belongs_and_to_nobody_else(
    bot: Bot, worker: Work
) -> None:
    await worker.run(FINISHED, finished())
    (delivery,) = await claimed(bot)
    assert (delivery["kind"], delivery["to"]) == ("booking.finished", IN_SLACK["maya"])
    assert delivery["payload"] == {
        "booking_id": "00000000-0000-4000-8000-000000000001",
        "what": "confirmed",
        "text": SAID,
    }


@pytest.mark.proves("WISH-106")
async def test_a_report_that_comes_again_is_told_once_and_a_later_one_anew(bot: Bot, worker: Work) -> None:
    for _ in range(3):
        await worker.run(FINISHED, finished())
    assert len(await claimed(bot)) == 1
    await worker.run(FINISHED, finished(at="2026-11-22T03:00:00Z"))
    assert len(await claimed(bot)) == 1


@pytest.mark.proves("WISH-106")
async def test_another_organisations_report_about_this_person_tells_nobody(bot: Bot, worker: Work) -> None:
    await worker.run(FINISHED, finished(organisation_id=uuid4()))
    assert await claimed(bot) == []


def step(name: str, channel: str = "slack", type: str = STEP) -> AuditEvent:
    data = {"booking_id": str(uuid4()), "organisation_id": str(ORGANISATION_ID), "user_id": str(uuid4())}
    return AuditEvent(
        id="0" * 26,
        at="2026-11-22T02:00:00Z",
        kind="audit",
        type=type,
        organisation_id=str(ORGANISATION_ID),
        actor="service:contact",
        data={**data, "step": name, "channel": channel},
    )


def counted(step: str, channel: str) -> float:
    labels = {"step": step, "channel": channel}
    return REGISTRY.get_sample_value("switchboard_bookings_total", labels) or 0.0


@pytest.mark.proves("WISH-105")
def test_the_funnel_is_counted_by_step_and_channel_and_by_nothing_else() -> None:
    before = counted("confirmed", "slack"), counted("confirmed", "api")
    count(step("confirmed"))
    count(step("confirmed", "somewhere"))  # a label is never what somebody else may choose
    count(step("dreamt"))
    count(step("confirmed", type="tool.called"))
    assert (counted("confirmed", "slack"), counted("confirmed", "api")) == (before[0] + 1, before[1] + 1)
    shown = generate_latest(REGISTRY).decode()
    told = {
        line.partition("}")[0] for line in shown.splitlines() if line.startswith("switchboard_bookings_total")
    }
    assert 'switchboard_bookings_total{channel="slack",step="confirmed"' in told
    assert all(line.count("=") == 2 for line in told)
