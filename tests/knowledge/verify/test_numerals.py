"""The same measure in two writings is one; another measure never is."""

import pytest

from knowledge.verify import Quantity, meaning_of, verify, words_of
from tests.knowledge.verify.handbook import source


def quantities(text: str) -> list[tuple[str, str | None, str | None]]:
    found: tuple[Quantity, ...] = meaning_of(words_of(text)).quantities
    return [(each.value, each.unit, each.bound) for each in found]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("within two weeks", "within 14 days"),
        ("within a day", "within 24 hours"),
        ("after half a year", "after 6 months"),
        ("for a quarter of an hour", "for 15 minutes"),
        ("at least four fifths of it", "at least 80 % of it"),
        ("it costs $2.5 million", "it costs $2,500,000"),
        ("until 5 p.m. sharp", "until 17:00 sharp"),
        ("from noon", "from 12:00"),
        ("at 05:40", "at 5:40"),
        ("on the 30th of June", "on 30 June"),
        ("on June 30th", "on June 30"),
        ("twenty-five beds", "25 beds"),
        ("in a fortnight", "in 14 days"),
        ("it can not be longer than four years", "at most 4 years"),
        ("as long as five minutes", "up to 5 minutes"),
    ],
)
def test_two_writings_of_one_measure_are_the_same(one: str, other: str) -> None:
    assert quantities(one) == quantities(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("within 5 business days", "within a week"),
        ("within a month", "within a year"),
        ("at 5 a.m.", "at 5 p.m."),
        ("no later than 3 days before it", "at most 3 days before it"),
        ("the 10th floor", "10 floors"),
        ("less than 4 years", "more than 4 years"),
    ],
)
def test_two_measures_are_never_one(one: str, other: str) -> None:
    assert quantities(one) != quantities(other)


def test_three_times_a_day_is_no_duration() -> None:
    assert quantities("three times a day") == [("3", "time", None)]


def test_names_that_begin_with_a_digit_are_no_numbers() -> None:
    assert quantities("18F needs 2FA for 5 GB") == [("5", "gb", None)]


def test_a_measure_in_another_writing_is_supported() -> None:
    page = source("The form must reach us within 14 days. Passports go to the police after 7 days.")
    assert verify("The form must reach us within two weeks.", [page]).supported
    assert not verify("The form must reach us within three weeks.", [page]).supported


@pytest.mark.proves("VERIFY-001")
@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("Staff take .25 days.", "Staff take 25 days."),
        ("Staff take 5 mg.", "Staff take .5 mg."),
        ("It fell by -.5 points.", "It fell by .5 points."),
        ("Store it at 18 degrees.", "Store it at -18 degrees."),
        ("Store it at -18 degrees.", "Store it at 18 degrees."),
        ("The freezer is at 18 °C.", "The freezer is at –18 °C."),
        ("The balance may go down to 500 euros.", "The balance may go down to −500 euros."),
        ("The balance may go down to $500.", "The balance may go down to -$500."),
        ("The code of the door is 007.", "The code of the door is 7."),
        ("The PIN is 0042 for the door.", "The PIN is 42 for the door."),
        (f"The account is number {'1234567890' * 3}1.", f"The account is number {'1234567890' * 3}2."),
    ],
)
def test_numbers_that_only_look_alike_are_others(claim: str, text: str) -> None:
    assert not verify(claim, [source(text)]).supported
    assert verify(text, [source(text)]).supported


@pytest.mark.parametrize(
    "text",
    [
        "Staff take 8-15 days.",
        "The rate is 5%-10% a year.",
        "It costs $5-$10.",
        "Open 9 am –5 pm on Mondays.",
    ],
)
def test_the_end_of_a_range_is_not_below_zero(text: str) -> None:
    assert not any(value.startswith("-") for value, _, _ in quantities(text))
