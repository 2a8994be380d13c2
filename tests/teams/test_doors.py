"""POST /api/messages: bad tokens are refused with 401, strange services never hear from us (SPEC 6)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest
from switchboard_sdk import Switchboard

from bot.teams.app import build
from bot.teams.calls import Hosts
from bot.teams.quirks import LOOKS, LOOKS_S, Keys
from bot.teams.sending import NotAllowed
from bot.teams.serving import web
from bot.teams.settings import SERVICE_HOSTS, TeamsSettings
from tests.bot.small_platform import SmallPlatform
from tests.bot.small_platform import running as small_platform
from tests.teams.office import OneToken, settings_of
from tests.teams.simulator import Person, Teams


class Door:
    """The bot behind its HTTP door, with a little platform behind it."""

    def __init__(self, teams: Teams, platform: SmallPlatform, settings: TeamsSettings) -> None:
        self.teams, self.platform, self.settings = teams, platform, settings
        self.maya = Person("maya", email="maya@example.com")
        self.chat = teams.chat("personal", self.maya)
        self.idle: Callable[[], Any] = lambda: None
        self.client: Any = None

    async def knock(self, token: str | None = None, **changes: Any) -> httpx.Response:
        said = self.teams.said(self.maya, self.chat, "How many days?")
        return await self.teams.post({**said.activity, **changes}, token)


@pytest.fixture
async def door(teams: Teams) -> AsyncIterator[Door]:
    async with small_platform() as platform:
        settings = settings_of(teams, platform.url, "key")
        async with Switchboard(platform.url, "key") as switchboard:
            bot = build(settings, switchboard, tokens=OneToken(), clock=teams.now)
            transport = httpx.ASGITransport(web(bot))
            async with bot.running(), httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
                teams.listens(client)
                opened = Door(teams, platform, settings)
                opened.idle, opened.client = bot.idle, client
                yield opened


def unsigned(door: Door) -> str:
    claims = jwt.decode(door.teams.issuer.token(door.teams.service_url), options={"verify_signature": False})
    return jwt.encode(claims, "", "none", {"kid": door.teams.issuer.kid})


def confused(door: Door) -> str:
    """HS256, "signed" with the public key."""
    issuer = door.teams.issuer
    claims = jwt.decode(issuer.token(door.teams.service_url), options={"verify_signature": False})

    def packed(part: bytes) -> bytes:
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    head = packed(json.dumps({"alg": "HS256", "typ": "JWT", "kid": issuer.kid}).encode())
    whole = head + b"." + packed(json.dumps(claims).encode())
    signature = hmac.new(issuer.public_pem, whole, hashlib.sha256).digest()
    return (whole + b"." + packed(signature)).decode()


def forged(door: Door) -> str:
    token = door.teams.issuer.token(door.teams.service_url)
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-8]}{'A' * 8}"


def token(**claims: Any) -> Callable[[Door], str]:
    return lambda door: door.teams.issuer.token(door.teams.service_url, **claims)


def unknown_key(door: Door) -> str:
    claims = jwt.decode(door.teams.issuer.token(door.teams.service_url), options={"verify_signature": False})
    private = door.teams.issuer.private
    return jwt.encode(claims, private, "RS256", {"kid": "nobody's"})


def no_key(door: Door) -> str:
    claims = jwt.decode(door.teams.issuer.token(door.teams.service_url), options={"verify_signature": False})
    return jwt.encode(claims, door.teams.issuer.private, "RS256")


NOW = int(time.time())
BAD: dict[str, Callable[[Door], str]] = {
    "missing": lambda _: "",
    "garbage": lambda _: "garbage",
    "three pieces of garbage": lambda _: "a.b.c",
    "expired": token(exp=NOW - 3600, nbf=NOW - 7200),
    "not yet valid": token(nbf=NOW + 3600, exp=NOW + 7200),
    "for another bot": token(aud="99999999-2222-4333-8444-555555555555"),
    "from another issuer": token(iss="https://login.evil.example"),
    "bad signature": forged,
    "alg none": unsigned,
    "HS256 with the public key": confused,
    "unknown key": unknown_key,
    "no key named": no_key,
    "for another service": token(serviceurl="https://smba.evil.example/"),
    "for no service": token(serviceurl=""),
    "of the emulator's issuer": token(
        iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", ver="1.0"
    ),
}


@pytest.mark.proves("TEAMS-104")
@pytest.mark.parametrize("kind", list(BAD))
async def test_a_bad_token_is_refused_with_401(door: Door, kind: str) -> None:
    response = await door.knock(BAD[kind](door))
    assert response.status_code == 401, kind
    await door.idle()
    assert not door.platform.asked
    assert not door.teams.calls


@pytest.mark.proves("TEAMS-104")
@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "bearer-token abc", "Bearer a b"])
async def test_what_is_no_bearer_token_is_refused(door: Door, header: str) -> None:
    said = door.teams.said(door.maya, door.chat, "How many days?")
    response = await door.client.post("/api/messages", json=said.activity, headers={"Authorization": header})
    assert response.status_code == 401


async def test_a_good_token_is_taken(door: Door) -> None:
    assert (await door.knock()).status_code == 201
    await door.idle()
    assert len(door.platform.asked) == 1


@pytest.mark.proves("TEAMS-104")
async def test_a_new_key_is_known_at_once(door: Door) -> None:
    assert (await door.knock()).status_code == 201
    door.teams.issuer.rotate()
    assert (await door.knock()).status_code == 201


@pytest.mark.proves("TEAMS-104")
async def test_unknown_keys_do_not_make_us_ask_the_issuer_for_ever(teams: Teams) -> None:
    now = [0.0]
    keys = Keys(teams.issuer.metadata_url, lambda: now[0])
    for _ in range(20):
        with pytest.raises(NotAllowed):
            await keys.get("nobody's")
    assert teams.issuer.fetched == LOOKS
    assert (await keys.get(teams.issuer.kid)).endorsements == ["msteams"]
    teams.issuer.rotate()
    with pytest.raises(NotAllowed):
        await keys.get(teams.issuer.kid)
    now[0] = LOOKS_S + 1
    await keys.get(teams.issuer.kid)


async def test_an_issuer_that_is_away_is_no_refusal(door: Door) -> None:
    door.teams.issuer.away = True
    assert (await door.knock()).status_code == 503
    door.teams.issuer.away = False
    assert (await door.knock()).status_code == 201


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"text"'])
async def test_what_is_no_activity_is_refused(door: Door, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {door.teams.issuer.token(door.teams.service_url)}"}
    assert (await door.client.post("/api/messages", content=body, headers=headers)).status_code in (400, 401)


async def test_a_body_of_more_than_a_megabyte_is_refused(door: Door) -> None:
    headers = {"Authorization": "Bearer x"}
    response = await door.client.post("/api/messages", content=b"x" * 1_000_001, headers=headers)
    assert response.status_code == 413


@pytest.mark.proves("TEAMS-105")
@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "yesterday"},
        {"entities": "all"},
        {"attachments": 5},
        {"from": "me"},
        {"conversation": []},
        {"type": {}},
        {"serviceUrl": 5},
        {"channelId": ["msteams"]},
        {"entities": [{"type": "mention"}] * 9_000},
    ],
)
async def test_what_nobody_signed_is_refused_before_it_is_read(door: Door, change: dict[str, Any]) -> None:
    assert (await door.knock("no.token.atall", **change)).status_code == 401
    signed = await door.knock(**change)
    assert signed.status_code in (201, 401), "whoever signed it, nothing of it is an error of ours"


@pytest.mark.proves("TEAMS-105")
async def test_a_signed_activity_of_a_strange_service_gets_nothing(door: Door) -> None:
    """Also with a signature that is right: no token of ours goes to a host that is not Microsoft's."""
    strange = f"{door.teams.origin.replace('127.0.0.1', 'localhost')}/teams/"
    token = door.teams.issuer.token(strange)
    assert (await door.knock(token, serviceUrl=strange)).status_code == 201
    await door.idle()
    assert not door.teams.calls
    assert not door.platform.asked


@pytest.mark.proves("TEAMS-105")
@pytest.mark.parametrize(
    "url",
    [
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://evil.example/smba.trafficmanager.net",
        "https://user@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net:8443/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://[::1/",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_microsofts_own_hosts_are_services(url: str) -> None:
    assert not Hosts(list(SERVICE_HOSTS)).allow(url)


def test_the_services_of_all_clouds_are_taken() -> None:
    hosts = Hosts(list(SERVICE_HOSTS))
    assert hosts.allow("https://smba.trafficmanager.net/emea/")
    assert hosts.allow("https://smba.infra.gov.teams.microsoft.us/gov/")


@pytest.mark.proves("TEAMS-102")
async def test_an_activity_that_is_replayed_is_answered_once(door: Door) -> None:
    said = door.teams.said(door.maya, door.chat, "How many days?")
    for _ in range(3):
        assert await door.teams.deliver(said.activity) == 201
        await door.idle()
    assert len(door.platform.asked) == 1
    assert len(door.teams.answers(said)) == 1
