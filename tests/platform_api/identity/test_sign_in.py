"""Who may come in, and as whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import update

from access.principal import Principal
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from platform_api.app import PlatformPorts, WrongShape, build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.identity.models import ApiKeyRow
from platform_api.identity.settings import IdentitySettings
from tests.platform_api.people import People


async def test_a_dev_person_signs_in_and_is_known(people: People, anyone: AsyncClient) -> None:
    signed_in = (await anyone.post("/auth/dev", json={"person": "maya"})).json()

    me = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {signed_in['access_token']}"})

    assert signed_in["expires_in"] == 1800
    assert me.json()["email"] == "maya@example.com"
    assert me.json()["groups"] == ["operations"]
    assert me.json()["permissions"] == ["query_kb", "upload_docs", "use_agent"]


async def test_an_unknown_dev_person_is_told_who_there_is(people: People, anyone: AsyncClient) -> None:
    answer = await anyone.post("/auth/dev", json={"person": "mallory"})
    assert answer.status_code == 404
    assert "maya, tom or ada" in answer.json()["hint"]


@pytest.mark.proves("IDENTITY-001")
def test_dev_sign_in_refuses_to_start_outside_the_all_in_one(ports: PlatformPorts) -> None:
    with pytest.raises(WrongShape, match="switchboard up"):
        build_app(replace(ports, shape="separate"))


async def test_without_dev_sign_in_there_is_no_such_route(ports: PlatformPorts) -> None:
    off = IdentitySettings(dev_sign_in=False)
    app = build_app(replace(ports, shape="separate", identity_settings=off))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        assert (await client.post("/auth/dev", json={"person": "maya"})).status_code == 404


@pytest.mark.parametrize(
    "credential",
    ["", "Bearer", "Bearer nonsense", "Basic bWF5YTptYXlh", "Bearer sb_x_y", f"Bearer sb_{'0' * 32}_secret"],
)
async def test_a_bad_credential_is_refused_and_nothing_is_explained(
    people: People, anyone: AsyncClient, credential: str
) -> None:
    answer = await anyone.get("/api/v1/me", headers={"Authorization": credential})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


async def test_a_token_signed_by_somebody_else_is_refused(people: People, anyone: AsyncClient) -> None:
    forged = Minter(SigningKey.generate(), "platform", SystemClock()).mint(_maya(), "platform")
    answer = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401


async def test_the_gateways_own_token_is_nobody_to_the_public_api(
    people: People, anyone: AsyncClient
) -> None:
    key = SigningKey.generate()
    people.ports.trusted.replace("gateway", key.jwks())
    token = Minter(key, "gateway", SystemClock()).mint(_maya(), "platform")
    answer = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_token_for_the_gateway_does_not_open_the_platform(
    people: People, anyone: AsyncClient
) -> None:
    token = people.ports.minter.mint(_maya(), "gateway")
    answer = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def _maya() -> Principal:
    return Principal(organisation_id=ORGANISATION_ID, id=DEV_PEOPLE["maya"].id)


async def test_an_api_key_acts_as_its_owner_and_is_shown_once(people: People, anyone: AsyncClient) -> None:
    created = await people.maya.post("/api/v1/api-keys", json={"name": "laptop"})
    key = created.json()["key"]

    me = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    listed = (await people.maya.get("/api/v1/api-keys")).json()["items"]

    assert created.status_code == 201
    assert me.json()["name"] == "Maya"
    assert [item["name"] for item in listed] == ["laptop"]
    assert key not in str(listed)


@pytest.mark.proves("IDENTITY-002")
async def test_a_key_can_never_carry_more_than_its_owner(people: People, anyone: AsyncClient) -> None:
    refused = await people.maya.post("/api/v1/api-keys", json={"name": "x", "scopes": ["manage_org_kb"]})
    narrow = await people.ada.post("/api/v1/api-keys", json={"name": "y", "scopes": ["query_kb"]})
    as_key = {"Authorization": f"Bearer {narrow.json()['key']}"}
    widened = await anyone.post(
        "/api/v1/api-keys", json={"name": "z", "scopes": ["upload_docs"]}, headers=as_key
    )

    assert refused.status_code == 403
    assert (await anyone.get("/api/v1/me", headers=as_key)).json()["permissions"] == ["query_kb"]
    assert widened.status_code == 403


@pytest.mark.proves("IDENTITY-004")
async def test_a_key_that_makes_a_key_does_not_live_on_in_it(people: People, anyone: AsyncClient) -> None:
    first = (await people.maya.post("/api/v1/api-keys", json={"name": "a", "expires_in_days": 1})).json()
    second = await anyone.post(
        "/api/v1/api-keys",
        json={"name": "b", "expires_in_days": 365},
        headers={"Authorization": f"Bearer {first['key']}"},
    )
    assert second.status_code == 201
    assert second.json()["expires_at"] == first["expires_at"]


async def test_a_deleted_key_stops_working_at_once(people: People, anyone: AsyncClient) -> None:
    created = (await people.maya.post("/api/v1/api-keys", json={"name": "laptop"})).json()
    as_key = {"Authorization": f"Bearer {created['key']}"}
    assert (await anyone.get("/api/v1/me", headers=as_key)).status_code == 200

    assert (await people.maya.delete(f"/api/v1/api-keys/{created['id']}")).status_code == 204

    assert (await anyone.get("/api/v1/me", headers=as_key)).status_code == 401


async def test_an_expired_key_is_refused(people: People, anyone: AsyncClient) -> None:
    created = (await people.maya.post("/api/v1/api-keys", json={"name": "laptop"})).json()
    async with people.ports.database.begin() as session:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        await session.execute(update(ApiKeyRow).values(expires_at=yesterday))

    answer = await anyone.get("/api/v1/me", headers={"Authorization": f"Bearer {created['key']}"})

    assert answer.status_code == 401


async def test_nobody_deletes_another_persons_key(people: People) -> None:
    created = (await people.maya.post("/api/v1/api-keys", json={"name": "laptop"})).json()
    assert (await people.tom.delete(f"/api/v1/api-keys/{created['id']}")).status_code == 404
    assert len((await people.maya.get("/api/v1/api-keys")).json()["items"]) == 1


async def test_keys_page_by_cursor(people: People) -> None:
    for number in range(5):
        await people.maya.post("/api/v1/api-keys", json={"name": f"key {number}"})

    first = (await people.maya.get("/api/v1/api-keys?limit=3")).json()
    second = (await people.maya.get(f"/api/v1/api-keys?limit=3&cursor={first['next_cursor']}")).json()

    assert [item["name"] for item in first["items"] + second["items"]] == [
        f"key {n}" for n in (4, 3, 2, 1, 0)
    ]
    assert second.get("next_cursor") is None


async def test_the_public_keys_verify_our_tokens(people: People, anyone: AsyncClient) -> None:
    published = (await anyone.get("/.well-known/jwks.json")).json()
    assert published == people.ports.signing_key.jwks()
    assert "d" not in published["keys"][0]
