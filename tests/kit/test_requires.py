"""What tools require: resolved all the way, with the reason in words."""

import pytest

from kit.requires import MOST, resolved


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


@pytest.mark.proves("SEC-103")
@pytest.mark.parametrize("last", [[], ["t0"]], ids=["chain", "ring"])
def test_what_requires_thousands_is_offered_to_nobody_and_followed_no_further(last: list[str]) -> None:
    many = {f"t{at}": [f"t{at + 1}"] for at in range(5_000)} | {"t5000": last}

    found = resolved(many)

    assert found["t0"].problem == "It requires more than 100 tools in all."
    assert max(len(need.all) for need in found.values()) <= MOST + 1


def test_a_hundred_tools_may_be_required() -> None:
    found = resolved({f"t{at}": [f"t{at + 1}"] for at in range(MOST)} | {f"t{MOST}": []})
    assert (len(found["t0"].all), found["t0"].problem) == (MOST, None)
