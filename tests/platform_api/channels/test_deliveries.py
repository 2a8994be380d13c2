"""Messages that we start: claimed by one bot at a time, and lost by no crash (SPEC 3)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient

from platform_api.app import PlatformPorts, build_app
from platform_api.channels.service import deliver
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from tests.clocks import MovedClock
from tests.platform_api.bots import Bot
from tests.platform_api.people import People

MAYA = DEV_PEOPLE["maya"].id


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def client(ports: PlatformPorts, people: People, clock: MovedClock) -> AsyncIterator[AsyncClient]:
    app = build_app(replace(ports, clock=clock))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        yield client


@pytest.fixture
async def bot(people: People, client: AsyncClient) -> Bot:
    bot = await Bot.of(people, client)
    for identity in ("slack:T1/U-maya", "teams:tenant/maya"):
        owner = bot if identity.startswith("slack") else await Bot.of(people, client, "teams")
        code = (await owner.ask("POST", "/api/v1/links", {"identity": identity})).json()["code"]
        await people.maya.post("/api/v1/links/confirm", json={"code": code, "identity": identity})
    return bot


async def tell(ports: PlatformPorts, clock: MovedClock, about: str = "job-1", user: UUID = MAYA) -> int:
    async with ports.database.begin() as db:
        return await deliver(
            db, clock, ORGANISATION_ID, user, kind="job.finished", about=about, payload={"job_id": about}
        )


async def claim(bot: Bot, **asked: Any) -> list[dict[str, Any]]:
    answer = await bot.ask("POST", "/api/v1/deliveries/claim", {"channel": "slack"} | asked)
    return answer.json()["items"]


async def acknowledge(bot: Bot, delivery: dict[str, Any], outcome: str) -> int:
    body = {"lease": delivery["lease"], "outcome": outcome}
    return (await bot.ask("POST", f"/api/v1/deliveries/{delivery['id']}/ack", body)).status_code


async def test_a_person_is_told_in_each_linked_channel_once(
    ports: PlatformPorts, clock: MovedClock, bot: Bot
) -> None:
    assert await tell(ports, clock) == 2
    assert await tell(ports, clock) == 0

    (delivery,) = await claim(bot)

    assert delivery["to"] == "slack:T1/U-maya"
    assert delivery["payload"] == {"job_id": "job-1"}


async def test_who_is_linked_nowhere_is_told_nowhere(
    ports: PlatformPorts, clock: MovedClock, bot: Bot
) -> None:
    assert await tell(ports, clock, user=DEV_PEOPLE["tom"].id) == 0


@pytest.mark.proves("CHANNEL-006")
async def test_what_a_crashed_bot_had_claimed_comes_again(
    ports: PlatformPorts, clock: MovedClock, bot: Bot
) -> None:
    await tell(ports, clock)
    (first,) = await claim(bot, lease_s=30)
    assert await claim(bot) == []

    clock.move(seconds=31)
    (second,) = await claim(bot)

    assert (second["id"], second["attempt"]) == (first["id"], 2)
    assert await acknowledge(bot, first, "delivered") == 409
    assert await acknowledge(bot, second, "delivered") == 204
    assert await acknowledge(bot, second, "delivered") == 204
    clock.move(hours=1)
    assert await claim(bot) == []


@pytest.mark.proves("CHANNEL-006")
async def test_two_bots_never_hold_the_same_one(ports: PlatformPorts, clock: MovedClock, bot: Bot) -> None:
    for number in range(20):
        await tell(ports, clock, f"job-{number}")
    claimed = await asyncio.gather(*(claim(bot, limit=7) for _ in range(4)))
    ids = [delivery["id"] for items in claimed for delivery in items]
    assert len(ids) == len(set(ids)) == 20


async def test_what_failed_comes_again_after_a_pause_that_grows(
    ports: PlatformPorts, clock: MovedClock, bot: Bot
) -> None:
    await tell(ports, clock)
    for pause in (2, 4, 8):
        (delivery,) = await claim(bot)
        assert await acknowledge(bot, delivery, "failed") == 204
        clock.move(seconds=pause - 1)
        assert await claim(bot) == []
        clock.move(seconds=1)


async def test_for_whom_has_left_it_ends(ports: PlatformPorts, clock: MovedClock, bot: Bot) -> None:
    await tell(ports, clock)
    (delivery,) = await claim(bot)
    assert await acknowledge(bot, delivery, "gone") == 204
    clock.move(hours=1)
    assert await claim(bot) == []


async def test_after_a_day_nobody_wants_to_know(ports: PlatformPorts, clock: MovedClock, bot: Bot) -> None:
    await tell(ports, clock)
    clock.move(days=1, seconds=1)
    assert await claim(bot) == []


@pytest.mark.proves("CHANNEL-006")
async def test_another_organisations_bot_gets_nothing(
    ports: PlatformPorts, clock: MovedClock, bot: Bot, people: People, client: AsyncClient
) -> None:
    await tell(ports, clock)
    other = await people.add_organisation()
    admin = await people.add("admin", roles=("OrgAdmin",), organisation_id=other)
    key = (await admin.post("/api/v1/admin/bots", json={"channel": "slack"})).json()["key"]
    theirs = Bot(client, key)
    assert await claim(theirs) == []
    (delivery,) = await claim(bot)
    assert await acknowledge(theirs, delivery, "delivered") == 404


async def test_people_claim_nothing(people: People) -> None:
    answer = await people.ada.post("/api/v1/deliveries/claim", json={"channel": "slack"})
    assert answer.status_code == 403
