"""Ways to have a person's tokens sent to somebody else's authorization server (SPEC 9, 13)."""

import asyncio

import pytest

from tests.platform_api.bots import Bot
from tests.platform_api.toolbox.connections.conftest import SERVER, World, register

MAYA_IN_SLACK = "slack:T1/U-maya"


def elsewhere(world: World) -> str:
    """The issuer of another authorization server, with which everything is right."""
    world.issuer.path = "/elsewhere"
    return world.issuer.issuer


@pytest.mark.proves("SEC-104")
async def test_another_issuer_never_gets_what_was_connected_at_the_first(world: World) -> None:
    await world.sign_in(client_id="sb")
    await world.connect()
    sent = len(world.issuer.seen)

    issuer = elsewhere(world)
    assert (await world.sign_in(client_id="sb")).json()["issuer"] == issuer

    assert (await world.people.maya.get("/api/v1/connections")).json()["items"] == []
    world.clock.move(days=1)
    assert (await world.token()).json()["code"] == "connect_account"
    assert len(world.issuer.seen) == sent


@pytest.mark.proves("SEC-104")
async def test_what_is_exchanged_while_the_sign_in_changes_is_not_kept(world: World) -> None:
    await world.sign_in(client_id="sb")
    there = await world.to_the_server(await world.link())
    back = world.issuer.authorise(there.headers["location"])
    world.issuer.after_commit = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        coming = group.create_task(world.back(back))
        async with asyncio.timeout(20):
            while not world.issuer.seen:
                await asyncio.sleep(0)
        elsewhere(world)
        await world.sign_in(client_id="sb")
        world.issuer.after_commit.set()

    assert coming.result().status_code == 422
    assert (await world.people.maya.get("/api/v1/connections")).json()["items"] == []


@pytest.mark.proves("SEC-104")
async def test_the_same_issuer_said_again_keeps_what_is_connected(world: World) -> None:
    await world.sign_in(client_id="sb")
    await world.connect()
    await world.sign_in(client_id="sb", scopes=["notes.read"])
    assert (await world.token()).status_code == 200


@pytest.mark.proves("SEC-104")
async def test_a_persons_token_is_exchanged_at_its_issuer_only(world: World) -> None:
    await world.sign_in(client_id="sb")
    await world.connect()
    await register(world.ports.database, f"{world.server.url}/other", "other")
    said = {"kind": "on_behalf_of", "client_id": "sb", "client_secret": "s", "assertion_from": SERVER}

    lent = said | {"issuer": elsewhere(world)}
    answer = await world.people.ada.put("/api/v1/mcp-servers/other/sign-in", json=lent)

    assert (answer.status_code, answer.json()["code"]) == (422, "sign_in_unusable")


@pytest.mark.parametrize(
    "header", ["Host", "content-length", "Transfer-Encoding", "Mcp-Session-Id", "Cookie"]
)
async def test_a_header_that_frames_the_message_carries_no_secret(world: World, header: str) -> None:
    answer = await world.sign_in(kind="static", header=header)
    assert answer.status_code == 422


@pytest.mark.parametrize("secret", ["a\r\nHost: evil", "a\nb", "\N{SNOWMAN}", "a\tb"])
async def test_a_secret_is_one_line(world: World, secret: str) -> None:
    await world.sign_in(kind="static")
    answer = await world.people.maya.post("/api/v1/connections", json={"server": SERVER, "secret": secret})
    assert answer.status_code == 422
    assert secret not in answer.text


@pytest.mark.proves("SEC-107")
@pytest.mark.parametrize("whole", [True])
async def test_a_bot_connects_no_account_with_a_secret(world: World) -> None:
    await world.sign_in(kind="static")
    bot = await Bot.of(world.people, world.browser)
    code = (await bot.ask("POST", "/api/v1/links", {"identity": MAYA_IN_SLACK})).json()["code"]
    confirmed = {"code": code, "identity": MAYA_IN_SLACK}
    await world.people.maya.post("/api/v1/links/confirm", json=confirmed)

    asked = {"server": SERVER, "secret": "mallory's"}
    answer = await bot.ask("POST", "/api/v1/connections", asked, as_=MAYA_IN_SLACK)

    assert answer.json()["code"] == "not_through_a_channel"
    link = await bot.ask("POST", "/api/v1/connections", {"server": SERVER}, as_=MAYA_IN_SLACK)
    assert link.status_code == 201
