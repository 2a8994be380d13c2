"""Somebody of a channel and a user become one; whoever is not linked sees what everyone may (SPEC 6)."""

from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient

from platform_api.app import PlatformPorts, build_app
from platform_api.identity.settings import IdentitySettings
from tests.clocks import MovedClock
from tests.platform_api.bots import Bot
from tests.platform_api.people import People

MAYA_IN_SLACK = "slack:T1/U-maya"


@pytest.fixture
async def bot(people: People, anyone: AsyncClient) -> Bot:
    return await Bot.of(people, anyone)


async def offered(bot: Bot, who: str = MAYA_IN_SLACK) -> str:
    answer = (await bot.ask("POST", "/api/v1/links", {"identity": who, "name": "Maya in Slack"})).json()
    assert answer["linked"] is False
    return answer["code"]


async def linked(people: People, bot: Bot) -> None:
    confirmed = {"code": await offered(bot), "identity": MAYA_IN_SLACK}
    assert (await people.maya.post("/api/v1/links/confirm", json=confirmed)).status_code == 201


@pytest.mark.proves("CHANNEL-001")
async def test_who_confirms_the_code_is_that_person_in_the_channel(people: People, bot: Bot) -> None:
    await linked(people, bot)

    me = (await bot.ask("GET", "/api/v1/me", as_=MAYA_IN_SLACK)).json()

    assert me["email"] == "maya@example.com"
    assert me["groups"] == ["operations"]
    mine = (await people.maya.get("/api/v1/links")).json()["items"]
    assert [link["identity"] for link in mine] == [MAYA_IN_SLACK]


async def test_before_confirming_one_sees_whose_account_it_is(people: People, bot: Bot) -> None:
    offer = (await people.maya.get(f"/api/v1/links/offers/{await offered(bot)}")).json()
    assert (offer["identity"], offer["name"]) == (MAYA_IN_SLACK, "Maya in Slack")


async def test_who_confirms_something_else_than_was_shown_links_nothing(people: People, bot: Bot) -> None:
    confirmed = {"code": await offered(bot, "slack:T1/U-mallory"), "identity": MAYA_IN_SLACK}
    answer = await people.maya.post("/api/v1/links/confirm", json=confirmed)
    assert answer.json()["code"] == "no_such_code"
    assert (await people.maya.get("/api/v1/links")).json()["items"] == []


async def test_a_code_works_once(people: People, bot: Bot) -> None:
    confirmed = {"code": await offered(bot), "identity": MAYA_IN_SLACK}
    assert (await people.maya.post("/api/v1/links/confirm", json=confirmed)).status_code == 201
    assert (await people.tom.post("/api/v1/links/confirm", json=confirmed)).status_code == 404


async def test_an_account_that_is_linked_is_nobody_elses(people: People, bot: Bot) -> None:
    first, second = await offered(bot), await offered(bot)
    await people.maya.post("/api/v1/links/confirm", json={"code": first, "identity": MAYA_IN_SLACK})
    answer = await people.tom.post("/api/v1/links/confirm", json={"code": second, "identity": MAYA_IN_SLACK})
    assert answer.json()["code"] == "linked_to_somebody_else"


@pytest.mark.proves("CHANNEL-002")
async def test_a_guest_is_nobody_in_particular(people: People, bot: Bot) -> None:
    me = (await bot.ask("GET", "/api/v1/me", as_="slack:T1/U-new")).json()
    assert me["groups"] == me["roles"] == []
    assert me["permissions"] == ["query_kb", "use_agent"]


async def test_undoing_a_link_makes_a_guest_again(people: People, bot: Bot) -> None:
    await linked(people, bot)
    link = (await people.maya.get("/api/v1/links")).json()["items"][0]

    assert (await people.tom.delete(f"/api/v1/links/{link['id']}")).status_code == 404
    assert (await people.maya.delete(f"/api/v1/links/{link['id']}")).status_code == 204

    me = (await bot.ask("GET", "/api/v1/me", as_=MAYA_IN_SLACK)).json()
    assert me["email"] != "maya@example.com"


@pytest.mark.proves("CHANNEL-001")
async def test_a_bot_asks_for_its_own_channel_only(people: People, bot: Bot) -> None:
    answer = await bot.ask("GET", "/api/v1/me", as_="teams:tenant/maya")
    assert (answer.status_code, answer.json()["code"]) == (403, "may_not_act_as")


@pytest.mark.parametrize("named", ["maya", "slack:T1", "slack:T1/", "slack:/U", "slack:T1/U/x", "SLACK:T1/U"])
async def test_a_name_of_another_form_is_nobodys(people: People, bot: Bot, named: str) -> None:
    assert (await bot.ask("GET", "/api/v1/me", as_=named)).status_code == 403


@pytest.mark.proves("CHANNEL-001")
async def test_a_person_or_an_admin_asks_for_nobody_else(people: People, bot: Bot) -> None:
    for person in (people.maya, people.ada):
        answer = await person.get("/api/v1/me", headers={"X-Act-As": MAYA_IN_SLACK})
        assert answer.json()["code"] == "may_not_act_as"


@pytest.mark.proves("CHANNEL-003")
async def test_what_lasts_is_not_made_through_a_channel(people: People, bot: Bot) -> None:
    await linked(people, bot)
    key = await bot.ask("POST", "/api/v1/api-keys", {"name": "kept"}, as_=MAYA_IN_SLACK)
    confirmed = {"code": await offered(bot, "slack:T1/U-other"), "identity": "slack:T1/U-other"}
    link = await bot.ask("POST", "/api/v1/links/confirm", confirmed, as_=MAYA_IN_SLACK)
    assert key.json()["code"] == link.json()["code"] == "not_through_a_channel"


async def test_only_an_admin_makes_a_bot(people: People, bot: Bot) -> None:
    assert (await people.maya.post("/api/v1/admin/bots", json={"channel": "slack"})).status_code == 403


async def test_a_bot_that_asks_for_an_admin_makes_no_bot(people: People, bot: Bot) -> None:
    who = "slack:T1/U-ada"
    code = await offered(bot, who)
    await people.ada.post("/api/v1/links/confirm", json={"code": code, "identity": who})
    answer = await bot.ask("POST", "/api/v1/admin/bots", {"channel": "teams"}, as_=who)
    assert answer.json()["code"] == "admins_only"


async def settled(ports: PlatformPorts, people: People, **settings: object) -> Bot:
    changed = IdentitySettings(dev_sign_in=True).model_copy(update=settings)
    app = build_app(replace(ports, identity_settings=changed))
    client = AsyncClient(transport=ASGITransport(app), base_url="http://platform")
    return await Bot.of(people, client)


@pytest.mark.proves("CHANNEL-004")
async def test_a_verified_address_of_a_trusted_workspace_links_at_once(
    ports: PlatformPorts, people: People
) -> None:
    bot = await settled(ports, people, trusted_workspaces=["slack:T1"])
    asked = {"identity": MAYA_IN_SLACK, "email": "MAYA@example.com"}
    assert (await bot.ask("POST", "/api/v1/links", asked)).json()["user_name"] == "Maya"
    assert (await bot.ask("GET", "/api/v1/me", as_=MAYA_IN_SLACK)).json()["name"] == "Maya"


@pytest.mark.proves("CHANNEL-004")
async def test_the_same_address_of_another_workspace_links_nobody(
    ports: PlatformPorts, people: People
) -> None:
    bot = await settled(ports, people, trusted_workspaces=["slack:T1"])
    asked = {"identity": "slack:T2/U-maya", "email": "maya@example.com"}
    assert (await bot.ask("POST", "/api/v1/links", asked)).json()["linked"] is False


async def test_where_guests_are_not_answered_they_are_asked_to_link(
    ports: PlatformPorts, people: People
) -> None:
    bot = await settled(ports, people, unlinked="ask_to_link")
    answer = await bot.ask("GET", "/api/v1/me", as_=MAYA_IN_SLACK)
    assert (answer.status_code, answer.json()["code"]) == (403, "link_needed")


async def test_a_code_expires(ports: PlatformPorts, people: People, bot: Bot) -> None:
    code = await offered(bot)
    later = MovedClock()
    later.move(minutes=16)
    app = build_app(replace(ports, clock=later))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        signed_in = {"Authorization": people.maya.headers["Authorization"]}
        answer = await client.get(f"/api/v1/links/offers/{code}", headers=signed_in)
    assert answer.json()["code"] == "no_such_code"
