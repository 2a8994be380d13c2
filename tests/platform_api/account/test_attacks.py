"""Ways to become somebody with more rights through a channel (SPEC 6)."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient

from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import ORGANISATION_ID
from platform_api.identity.models import UserRow
from platform_api.identity.settings import IdentitySettings
from tests.platform_api.bots import Bot
from tests.platform_api.people import People

MALLORY = "slack:T1/U-mallory"


@pytest.fixture
async def bot(people: People, anyone: AsyncClient) -> Bot:
    return await Bot.of(people, anyone)


async def key_of(person: AsyncClient, **asked: object) -> dict[str, str]:
    made = await person.post("/api/v1/api-keys", json={"name": "leaked", **asked})
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def confirming(bot: Bot, who: str = MALLORY) -> dict[str, str]:
    offered = (await bot.ask("POST", "/api/v1/links", {"identity": who})).json()
    return {"code": offered["code"], "identity": who}


@pytest.mark.proves("SEC-101")
async def test_a_key_of_few_scopes_links_nobody_to_all_that_its_owner_has(
    people: People, anyone: AsyncClient, bot: Bot
) -> None:
    leaked = await key_of(people.ada, scopes=["query_kb"])

    answer = await anyone.post("/api/v1/links/confirm", json=await confirming(bot), headers=leaked)

    assert (answer.status_code, answer.json()["code"]) == (403, "whole_rights_needed")
    assert (await bot.ask("GET", "/api/v1/me", as_=MALLORY)).json()["roles"] == []


async def test_a_key_of_all_scopes_links_its_owner(people: People, anyone: AsyncClient, bot: Bot) -> None:
    whole = await key_of(people.maya)
    answer = await anyone.post("/api/v1/links/confirm", json=await confirming(bot), headers=whole)
    assert answer.status_code == 201


@pytest.mark.proves("SEC-101")
async def test_a_bots_key_does_not_outlive_the_key_that_made_it(people: People, anyone: AsyncClient) -> None:
    leaked = await key_of(people.ada, expires_in_days=1)
    asked = {"channel": "slack", "expires_in_days": 365}

    made = (await anyone.post("/api/v1/admin/bots", json=asked, headers=leaked)).json()

    left = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert left <= timedelta(days=1)


@pytest.mark.proves("SEC-102")
async def test_two_names_are_nobodys(people: People, anyone: AsyncClient, bot: Bot) -> None:
    headers = [("Authorization", f"Bearer {bot.key}"), ("X-Act-As", MALLORY), ("X-Act-As", "slack:T1/U-ada")]
    answer = await anyone.get("/api/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "may_not_act_as")


async def trusting(ports: PlatformPorts, people: People) -> Bot:
    settings = IdentitySettings(dev_sign_in=True, trusted_workspaces=["slack:T1"])
    app = build_app(replace(ports, identity_settings=settings))
    return await Bot.of(people, AsyncClient(transport=ASGITransport(app), base_url="http://platform"))


@pytest.mark.proves("SEC-102")
@pytest.mark.parametrize(
    "address",
    [
        "tom@example.\N{FULLWIDTH LATIN SMALL LETTER C}om",
        "\N{CYRILLIC SMALL LETTER TE}om@example.com",
        "tom+x@example.com",
        "t.om@example.com",
        "tom@example.com.",
        "tom@example.com,maya@example.com",
    ],
)
async def test_an_address_that_looks_like_somebodys_links_nobody(
    ports: PlatformPorts, people: People, address: str
) -> None:
    bot = await trusting(ports, people)
    answer = await bot.ask("POST", "/api/v1/links", {"identity": MALLORY, "email": address})
    assert answer.json()["linked"] is False


async def put_down(people: People, email: str) -> None:
    async with people.ports.database.begin() as session:
        row = UserRow(id=uuid4(), organisation_id=ORGANISATION_ID, name="Other", email=email)
        session.add(row)


@pytest.mark.proves("SEC-102")
async def test_an_address_that_folds_into_somebodys_links_nobody(
    ports: PlatformPorts, people: People
) -> None:
    await put_down(people, "kim@example.com")
    bot = await trusting(ports, people)
    asked = {"identity": MALLORY, "email": "\N{KELVIN SIGN}im@example.com"}
    assert (await bot.ask("POST", "/api/v1/links", asked)).json()["linked"] is False


@pytest.mark.proves("SEC-102")
async def test_an_address_of_two_people_links_nobody(ports: PlatformPorts, people: People) -> None:
    await put_down(people, "Maya@Example.com")
    bot = await trusting(ports, people)
    asked = {"identity": MALLORY, "email": "maya@example.com"}
    assert (await bot.ask("POST", "/api/v1/links", asked)).json()["linked"] is False


@pytest.mark.proves("SEC-107")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/mcp-servers"),
        ("POST", "/api/v1/mcp-servers"),
        ("GET", "/api/v1/admin/tools"),
        ("PUT", "/api/v1/mcp-servers/notes/sign-in"),
        ("GET", "/api/v1/mcp-servers/notes/connections"),
    ],
)
async def test_a_bot_that_asks_for_an_admin_decides_nothing(
    people: People, bot: Bot, method: str, path: str
) -> None:
    ada = "slack:T1/U-ada"
    await people.ada.post("/api/v1/links/confirm", json=await confirming(bot, ada))
    assert "OrgAdmin" in (await bot.ask("GET", "/api/v1/me", as_=ada)).json()["roles"]
    answer = await bot.ask(method, path, {"name": "x", "address": "https://x.example/mcp"}, as_=ada)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_through_a_channel")
