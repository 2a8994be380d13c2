"""Which texts say the same word for word."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.document import Chunk
from knowledge.index.fingerprint import fingerprint
from tests.knowledge.index.samples import chunk

REST = " Ask the people team in writing at least two weeks before the first day of the leave."


def of(text: str, **changes: str) -> str:
    made: Chunk = chunk(UUID(int=1), text)
    return fingerprint(replace(made, **changes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staff get 25 days of leave.", "staff  get\n**25 days** of leave"),
        ("You can take the leave in May.", "You can take leave in May!"),
        ("- first\n- second", "first\n\nsecond"),
        ("It’s 5 o’clock", "It's 5 o'clock"),
    ],
)
def test_what_differs_only_in_its_looks_is_the_same(one: str, other: str) -> None:
    assert of(one + REST) == of(other + REST)


@pytest.mark.proves("SEARCH-004")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staff get 25 days.", "Staff get 26 days."),
        ("It costs 2.5 in all.", "It costs 25 in all."),
        ("It is -5 degrees.", "It is 5 degrees."),
        ("It costs $5 more.", "It costs €5 more."),
        ("Pay 5 % of it.", "Pay 5 of it."),
        ("Staff can carry days over.", "Staff can't carry days over."),
        ("You may not leave.", "You may leave."),
        ("Ask Mara Lindqvist.", "Ask Mara Lindgren."),
        ("Write in C++ only.", "Write in C only."),
        ("Plan A pays for it.", "Plan B pays for it."),
        ("Ask US staff.", "Ask us staff."),
        ("Visitors ✓ staff ✗", "Visitors ✗ staff ✓"),
        ("30 days before it.", "30 days after it."),
    ],
)
def test_a_number_a_name_a_sign_or_a_negation_makes_another_text(one: str, other: str) -> None:
    assert of(one + REST) != of(other + REST)


def test_a_short_text_is_the_same_only_under_the_same_titles() -> None:
    assert of("9 to 5") == of("9 to 5.")
    assert of("9 to 5", section_title="Perth") != of("9 to 5", section_title="Sydney")
    assert of("9 to 5", page_title="Perth") != of("9 to 5", page_title="Sydney")
    assert of("x" + REST, section_title="Perth") == of("x" + REST, section_title="Sydney")


def test_in_code_every_sign_counts() -> None:
    assert of("if x: return y" + REST, chunk_strategy="code") != of(
        "if !x: return y" + REST, chunk_strategy="code"
    )


@given(st.text())
def test_any_text_has_one(text: str) -> None:
    assert of(text) == of(text)


@given(
    st.lists(st.sampled_from(["not", "25", "Mara", "leave", "%", "days"]), min_size=13, max_size=20),
    st.data(),
)
def test_no_word_can_be_taken_away_unnoticed(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words) - 1))
    assert of(" ".join(words)) != of(" ".join(words[:at] + words[at + 1 :]))
