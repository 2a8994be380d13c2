"""Authorization servers are found as they publish themselves, and never where they must not lead us."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.identity.models import UserRow
from platform_api.toolbox.connections.models import AttemptRow, SignInRow
from tests.platform_api.people import add_person
from tests.platform_api.toolbox.connections.authorization_server import AuthorizationServer
from tests.platform_api.toolbox.connections.conftest import SECRET, World
from tests.platform_api.work import Work

ENTRA = AuthorizationServer(path="/tenant/v2.0", entra=True, oauth_metadata=False, says_issuer=False)


@pytest.mark.proves("GOV-606")
async def test_a_server_that_registers_us_by_itself(world: World) -> None:
    world.issuer.registers = True
    said = (await world.sign_in()).json()
    assert said["registered"] == "dynamic"
    assert world.issuer.redirects[said["client_id"]] == [said["redirect_uri"]]
    await world.connect()
    assert (await world.token()).status_code == 200


@pytest.mark.proves("GOV-606")
async def test_one_that_registers_nobody_says_what_to_do(world: World) -> None:
    told = await world.sign_in()
    assert told.status_code == 422
    assert "/api/v1/connections/callback/" in told.json()["hint"]


@pytest.mark.proves("GOV-606")
@pytest.mark.parametrize(
    "issuer", [AuthorizationServer(path="/tenant/v2.0", entra=True, oauth_metadata=False, says_issuer=False)]
)
async def test_microsofts_habits(world: World) -> None:
    """No RFC 8414 document, no word of PKCE, no `resource`, nobody registered by request."""
    said = await world.sign_in(
        client_id="sb", client_secret=SECRET, entra=True, scopes=["api://notes/.default"]
    )
    assert said.status_code == 200, said.text
    there = await world.to_the_server(await world.link())
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert "resource" not in asked
    assert asked["scope"] == ["api://notes/.default offline_access"]
    done = await world.back(world.issuer.authorise(there.headers["location"]))
    assert done.status_code == 200
    world.clock.move(hours=2)
    assert (await world.token()).status_code == 200
    assert all("resource" not in form for form in world.issuer.seen)


@pytest.mark.proves("GOV-606")
@pytest.mark.parametrize("entra", [True, False])
async def test_on_behalf_of_a_person(world: World, entra: bool) -> None:
    world.issuer.entra = entra
    said = await world.sign_in(kind="on_behalf_of", client_id="sb", client_secret=SECRET, entra=entra)
    assert said.status_code == 200, said.text
    given = await world.token()
    assert given.status_code == 200, given.text
    [form] = world.issuer.seen
    assert form["grant_type"].endswith("jwt-bearer" if entra else "token-exchange")
    assert form.get("requested_token_use") == ("on_behalf_of" if entra else None)
    assert (await world.token(DEV_PEOPLE["tom"].id)).json()["value"] != given.json()["value"]


@pytest.mark.proves("GOV-606")
async def test_the_organisations_own_credential(world: World) -> None:
    await world.sign_in(kind="client_credentials", client_id="sb", client_secret=SECRET)
    given = [(await world.token(who)).json()["value"] for who in (DEV_PEOPLE["tom"].id, None)]
    assert given[0] == given[1]
    assert [form["grant_type"] for form in world.issuer.seen] == ["client_credentials"]


@pytest.mark.proves("GOV-606")
@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://another.example"},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://evil.example;frame-ancestors *;/authorize"},
        {"authorization_endpoint": "https://evil.example;script-src/authorize"},
        {"authorization_endpoint": "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/authorize"},
        {"revocation_endpoint": "http://intranet.example/revoke"},
    ],
    ids=str,
)
async def test_metadata_that_cannot_be_trusted_is_refused(world: World, wrong: dict[str, Any]) -> None:
    world.issuer.overrides = wrong
    told = await world.sign_in(client_id="sb")
    assert told.status_code == 422, told.text
    async with world.ports.database.begin() as session:
        assert (await session.scalars(select(SignInRow))).all() == []


@pytest.mark.proves("GOV-606")
@pytest.mark.parametrize(
    "told",
    ["http://169.254.169.254/latest", "http://127.0.0.1:1/x", "https://evil.example/x", "file:///etc/passwd"],
)
async def test_a_server_cannot_send_us_where_it_likes(world: World, told: str) -> None:
    """Another origin's resource metadata is not even asked for; its own is taken instead."""
    world.server.told = told
    assert (await world.sign_in(client_id="sb")).status_code == 200


@pytest.mark.proves("GOV-606")
@pytest.mark.parametrize(
    "metadata",
    [
        {"resource": "https://another.example/mcp"},
        {"authorization_servers": ["http://169.254.169.254/"]},
        {"authorization_servers": ["http://10.0.0.1/"]},
        {"authorization_servers": []},
    ],
    ids=str,
)
async def test_a_resource_that_says_something_wrong_is_refused(
    world: World, metadata: dict[str, Any]
) -> None:
    world.server.metadata = metadata
    assert (await world.sign_in(client_id="sb")).status_code == 422


@pytest.mark.proves("GOV-606")
async def test_whose_account_lists_tools_where_nobody_in_particular_asks(world: World) -> None:
    """The admin's who set it up, else another admin's; never that of a person who is none."""
    await world.sign_in(client_id="sb", client_secret=SECRET)
    await world.connect()  # Maya, who is no admin
    asked = await world.token(None)
    assert (asked.status_code, asked.json()["code"]) == (409, "connect_account")
    ada, second = DEV_PEOPLE["ada"].id, uuid4()
    await add_person(world.ports.database, second, "second", (), ("OrgAdmin",), ORGANISATION_ID)
    somebody = await world.people.client(second)
    await world.connect(somebody)
    seconds = (await world.token(second)).json()["value"]
    assert (await world.token(None)).json()["value"] == seconds
    await world.connect(world.people.ada)
    assert (await world.token(None)).json()["value"] == (await world.token(ada)).json()["value"]
    await change_person(world, ada, disabled_at=world.clock.now())
    assert (await world.token(None)).json()["value"] == seconds
    await change_person(world, second, roles=["User"])
    gone = await world.token(None)
    assert (gone.status_code, gone.json()["code"], gone.json()["url"]) == (409, "connect_account", "")


async def change_person(world: World, user_id: UUID, **values: Any) -> None:
    async with world.ports.database.begin() as session:
        await session.execute(update(UserRow).where(UserRow.id == user_id).values(**values))


@pytest.mark.proves("GOV-606")
async def test_what_nobody_can_use_any_more_is_tidied(world: World) -> None:
    await world.sign_in(client_id="sb", client_secret=SECRET)
    await world.connect()
    async with world.ports.database.begin() as session:
        await session.execute(update(AttemptRow).values(expires_at=world.clock.now() - timedelta(minutes=1)))
    still = await world.link()
    await Work(world.ports).run("platform.tidy", {})
    async with world.ports.database.begin() as session:
        [left] = (await session.scalars(select(AttemptRow))).all()
    assert still.endswith(str(left.id))
