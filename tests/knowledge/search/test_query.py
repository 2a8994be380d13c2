"""What a message asks: the question alone, and its parts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.search.query import understand

BEFORE = [
    "hey, quick q:",
    "Hi there!",
    "Good morning team,",
    "Can you please tell me",
    "so",
    "I was wondering",
]
AFTER = [", thx!", "? Thanks in advance!", " please?", "? Cheers", " 😊", ""]
SUBJECTS = [
    "form HR-12",
    "the déjà vu café",
    "parental leave",
    "Hello Fresh vouchers",
    "hi-vis vests",
    "Ta Phrom",
]
SAID = ["who approves", "how do I book", "and", "what is", "?", "it"]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


@pytest.mark.proves("SEARCH-003")
@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("hey, quick q: how many hours of vacation do I earn, thx!", "how many hours of vacation do I earn"),
        ("Hi there! Can you please tell me what the dress code is? Thanks! 😊", "what the dress code is?"),
        ("sorry to bother you but who handles payroll? cheers", "who handles payroll?"),
        ("I was wondering if I can bring my dog", "I can bring my dog"),
        ("do you know who runs payroll pls", "who runs payroll"),
        ("Hello, how are you today? Quick question about parking", "parking"),
        ("How many days?\nMany thanks", "How many days?"),
    ],
)
def test_greeting_politeness_and_filler_go(message: str, text: str) -> None:
    assert understand(message).text == text


@pytest.mark.parametrize(
    "message",
    [
        "Hello Fresh voucher code",
        "hi-vis vests",
        "how do I say thanks",
        "thanks",
        "hi",
        "right to work checks",
        "Touch Museum tickets",
        "what is a thank you card worth",
        "what can you do?",
        "年假有几天？谢谢",
        "сколько дней отпуска?",
        '"annual leave" policy',
        "-5 degrees",
    ],
)
def test_what_might_be_content_stays(message: str) -> None:
    assert understand(message).text == message


@pytest.mark.proves("SEARCH-003")
@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            "How do I expense a flight and who approves it?",
            ("How do I expense a flight", "How do I expense a flight and who approves it?"),
        ),
        (
            "How many vacation days do I get? And when do they expire?",
            ("How many vacation days do I get?", "How many vacation days do I get? And when do they expire?"),
        ),
        (
            "What is form HR-12, who signs it, and where is the print shop?",
            ("What is form HR-12", "What is form HR-12, who signs it", "where is the print shop?"),
        ),
        (
            "Who runs the gym? How much leave do I get and how do I apply?",
            ("Who runs the gym?", "Who runs the gym? How much leave do I get", "{}"),
        ),
        (
            "I go to Crete. Do I need a visa? And can I work from there for a week?",
            ("I go to Crete. Do I need a visa?", "{}"),
        ),
        ("Can a long detail be extended? What's the limit?", ("Can a long detail be extended?", "{}")),
        (
            "1. how do I book a room\n2. who pays",
            ("how do I book a room", "how do I book a room 2. who pays"),
        ),
        (
            "hi! where is the gym? what is the wifi key? thx",
            ("where is the gym?", "what is the wifi key?"),
        ),
    ],
)
def test_several_questions_are_parts_that_can_be_asked_alone(message: str, parts: tuple[str, ...]) -> None:
    """{}: the whole message."""
    assert understand(message).parts == tuple(part.replace("{}", message) for part in parts)


@pytest.mark.parametrize(
    "message",
    [
        "what is the limit for flights and hotels",
        "What's the difference between sick leave and what you call PTO?",
        "When I travel, who pays?",
        "How do I get a room and have a projector installed?",
        "Do I need a visa or do I need a passport?",
        "In Germany, how many days do I get?",
        "¿Cuántos días tengo? ¿Quién los aprueba?",
        "年假有几天？谁批准？",
        "I fly to Berlin on Monday. Who books it?",
        "who approves it and why",
    ],
)
def test_one_question_or_a_doubtful_one_is_one_part(message: str) -> None:
    asked = understand(message)
    assert asked.parts == (asked.text,)


@given(st.text(max_size=2000))
def test_any_text_is_understood_and_nothing_is_made_up(message: str) -> None:
    asked = understand(message)
    says = any(one.isalnum() for one in message)
    assert bool(asked.text) == says
    assert len(asked.text) <= len(message)
    assert 1 <= len(asked.parts) <= 4
    assert all(bool(part) == says and len(part) <= len(asked.text) for part in asked.parts)
    assert set(words(" ".join(asked.parts))) <= set(words(message))


@given(st.sampled_from(BEFORE), st.sampled_from(SUBJECTS), st.sampled_from(AFTER))
def test_no_word_of_the_question_is_lost(before: str, subject: str, after: str) -> None:
    question = f"how many of {subject} are there"
    assert understand(f"{before} {question}{after}").text.rstrip("?") == question


@given(st.lists(st.sampled_from([*SUBJECTS, *SAID]), min_size=1))
def test_each_word_of_content_is_in_some_part(pieces: list[str]) -> None:
    message = " ".join(pieces)
    asked = understand(message)
    assert set(words(asked.text)) - {"and"} == set(words(" ".join(asked.parts))) - {"and"}


@given(
    st.lists(
        st.sampled_from([*SUBJECTS, *SAID, "what is the limit?", "I go there.", ";", ",", "\n"]), min_size=1
    )
)
def test_each_part_stands_in_the_message_word_for_word(pieces: list[str]) -> None:
    asked = understand(" ".join(pieces))
    assert all(f" {' '.join(words(part))} " in f" {' '.join(words(asked.text))} " for part in asked.parts)
