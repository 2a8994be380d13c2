"""Sentences that say it in other words, and what stored vectors add."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from knowledge.embed import SentenceVectors, Vectors
from knowledge.sentences import sentence_spans
from knowledge.verify import Source, verify
from tests.knowledge.verify.handbook import source

PAGE = """Probation and notice

In probation the notice period is one week. Probation can be extended once, by three months, if the person
was away for longer than four weeks.

Bicycles

Each Tern carries 8 wheelchairs and 30 bicycles. Dogs travel free on the outer deck, on a lead. Staff whose
work does not need a wharf may work from home up to three days a week. The safety desk answers every report
within seven days."""


class OneDirection:
    """An embedder for which every text means the same: what is left is the words."""

    version = "one"
    dimensions = 3

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.tile(np.array([1, 0, 0], np.float32), (len(texts), 1))

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize(
    "sentence",
    [
        "The safety desk replies to every report within a week.",
        "All reports are answered by the safety desk within 7 days.",
        "Eight wheelchairs and 30 bicycles fit on each Tern.",
        "During probation the period of notice is one week.",
    ],
)
def test_a_retold_sentence_without_a_contradiction_comes_near(sentence: str) -> None:
    assert verify(sentence, [source(PAGE)]).confidence > 0.5


@pytest.mark.proves("VERIFY-001")
@pytest.mark.parametrize(
    "sentence",
    [
        "The safety desk replies to every report within a month.",
        "A Tern has room for eight bicycles.",
        "Probation can be extended twice, by three months.",
        "Dogs travel free on the inner deck, on a lead.",
        "Staff whose work does not need a wharf must work from home up to three days a week.",
        "The safety desk answers no report within seven days.",
        "Staff whose work does not need a wharf may work from home up to three days a month.",
    ],
)
def test_a_retold_sentence_with_a_contradiction_never_passes(sentence: str) -> None:
    assert not verify(sentence, [source(PAGE)]).supported


@pytest.mark.proves("VERIFY-014")
def test_stored_vectors_are_used_where_the_words_are_the_sentences_own() -> None:
    page, embedder = _stored(), OneDirection()
    sentence = "The safety desk replies to every report within a week."
    verdict = verify(sentence, [page], embedder=embedder)
    assert embedder.asked[0] == sentence
    assert verdict.features is not None
    assert verdict.features.cosine == pytest.approx(1.0, abs=0.01)


@pytest.mark.proves("VERIFY-014")
def test_without_stored_vectors_the_words_decide_and_nothing_is_embedded() -> None:
    embedder = OneDirection()
    verdict = verify(
        "The safety desk replies to every report within a week.", [source(PAGE)], embedder=embedder
    )
    assert embedder.asked == []
    assert verdict.features is not None
    assert verdict.features.cosine is None


@pytest.mark.proves("VERIFY-001")
def test_no_vector_lets_a_changed_number_pass() -> None:
    verdict = verify("The safety desk answers every report in nine days.", [_stored()], 0.3, OneDirection())
    assert not verdict.supported


def test_the_sources_own_words_are_not_embedded() -> None:
    embedder = OneDirection()
    assert verify("Dogs travel free on the outer deck, on a lead.", [_stored()], embedder=embedder).supported
    assert embedder.asked == []


def _stored() -> Source:
    spans = tuple(sentence_spans(PAGE))
    rows = np.tile(np.array([127, 0, 0], np.int8), (len(spans), 1))
    return replace(source(PAGE), sentences=SentenceVectors(spans, rows))


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (
            "You cannot leave the ship before the master signs.",
            "You may only leave the ship after the master signs.",
        ),
        ("No trip is paid without a receipt.", "A trip is only paid with a receipt."),
        (
            "Guests must not enter unless a host is with them.",
            "Guests may enter only if a host is with them.",
        ),
        ("The shuttle costs $75/hour.", "The shuttle costs $75 per hour."),
        ("Today 412 people work for us ashore.", "Today 412 employees work for us ashore."),
        ("The office is closed from May to August.", "The office is closed from May until August."),
    ],
)
def test_two_ways_to_deny_or_to_count_are_not_a_contradiction(says: str, sentence: str) -> None:
    verdict = verify(sentence, [source(f"{says} Ask the desk for more.")])
    assert not any(objection.fatal for objection in verdict.against), verdict.reasons


@pytest.mark.proves("VERIFY-001")
@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (
            "You cannot leave the ship before the master signs.",
            "You can leave the ship before the master signs.",
        ),
        ("No trip is paid without a receipt.", "A trip is paid without a receipt."),
        ("The shuttle costs $75/hour.", "The shuttle costs $75 a day."),
        ("A card has a limit of 3,000 AUD a month.", "A card has a limit of 3,000 AUD a week."),
        ("Things found are kept for 60 days. Food is thrown away.", "Food is kept for 60 days."),
        ("The purser counts the cash.", "The cook counts the cash."),
        ("The company pays for the meal of each passenger.", "Each passenger pays for the meal."),
        (
            "Ratings other than level 3 are justified in writing.",
            "Ratings of level 3 are justified in writing.",
        ),
        ("The first and the last day count half.", "The last and the last day count half."),
        ("Ask the Office of Harbour Safety.", "Ask the Safety of Harbour Office."),
    ],
)
def test_a_turned_condition_rhythm_or_role_never_passes(says: str, sentence: str) -> None:
    assert not verify(sentence, [source(f"{says} Ask the desk for more.")]).supported
