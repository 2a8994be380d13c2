"""The wish to book, told from questions about booking; the figures are printed (`pytest -s`)."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from platform_api.llm.extractive import decide
from platform_api.llm.extractive.booking import wish_in
from platform_api.llm.extractive.times_said import told_in

SETS = Path(__file__).with_name("booking")
HERE = Path(__file__).parents[4]
WORDS = """
i want to book a meeting with Dana about ACE training next Tuesday afternoon 30 min at 3pm can could you we
cancel move my call the to for on and is it possible when how what , . ? ! ' ’ - : ⟨t⟩ ⟨d⟩ between 2 4
hour half please someone speak talk meet Europe/London London time 2026-12-03 14:00 have booked room in
""".split()  # noqa: SIM905  a list of words to read


def said_in(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((SETS / f"{name}.yaml").read_text())


def questions() -> list[str]:
    """Of the handbook's own evaluation: nobody there wants a meeting."""
    items = yaml.safe_load((HERE / "examples" / "handbook" / "golden.yaml").read_text())
    return [item["question"] for item in items if "question" in item]


@pytest.mark.proves("WISH-101")
@pytest.mark.parametrize(("name", "least"), [("dev", 1.0), ("held_out", 0.95), ("later", 0.95)])
def test_a_wish_to_book_is_recognised_and_a_question_about_booking_is_none(name: str, least: float) -> None:
    items = said_in(name)
    right = missed = alarms = 0
    for item in items:
        wish = wish_in(item["say"])
        kind, wanted = wish.kind if wish else None, item.get("is")
        right += kind == wanted is not None
        missed += wanted is not None and kind is None
        alarms += kind is not None and kind != wanted
    recall, precision = right / (right + missed), right / (right + alarms)
    print(f"\n{name}: {len(items)} phrases, precision {precision:.3f}, recall {recall:.3f}")
    assert alarms == 0
    assert recall >= least


@pytest.mark.proves("WISH-102")
@pytest.mark.parametrize(("name", "least"), [("dev", 1.0), ("held_out", 0.95), ("later", 0.95)])
def test_what_was_said_is_taken_as_it_was_said(name: str, least: float) -> None:
    fields = right = 0
    for item in said_in(name):
        wish = wish_in(item["say"])
        if wish is None or wish.kind != item.get("is"):
            continue
        expected = {field: value for field, value in item.items() if field not in ("say", "is")}
        fields += len(expected)
        right += sum(
            str(wish.said.get(field, "")).casefold() == str(value).casefold()
            for field, value in expected.items()
        )
    print(f"\n{name}: {right} of {fields} fields")
    assert right >= least * fields


@pytest.mark.proves("WISH-101")
def test_no_question_of_the_handbooks_evaluation_is_taken_for_a_wish() -> None:
    asked = questions()
    assert len(asked) > 30
    assert [question for question in asked if wish_in(question)] == []


def test_only_what_was_said_is_passed_on() -> None:
    wish = wish_in("30 min with Dana next Tuesday afternoon about ACE training")
    assert wish is not None
    assert wish.tool == "meetings.book"
    assert dict(wish.said) == {
        "topic": "ACE training",
        "with": "Dana",
        "duration_min": 30,
        "window": "next Tuesday afternoon",
    }
    plain = wish_in("I want to book a meeting")
    assert plain is not None
    assert dict(plain.said) == {}


def test_a_length_that_no_meeting_may_have_is_left_to_the_form() -> None:
    wish = wish_in("book a 5 minute call with Dana")
    assert wish is not None
    assert dict(wish.said) == {"with": "Dana"}


@pytest.mark.parametrize(
    ("message", "tool"),
    [
        ("book a meeting with Dana", "meetings.book"),
        ("what have I booked?", "meetings.list"),
        ("cancel my meeting on Friday", "meetings.cancel"),
        ("move my booking to Thursday", "meetings.reschedule"),
    ],
)
def test_the_decision_names_the_tool(message: str, tool: str) -> None:
    decision = decide(message)
    assert decision.wish is not None
    assert decision.wish.tool == tool
    assert (decision.query, decision.frame) == (None, None)


@given(st.one_of(st.text(max_size=700), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)))
def test_no_message_breaks_the_rules_and_nothing_is_longer_than_its_tool_takes(message: str) -> None:
    wish = wish_in(message)
    if wish is None:
        return
    assert all(isinstance(value, int) or 0 < len(value) <= 200 for value in wish.said.values())
    assert 15 <= wish.said.get("duration_min", 30) <= 480


@pytest.mark.parametrize(
    "piece", ["book a ", "with ", "next ", "at 3 ", "and ", "a-", "30 min ", "please ", "' "]
)
def test_the_work_grows_no_faster_than_the_message(piece: str) -> None:
    """Text of a length at which anything but one pass would run into the test's own time limit; of a message
    longer than a wish may be nothing is looked at."""
    told_in(piece * (60_000 // len(piece)))
    assert wish_in(piece * 10_000) is None
    wish_in((piece * 600)[:600])
