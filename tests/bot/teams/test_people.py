"""Who is one of us in Teams, as the connector's members say."""

from typing import Any

import pytest

from bot.teams.happened import Who
from bot.teams.people import person_of

WHO = Who("tenant-1", "user-1", "29:x", "Maya")
MEMBER: dict[str, Any] = {
    "id": "29:x",
    "name": "Maya",
    "aadObjectId": "user-1",
    "tenantId": "tenant-1",
    "email": "maya@example.com",
    "userPrincipalName": "maya@example.com",
    "userRole": "user",
}


@pytest.mark.proves("TEAMS-107")
def test_a_member_of_the_tenant_is_ours_with_their_address() -> None:
    person = person_of(MEMBER, WHO)
    assert (person.standing, person.email) == ("ours", "maya@example.com")


@pytest.mark.proves("TEAMS-107")
@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"tenantId": "tenant-2"}, "stranger"),
        ({"aadObjectId": "user-2"}, "stranger"),
        ({"aadObjectId": ""}, "stranger"),
        ({"userRole": "guest"}, "guest"),
        ({"userRole": "anonymous"}, "guest"),
        ({"userPrincipalName": "eve_evil.example#EXT#@acme.onmicrosoft.com"}, "guest"),
    ],
)
def test_others_are_not_ours_and_link_nothing(changes: dict[str, Any], standing: str) -> None:
    person = person_of({**MEMBER, **changes}, WHO)
    assert (person.standing, person.email) == (standing, None)


@pytest.mark.proves("TEAMS-107")
def test_without_its_tenant_an_address_links_nothing() -> None:
    assert person_of({**MEMBER, "tenantId": ""}, WHO).email is None
