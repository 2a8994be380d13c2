"""A person connects an account; forged, replayed and mixed-up answers come to nothing."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import update

from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.toolbox.connections.models import SignInRow
from platform_api.toolbox.models import ToolServerRow
from tests.platform_api.toolbox.connections.conftest import MAYA, PUBLIC, SECRET, SERVER, World


@pytest.mark.proves("GOV-602")
@pytest.mark.parametrize("whole", [True])
async def test_a_person_connects_and_the_gateway_gets_a_token(world: World) -> None:
    said = await world.sign_in(client_id="sb", client_secret=SECRET)
    assert said.status_code == 200, said.text
    assert "secret" not in said.json().get("client_secret", "")
    before = await world.token()
    assert before.status_code == 409
    assert before.json()["code"] == "connect_account"
    assert "/api/v1/connections/begin/" in before.json()["url"]

    await world.connect()

    given = await world.token()
    assert given.status_code == 200, given.text
    assert given.json()["value"].removeprefix("Bearer ") in world.issuer.live
    assert given.json()["expires_in"] <= 60
    mine = (await world.people.maya.get("/api/v1/connections")).json()["items"]
    assert [one["server"] for one in mine] == [SERVER]
    assert mine[0]["state"] == "connected"
    assert (await world.people.tom.get("/api/v1/connections")).json()["items"] == []


async def begun(world: World) -> str:
    """Where the authorization server sends the browser back to, with everything right."""
    assert (await world.sign_in(client_id="sb")).status_code == 200
    there = await world.to_the_server(await world.link())
    assert there.status_code == 303, there.text
    return world.issuer.authorise(there.headers["location"])


async def nothing_is_connected(world: World) -> bool:
    mine = (await world.people.maya.get("/api/v1/connections")).json()["items"]
    return mine == [] and (await world.token()).status_code == 409


@pytest.mark.proves("GOV-602")
async def test_what_is_asked_of_the_authorization_server(world: World) -> None:
    await world.sign_in(client_id="sb")
    there = await world.to_the_server(await world.link())
    asked = {name: value[0] for name, value in parse_qs(urlsplit(there.headers["location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["resource"] == world.server.address
    assert asked["scope"] == "notes.read notes.write"
    shown = await world.people.ada.get(f"/api/v1/mcp-servers/{SERVER}/sign-in")
    assert asked["redirect_uri"] == shown.json()["redirect_uri"]


@pytest.mark.proves("GOV-602")
async def test_a_state_is_good_once(world: World) -> None:
    back = await begun(world)
    assert (await world.back(back)).status_code == 200
    requests = len(world.issuer.seen)
    again = await world.back(back)
    assert again.status_code == 422
    assert len(world.issuer.seen) == requests
    assert (await world.token()).status_code == 200


@pytest.mark.proves("GOV-602")
@pytest.mark.parametrize(
    "change",
    [
        {"state": "another"},
        {"state": ""},
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"code": ""},
        {"error": "access_denied"},
    ],
    ids=str,
)
async def test_a_changed_answer_connects_nothing(world: World, change: dict[str, str]) -> None:
    back = await begun(world)
    requests = len(world.issuer.seen)
    assert (await world.back(changed(back, change))).status_code == 422
    assert len(world.issuer.seen) == requests, "no code may be sent anywhere"
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_the_issuer_must_be_named_where_it_says_that_it_is(world: World) -> None:
    back = await begun(world)
    assert (await world.back(without(back, "iss"))).status_code == 422
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_a_parameter_that_comes_twice_connects_nothing(world: World) -> None:
    back = await begun(world)
    assert (await world.back(back + "&state=x")).status_code == 422
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_another_browser_cannot_finish_it(world: World) -> None:
    back = await begun(world)
    async with AsyncClient(transport=ASGITransport(world.app), base_url=PUBLIC) as thief:
        assert (await world.back(back, thief)).status_code == 422
    assert (await world.back(back)).status_code == 422, "and now it is used up"
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_another_servers_answer_is_not_taken_for_this_ones(world: World) -> None:
    """Mix-up (RFC 9700, 4.4): each authorization server has a redirect URI of its own."""
    back = await begun(world)
    mark = urlsplit(back).path.rpartition("/")[2]
    assert (await world.back(back.replace(mark, "0" * 16))).status_code == 422
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_a_code_of_somebody_elses_attempt_is_refused_by_pkce(world: World) -> None:
    back = await begun(world)
    theirs = world.issuer.authorise(
        (await world.to_the_server(await world.link())).headers["location"], state="attackers"
    )
    code = parse_qs(urlsplit(back).query)["code"][0]
    mine = await world.to_the_server(await world.link())
    own = world.issuer.authorise(mine.headers["location"])
    assert (await world.back(changed(own, {"code": code}))).status_code == 422
    assert theirs
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-602")
async def test_nobody_is_sent_through_with_a_form_that_they_have_not_seen(world: World) -> None:
    await world.sign_in(client_id="sb")
    link = await world.link()
    async with AsyncClient(transport=ASGITransport(world.app), base_url=PUBLIC) as victim:
        for form in ({}, {"seen": "none"}, {"seen": "x" * 64}):
            assert (await victim.post(link, data=form)).status_code == 422
        await victim.get(link)
        assert (await victim.post(link, data={"seen": "x" * 64})).status_code == 422
        page = await victim.get(link)
        seen = {"seen": re.findall(r'name="seen" value="([^"]+)"', page.text)[0]}
        crossed = await victim.post(link, data=seen, headers={"sec-fetch-site": "cross-site"})
        assert crossed.status_code == 422


@pytest.mark.proves("GOV-602")
async def test_the_page_says_whose_account_it_is_and_takes_nothing_for_markup(world: World) -> None:
    maya = await world.people.add("<script>alert(1)</script>")
    await world.sign_in(client_id="sb")
    started = await maya.post("/api/v1/connections", json={"server": SERVER})
    page = await world.browser.get(urlsplit(started.json()["url"]).path)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


@pytest.mark.proves("GOV-602")
async def test_a_link_leads_nowhere_but_to_the_authorization_server(world: World) -> None:
    """No parameter of ours is an address: there is nothing to redirect openly with."""
    await world.sign_in(client_id="sb")
    link = await world.link()
    there = await world.to_the_server(link + "?next=https://evil.example&redirect_uri=https://evil.example")
    assert there.headers["location"].startswith(world.issuer.issuer + "/authorize?")
    assert "evil" not in there.headers["location"]


async def test_a_link_that_was_used_or_is_old_is_over(world: World) -> None:
    await world.sign_in(client_id="sb")
    link = await world.link()
    await world.connect()
    assert (await world.browser.get(link)).status_code == 422
    assert (await world.browser.get(f"/api/v1/connections/begin/{uuid4()}")).status_code == 422


@pytest.mark.proves("GOV-602")
async def test_of_another_organisations_server_nothing_shows(world: World) -> None:
    other = await world.people.add_organisation()
    stranger = await world.people.add("eve", roles=("OrgAdmin",), organisation_id=other)
    await world.sign_in(client_id="sb")
    await world.connect()
    assert (await stranger.post("/api/v1/connections", json={"server": SERVER})).status_code == 404
    path = f"/api/v1/mcp-servers/{SERVER}"
    assert (await stranger.put(f"{path}/sign-in", json={"kind": "static"})).status_code == 404
    assert (await stranger.get(f"{path}/sign-in")).status_code == 404
    assert (await stranger.get(f"{path}/connections")).json()["items"] == []
    assert (await stranger.delete(f"{path}/connections/{MAYA}")).status_code == 404
    assert (await world.people.tom.get(f"{path}/connections")).status_code == 403
    assert (await world.people.tom.delete(f"{path}/connections/{MAYA}")).status_code == 403
    assert (await world.people.tom.put(f"{path}/sign-in", json={"kind": "static"})).status_code == 403
    assert (await world.people.tom.delete(f"/api/v1/connections/{SERVER}")).status_code == 404
    assert (await world.token()).status_code == 200


async def test_a_person_disconnects_here_and_there(world: World) -> None:
    await world.sign_in(client_id="sb")
    await world.connect()
    assert (await world.people.maya.delete(f"/api/v1/connections/{SERVER}")).status_code == 204
    assert world.issuer.live == set()
    assert await nothing_is_connected(world)


async def test_an_admin_disconnects_a_person_even_where_the_server_is_gone(world: World) -> None:
    world.issuer.overrides["revocation_endpoint"] = "http://127.0.0.1:1/revoke"
    await world.sign_in(client_id="sb")
    await world.connect()
    listed = await world.people.ada.get(f"/api/v1/mcp-servers/{SERVER}/connections")
    assert [one["user_id"] for one in listed.json()["items"]] == [str(MAYA)]
    gone = await world.people.ada.delete(f"/api/v1/mcp-servers/{SERVER}/connections/{MAYA}")
    assert gone.status_code == 204
    assert await nothing_is_connected(world)


@pytest.mark.proves("GOV-605")
async def test_a_server_that_moves_gets_no_token_of_before(world: World) -> None:
    await world.sign_in(client_id="sb")
    await world.connect()
    async with world.ports.database.begin() as session:
        await session.execute(update(ToolServerRow).values(address="https://elsewhere.example/mcp"))
    assert (await world.token()).status_code == 404
    async with world.ports.database.begin() as session:
        await session.execute(update(SignInRow).values(address="https://elsewhere.example/mcp"))
    assert (await world.token()).json()["code"] == "connect_account"


async def test_a_key_that_each_person_has(world: World) -> None:
    await world.sign_in(kind="static", header="X-Api-Key", prefix="")
    assert (await world.token()).json()["code"] == "connect_account"
    link = await world.link()
    page = await world.browser.get(link)
    seen = re.findall(r'name="seen" value="([^"]+)"', page.text)[0]
    done = await world.browser.post(link, data={"seen": seen, "secret": "maya's own key"})
    assert done.status_code == 200
    given = (await world.token()).json()
    assert (given["header"], given["value"]) == ("X-Api-Key", "maya's own key")
    tom = DEV_PEOPLE["tom"].id
    assert (await world.token(tom)).status_code == 409


async def test_a_key_that_is_everyones(world: World) -> None:
    await world.sign_in(kind="static", secret="the common key")
    assert (await world.token()).json()["value"] == "Bearer the common key"
    started = await world.people.maya.post("/api/v1/connections", json={"server": SERVER})
    assert "url" not in started.json() or started.json()["url"] is None


def changed(url: str, change: dict[str, str]) -> str:
    parts = urlsplit(url)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()} | change
    return urlunsplit(parts._replace(query=urlencode(said)))


def without(url: str, name: str) -> str:
    parts = urlsplit(url)
    said = {key: values[0] for key, values in parse_qs(parts.query).items() if key != name}
    return urlunsplit(parts._replace(query=urlencode(said)))
