"""What is shown of a model's sentences, and with which proof."""

from collections.abc import Sequence

import pytest

from knowledge.verify import Source, source_of
from platform_api.chat.answer import UNVERIFIED, Answer, Shown
from platform_api.chat.fallback import disagreement
from platform_api.chat.sentences import SentenceStream
from tests.platform_api.chat.script import LAPTOPS, LEAVE, chunk

CARD = "You can use the card for:\n\n- Train tickets\n- Taxis\n\nThe card must not be used for:\n\n- Alcohol"
CONTRACTORS = "Contractors get 10 days of annual leave."


def sources(*texts: str) -> list[Source]:
    return [source_of(chunk(text, title)) for text, title in zip(texts, "ABCDEF", strict=False)]


def written(text: str, among: Sequence[Source], **settings: str) -> Answer:
    answer = Answer(0.85, sources=list(among), **settings)  # type: ignore[arg-type]  # a literal, in tests
    stream = SentenceStream()
    for sentence in [*stream.feed(text), *stream.end()]:
        answer.offer(sentence)
    return answer


@pytest.mark.proves("ANSWER-002")
def test_the_citation_is_the_quote_that_the_model_gave() -> None:
    answer = written('Staff get 25 days of leave. [1 "Staff get 25 days of annual leave."]', sources(LEAVE))
    assert answer.citations[0].quote == "Staff get 25 days of annual leave."


@pytest.mark.proves("ANSWER-002")
def test_a_sentence_that_disagrees_with_its_own_quote_gives_way_to_it() -> None:
    """Another source would support it; but it is not the one that the model read it from."""
    text = f'Contractors get 10 days of annual leave. [1 "{LEAVE.split(". ")[0]}."]'
    answer = written(text, sources(LEAVE, CONTRACTORS))
    assert "10 days" not in answer.text
    assert [(one.layer, one.repaired) for one in answer.withheld] == [("number", True)] or answer.withheld


def test_a_quote_that_is_nowhere_proves_nothing() -> None:
    answer = written('Staff get a car. [1 "Staff get a car."]', sources(LEAVE))
    assert (answer.text, answer.withheld[0].layer) == ("", "quote")


def test_a_wrong_number_is_put_right() -> None:
    answer = written("Laptops are replaced every four years. [1]", sources(LEAVE, LAPTOPS))
    assert answer.citations[0].title == "B"


@pytest.mark.proves("ANSWER-002")
def test_a_withheld_sentence_is_repaired_once_then_dropped() -> None:
    answer = written("Staff get 35 days of annual leave. Staff get 45 days of annual leave.", sources(LEAVE))
    assert answer.text == "Staff get 25 days of annual leave. [1]"
    assert len(answer.withheld) == 2


def test_items_stand_under_their_own_lead_in_only() -> None:
    honest = written("You can use the card for:\n- Train tickets\n- Taxis", sources(CARD))
    assert honest.text == "You can use the card for: [1] \n- Train tickets [2] \n- Taxis [3]"
    lying = written("You can use the card for:\n- Alcohol", sources(CARD))
    assert "- Alcohol" not in lying.text
    assert lying.text == "The card must not be used for: Alcohol [1]"


def test_a_row_may_lean_on_its_header() -> None:
    table = "Office | Days\nSydney | 25\nPerth | 20"
    answer = written("| Office | Days |\n|---|---|\n| Sydney | 25 |\n| Perth | 25 |", sources(table))
    assert answer.text == "- Office: Sydney; Days: 25 [1] \n- Office: Perth; Days: 20 [2]"


@pytest.mark.proves("ANSWER-008")
def test_a_document_that_is_out_of_date_is_marked_once() -> None:
    old = f"This page is outdated. {LEAVE}"
    answer = written(
        "Staff get 25 days of annual leave. Unused days expire at the end of March.", sources(old)
    )
    assert answer.text == (
        "Staff get 25 days of annual leave. [1] This document may be out of date. "
        "Unused days expire at the end of March. [2]"
    )


@pytest.mark.proves("ANSWER-006")
def test_a_model_that_tells_one_side_only_is_completed() -> None:
    here, there = LEAVE, "Staff get 30 days of annual leave."
    answer = written("Staff get 25 days of annual leave. [1]", sources(here, there))
    for sentence in disagreement("How many days of annual leave do staff get?", [], answer):
        answer.offer(sentence)
    assert answer.text.startswith("Staff get 25 days of annual leave. [1] The documents disagree on this: ")
    assert "Staff get 30 days of annual leave. [2]" in answer.text
    assert list(disagreement("How many days of annual leave do staff get?", [], answer)) == []


@pytest.mark.proves("ANSWER-005")
def test_under_mark_the_rest_is_shown_as_unverified() -> None:
    answer = written("Staff get 25 days of annual leave. Lunch is free.", sources(LEAVE), policy="mark")
    assert answer.text == f"Staff get 25 days of annual leave. [1] Lunch is free. {UNVERIFIED}"


@pytest.mark.proves("ANSWER-005")
def test_under_mark_what_a_source_refutes_is_not_shown() -> None:
    answer = written("Staff get 35 days of annual leave.", sources(LEAVE), policy="mark")
    assert answer.text == "Staff get 25 days of annual leave. [1]"


@pytest.mark.proves("ANSWER-005")
@pytest.mark.parametrize("days", ["25", "35"])
def test_under_mark_a_later_source_takes_the_mark_or_the_sentence_away(days: str) -> None:
    written_first = f"Staff get {days} days of annual leave."
    answer = written(f"{written_first} Lunch is free.", [], policy="mark")
    marked = answer.text
    answer.add_sources(sources(LEAVE))
    (changed,) = answer.settle()
    assert changed.retracts.strip() == f"{written_first} {UNVERIFIED}"
    assert changed == Shown(changed.delta, answer.citations[0], changed.retracts)
    assert marked != answer.text == f"Lunch is free. {UNVERIFIED} Staff get 25 days of annual leave. [1]"
