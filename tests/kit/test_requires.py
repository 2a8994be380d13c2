"""What tools require: resolved all the way, with the reason in words."""

import pytest

from kit.requires import resolved


@pytest.mark.proves("GOV-203")
def test_everything_that_a_tool_requires_is_found_all_the_way() -> None:
    found = resolved({"book": ["slots", "mail"], "slots": ["calendar"], "calendar": [], "mail": []})

    assert found["book"].all == {"slots", "mail", "calendar"}
    assert found["book"].problem is None
    assert found["calendar"].all == frozenset()


@pytest.mark.proves("GOV-203")
def test_what_is_missing_is_named() -> None:
    found = resolved({"book": ["slots"], "slots": ["calendar"]})

    assert found["book"].problem == "It requires 'calendar', which is not registered."
    assert found["slots"].problem == found["book"].problem


@pytest.mark.proves("GOV-203")
@pytest.mark.parametrize(
    ("requires", "stuck"),
    [
        ({"a": ["a"]}, {"a"}),
        ({"a": ["b"], "b": ["a"]}, {"a", "b"}),
        ({"a": ["b"], "b": ["c"], "c": ["b"], "d": []}, {"a", "b", "c"}),
    ],
    ids=["itself", "two", "one that leads into a circle"],
)
def test_of_a_circle_none_is_offered_nor_what_leads_into_it(
    requires: dict[str, list[str]], stuck: set[str]
) -> None:
    found = resolved(requires)

    assert {name for name, need in found.items() if need.problem is not None} == stuck
    assert all("circle" in str(found[name].problem) for name in stuck)
