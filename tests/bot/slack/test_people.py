"""Who is one of the company, and whose address counts (SPEC 6)."""

from typing import Any

import pytest

from bot.slack.happened import place_of
from bot.slack.people import Person, person_of

OURS: dict[str, Any] = {
    "id": "U1",
    "team_id": "T1",
    "is_email_confirmed": True,
    "profile": {"real_name": "Maya Chen", "email": "maya@example.com"},
}


def test_a_member_is_ours_with_a_confirmed_address() -> None:
    assert person_of(OURS, "T1", "T1") == Person("ours", "Maya Chen", "maya@example.com")


@pytest.mark.parametrize(
    "changes", [{"is_email_confirmed": False}, {"is_restricted": True}, {"is_ultra_restricted": True}]
)
def test_an_address_that_nobody_confirmed_or_of_a_guest_links_nobody(changes: dict[str, Any]) -> None:
    found = person_of(OURS | changes, "T1", "T1")
    assert (found.standing, found.email) == ("ours", None)


@pytest.mark.parametrize("changes", [{"is_stranger": True}, {"team_id": "T2"}, {"deleted": True}])
def test_people_of_other_companies_and_those_who_left_are_strangers(changes: dict[str, Any]) -> None:
    assert person_of(OURS | changes, "T1", "T1").standing == "stranger"


def test_in_a_grid_people_of_all_its_workspaces_are_ours() -> None:
    user = OURS | {"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}
    assert person_of(user, "T1", "E1").standing == "ours"
    assert person_of(user, "T1", "E2").standing == "stranger"


def test_bots_are_no_people() -> None:
    assert person_of(OURS | {"is_bot": True}, "T1", "T1").standing == "bot"


def test_what_was_asked_for_one_pair_of_eyes_has_no_place_where_others_read() -> None:
    public = place_of("slack:T1/C1/1764057601.000200")
    assert public is not None
    assert (public.channel, public.thread) == ("C1", "1764057601.000200")
    assert place_of("slack:T1/C1/1764057601.000200/private") is None
    assert place_of("slack:T1/C1/commands") is None
