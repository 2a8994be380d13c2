"""What a person agreed to for a whole conversation: seen and taken back (SPEC 5, 9)."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from access.jwks import TrustedKeys
from access.services import PLATFORM
from access.tokens import Verifier
from kit.clock import SystemClock
from kit.wire.interactions import RememberedApproval
from platform_api.identity.dev_people import DEV_PEOPLE
from ports.db import Database
from tests.platform_api.people import People
from tests.platform_api.toolbox.listing import ListingGateway
from tests.platform_api.toolbox.test_governance import audited

MINE = "/api/v1/me/approvals"
NOW = datetime.now(UTC)
KEPT = RememberedApproval(
    id="a" * 64, tool="notes.add", server="notes", remembered_at=NOW, expires_at=NOW + timedelta(hours=8)
)


@pytest.fixture(autouse=True)
def _remembered(listing: ListingGateway) -> None:
    listing.remembered[str(DEV_PEOPLE["maya"].id)] = [KEPT]


@pytest.mark.proves("GOV-515")
async def test_a_person_sees_and_withdraws_their_own_and_nobody_elses(
    people: People, listing: ListingGateway, database: Database
) -> None:
    [shown] = (await people.maya.get(MINE)).json()["items"]
    assert (shown["tool"], shown["id"]) == ("notes.add", KEPT.id)
    for other in (people.tom, people.ada):
        assert (await other.get(MINE)).json()["items"] == []
        assert (await other.delete(f"{MINE}/{KEPT.id}")).status_code == 404
    assert (await people.maya.delete(f"{MINE}/{KEPT.id}")).status_code == 204
    assert (await people.maya.delete(f"{MINE}/{KEPT.id}")).status_code == 404
    assert (await people.maya.get(MINE)).json()["items"] == []
    assert await audited(database, "approval.forgotten") == [{"approval": KEPT.id}]


@pytest.mark.proves("GOV-515")
async def test_the_gateway_is_asked_with_the_platforms_own_token(
    people: People, listing: ListingGateway
) -> None:
    await people.maya.get(MINE)
    trusted = TrustedKeys()
    trusted.replace("platform", people.ports.signing_key.jwks())
    scheme, _, token = listing.headers[-1]["Authorization"].partition(" ")
    assert scheme == "Bearer"
    assert Verifier(trusted.find, "gateway", SystemClock()).verify(token).principal == PLATFORM


async def test_nobody_else_is_answered(anyone: AsyncClient) -> None:
    assert (await anyone.get(MINE)).status_code == 401
    assert (await anyone.delete(f"{MINE}/{KEPT.id}")).status_code == 401
