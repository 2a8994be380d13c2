from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.keys import AccessKeys
from access.principal import PERMISSIONS, Principal, TurnLimits, permissions_of
from kit.errors import Forbidden

org = uuid4()


@pytest.mark.proves("ACCESS-001")
def test_no_keys_at_all_is_refused_so_a_search_without_a_filter_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="do not search"):
        AccessKeys([])


@pytest.mark.parametrize("key", ["", "x:1", "o:", "everyone", ":1"])
def test_something_that_is_no_access_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not an access key"):
        AccessKeys([key])


@pytest.mark.proves("ACCESS-001")
def test_a_document_with_no_key_is_nobodys() -> None:
    assert not Principal(org, uuid4()).access_keys.opens([])


def test_a_principal_holds_the_keys_of_everyone_of_themselves_and_of_their_groups() -> None:
    person = Principal(org, uuid4(), groups=frozenset({"finance"}))
    assert set(person.access_keys) == {f"o:{org}", f"u:{person.id}", f"g:{org}/finance"}


@pytest.mark.proves("ACCESS-003")
def test_in_a_shared_place_only_what_everyone_may_see_is_used() -> None:
    person = Principal(org, uuid4(), groups=frozenset({"finance"}))
    shared = person.limited(TurnLimits(audience="everyone_here"))
    assert set(shared.access_keys) == {f"o:{org}"}


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_groups_of_the_same_name_in_two_organisations_share_nothing(first: str, second: str) -> None:
    one = Principal(uuid4(), uuid4(), groups=frozenset({first}))
    other = Principal(uuid4(), uuid4(), groups=frozenset({first, second}))
    assert not one.access_keys.opens(other.access_keys)


def test_roles_allow_what_the_specification_says_and_unknown_ones_nothing() -> None:
    assert permissions_of(["OrgAdmin"]) == PERMISSIONS
    assert permissions_of(["ReadOnly"]) == {"query_kb"}
    assert permissions_of(["Wizard"]) == frozenset()
    assert "manage_dept_kb" not in permissions_of(["User", "TeamLead"])


def test_a_missing_permission_is_named_in_the_next_step() -> None:
    with pytest.raises(Forbidden) as refused:
        Principal(org, uuid4()).require("upload_docs")
    assert "upload_docs" in refused.value.hint
