"""Single sign-on: whose token counts, and whose address the platform hears."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from switchboard_sdk import Switchboard

from bot.teams.desk import Desk
from bot.teams.happened import Where, Who
from bot.teams.kept import Kept
from bot.teams.opening import Opening
from bot.teams.settings import TeamsSettings
from bot.teams.signing_in import CONNECTION, SigningIn, oauth_card
from kit.wire.channels import LinkState
from tests.loopback import listening
from tests.scripted_platform import Answer, ScriptedPlatform, running

TENANT, APP = "11111111-2222-4333-8444-555555555555", "7f0a5c1e-0000-4000-8000-000000000001"
RESOURCE = f"api://bot.example.com/botid-{APP}"
MAYA = Who(TENANT, "maya-object", "29:maya", "Maya Lind")
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


@dataclass
class Entra:
    platform: ScriptedPlatform
    signing_in: SigningIn
    login_url: str
    asked: list[str]

    def token(self, key: rsa.RSAPrivateKey = KEY, kid: str = "k1", **over: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": f"{self.login_url}/{TENANT}/v2.0",
            "aud": APP,
            "tid": TENANT,
            "oid": MAYA.user,
            "exp": now + 600,
            "nbf": now - 10,
            "name": "Maya Lind",
            "preferred_username": "maya@example.com",
        }
        given = {name: value for name, value in {**claims, **over}.items() if value is not None}
        return jwt.encode(given, key, algorithm="RS256", headers={"kid": kid})

    async def exchanged(self, token: str, who: Who = MAYA) -> int:
        status, _ = await self.signing_in.exchanged(
            who, {"id": "1", "token": token, "connectionName": CONNECTION}
        )
        return status

    def addresses(self) -> list[str | None]:
        """What the platform has heard."""
        return [
            json.loads(seen.body).get("email") for seen in self.platform.requests("POST", "/api/v1/links")
        ]


@pytest.fixture
async def entra() -> AsyncIterator[Entra]:
    asked: list[str] = []

    async def keys(request: web.Request) -> web.Response:
        asked.append(request.path)
        public = json.loads(RSAAlgorithm.to_jwk(KEY.public_key()))
        return web.json_response({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]})

    app = web.Application()
    app.router.add_get("/{tenant}/discovery/v2.0/keys", keys)
    async with listening(app) as login_url, running() as platform:
        platform.on("POST", "/api/v1/links", linked(True))
        settings = TeamsSettings(app_id=APP, tenant=TENANT, sso_resource=RESOURCE, login_url=login_url)
        async with Switchboard(platform.url, "key") as switchboard:
            yield Entra(platform, SigningIn(switchboard, settings), login_url, asked)


def linked(yes: bool) -> Answer:
    return Answer({"identity": MAYA.identity, "linked": yes, "user_name": "Maya" if yes else None})


@pytest.mark.proves("TEAMS-212")
async def test_a_persons_own_token_links_them_by_their_sign_in_name(entra: Entra) -> None:
    assert await entra.exchanged(entra.token()) == 200
    assert await entra.exchanged(entra.token(aud=RESOURCE)) == 200
    assert entra.addresses() == ["maya@example.com", "maya@example.com"]
    assert len(entra.asked) == 1


@pytest.mark.proves("TEAMS-212")
async def test_no_other_token_counts(entra: Entra) -> None:
    now = int(time.time())
    forged = {
        "another key": entra.token(OTHER_KEY),
        "an unknown key": entra.token(kid="k2"),
        "another audience": entra.token(aud="00000003-0000-0000-c000-000000000000"),
        "another issuer": entra.token(iss="https://evil.example/v2.0"),
        "another tenant's issuer": entra.token(iss=f"{entra.login_url}/other/v2.0"),
        "another tenant": entra.token(tid="other"),
        "another person": entra.token(oid="tom-object"),
        "no person": entra.token(oid=None),
        "no end": entra.token(exp=None),
        "expired": entra.token(exp=now - 3600),
        "not yet": entra.token(nbf=now + 3600),
        "no token": "",
        "garbage": "a.b.c",
        "unsigned": jwt.encode({"oid": MAYA.user, "tid": TENANT, "aud": APP}, "", algorithm="none"),
        "signed with the public key": jwt.encode(
            {"oid": MAYA.user, "tid": TENANT, "aud": APP}, "x" * 32, algorithm="HS256", headers={"kid": "k1"}
        ),
    }
    accepted = {why for why, token in forged.items() if await entra.exchanged(token) != 412}
    assert accepted == set()
    assert entra.addresses() == []


@pytest.mark.proves("TEAMS-212")
async def test_a_tenant_that_is_not_served_is_not_asked(entra: Entra) -> None:
    assert await entra.exchanged(entra.token(), Who("other", MAYA.user)) == 412
    assert entra.asked == []


@pytest.mark.proves("TEAMS-212")
@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": "tom_gmail.com#EXT#@acme.example"},
        {"acct": 1},
        {"idp": "https://sts.windows.net/somebody/"},
        {"preferred_username": None, "email": "admin@example.com"},
    ],
)
async def test_a_guests_address_is_not_passed_on(entra: Entra, claims: dict[str, Any]) -> None:
    entra.platform.on("POST", "/api/v1/links", linked(False))
    assert await entra.exchanged(entra.token(**claims)) == 412
    assert entra.addresses() == [None]


@pytest.mark.proves("TEAMS-212")
async def test_whom_the_platform_does_not_link_teams_shows_the_sign_in(entra: Entra) -> None:
    entra.platform.on("POST", "/api/v1/links", linked(False))
    status, body = await entra.signing_in.exchanged(MAYA, {"id": "7", "token": entra.token()})
    assert (status, (body or {})["id"]) == (412, "7")
    assert (await entra.signing_in.verified(MAYA))[0] == 412
    entra.platform.on("POST", "/api/v1/links", linked(True))
    assert (await entra.signing_in.verified(MAYA))[0] == 200


def test_the_card_that_asks_for_a_token_names_our_resource() -> None:
    settings = TeamsSettings(app_id=APP, sso_resource=RESOURCE)
    card = oauth_card(settings, "Sign in", "https://sb.example")
    assert card is not None
    assert card["content"]["tokenExchangeResource"]["uri"] == RESOURCE
    assert oauth_card(TeamsSettings(app_id=APP), "Sign in", "https://sb.example") is None


@pytest.mark.proves("TEAMS-212")
@pytest.mark.parametrize(
    ("resource", "is_linked", "cards"), [(RESOURCE, False, 2), ("", False, 1), (RESOURCE, True, 1)]
)
async def test_whoever_wants_to_link_is_offered_the_sign_in_where_it_is_set_up(
    resource: str, is_linked: bool, cards: int
) -> None:
    async def link(where: Where, who: Who) -> LinkState:
        return LinkState(
            identity=who.identity, linked=is_linked, code=None if is_linked else "WXYZ-2345-KLMN"
        )

    desk = SimpleNamespace(
        people=SimpleNamespace(link=link), switchboard=SimpleNamespace(base_url="https://sb.example")
    )
    opening = Opening(cast(Desk, desk), TeamsSettings(app_id=APP, sso_resource=resource))
    where = Where("https://smba.example/", "a:1", "personal", TENANT, "28:bot", activity="1")
    shown = await opening.instead(Kept("ask", MAYA, where, text="link")) or ()
    assert len(shown) == cards
    kinds = [one["attachments"][0]["contentType"] for one in shown]
    assert kinds[1:] == ["application/vnd.microsoft.card.oauth"] * (cards - 1)
