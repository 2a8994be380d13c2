"""Short messages that go on from a wish to book, and those that only look so."""

import pytest

from platform_api.llm.extractive import decide

WISH = ("user", "book a meeting with Dana next Tuesday about ACE")
BOOKED = ("assistant", "Your meeting with Dana is booked: Tue 1 Dec, 14:00.")


def told(message: str, *said: tuple[str, str]) -> tuple[str, dict[str, object]] | None:
    wish = decide(message, [text for role, text in said if role == "user"], said).wish
    return (wish.tool, dict(wish.said)) if wish else None


@pytest.mark.proves("WISH-102")
def test_before_it_is_booked_what_is_new_takes_the_place_of_what_was_said() -> None:
    assert told("yes, Wednesday instead", WISH) == (
        "meetings.book",
        {"topic": "ACE", "with": "Dana", "window": "Wednesday"},
    )
    assert told("make it 45 minutes", ("user", "book a call with Sam")) == (
        "meetings.book",
        {"with": "Sam", "duration_min": 45},
    )


@pytest.mark.proves("WISH-102")
def test_once_it_is_booked_another_time_moves_it() -> None:
    assert told("can we make it Thursday afternoon instead?", WISH, BOOKED) == (
        "meetings.reschedule",
        {"which": "with Dana", "window": "Thursday afternoon"},
    )
    assert told("cancel it please", WISH, BOOKED) == ("meetings.cancel", {"which": "with Dana"})


@pytest.mark.parametrize(
    "message",
    ["how much leave do I get?", "is the office open on Friday?", "thanks", "and contractors?"],
)
def test_what_says_something_else_stands_alone(message: str) -> None:
    assert told(message, WISH, BOOKED) is None


@pytest.mark.parametrize("message", ["cancel it", "Tuesday instead", "and on Friday?", "make it an hour"])
def test_without_a_wish_before_it_nothing_is_booked(message: str) -> None:
    assert told(message) is None
    assert told(message, ("user", "how much leave do I get?")) is None
