"""The sample handbook answered as the platform answers it: real search, real documents."""

import asyncio
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from uuid import UUID

import pytest

from knowledge.verify import Source
from knowledge.verify.conflict import conflict
from platform_api.chat.answer import Answer
from platform_api.chat.sentences import Sentence
from platform_api.llm.extractive import AnswerSentence, compose, decide
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.extractive.statements import statements_of
from platform_api.llm.frames import render
from tests.evals.corpus import Found, opened

HANDBOOK = Path("examples/handbook")
CONFLICTS = {
    ("company/travel.md", "company/visiting-other-ports.md"): (
        ("68 AUD", "72 AUD"),
        (
            "How much is the meal allowance on a work trip?",
            "what's the meal allowance on a work trip",
            "meal allowance for each full day of a work trip?",
            "how many AUD do I get for meals on a full day of a work trip?",
            "Hi! I'm going on a work trip, how high is the meal allowance?",
        ),
    ),
}
"""Every pair of documents of the handbook that hold and disagree, with the values and ways to ask."""


PAST = {
    "How high was the meal allowance in 2024?": "In 2024 the meal allowance was 61 AUD a day",
    "What could a hotel cost in 2024?": "Hotels of up to 180 AUD a night could be booked.",
    "Within how many days were claims due in 2024?": "Claims had to be made on paper form F12",
}
NOW = ("What may a hotel cost per night?", "How many days after a trip may I claim?")


@dataclass(frozen=True, slots=True)
class Handbook:
    """Searched once: what was found for each question of this file."""

    sources: list[Source]
    names: dict[UUID, str]
    found: dict[str, Found]

    def answer(self, question: str) -> list[AnswerSentence]:
        found = self.found[question]
        return compose(decide(question).question, found.sources, found.scores, likeness=found.likeness)

    def cited(self, question: str) -> set[str]:
        return {self.names[one.source.doc_id] for one in self.answer(question) if one.source}


@pytest.fixture(scope="module")
def handbook() -> Handbook:
    return asyncio.run(_searched())


async def _searched() -> Handbook:
    asked = [*PAST, *NOW, *(question for _, questions in CONFLICTS.values() for question in questions)]
    async with opened(HANDBOOK) as corpus:
        found = {one: await corpus.find(decide(one).query or one) for one in asked}
    return Handbook(corpus.sources, corpus.names, found)


@pytest.mark.proves("EXTRACT-003")
@pytest.mark.proves("EXTRACT-006")
def test_each_conflicting_pair_is_told_with_both_sources_and_both_values(handbook: Handbook) -> None:
    assert _conflicting(handbook) == set(CONFLICTS)
    for pair, (values, questions) in CONFLICTS.items():
        for question in questions:
            answer = handbook.answer(question)
            assert answer[0].text == render("disagree"), question
            assert handbook.cited(question) == set(pair)
            assert all(any(value in each.text for each in answer) for value in values)


@pytest.mark.proves("ANSWER-008")
@pytest.mark.parametrize(("question", "told"), PAST.items())
def test_what_an_outdated_page_says_is_named_as_such(handbook: Handbook, question: str, told: str) -> None:
    first = handbook.answer(question)[0]
    assert first.text.startswith(told)
    answer = Answer(0.85)
    answer.add_sources(handbook.found[question].sources)
    answer.offer(Sentence(first.text))
    assert render("outdated") in answer.text


@pytest.mark.parametrize("question", NOW)
def test_what_holds_is_told_without_the_outdated_page(handbook: Handbook, question: str) -> None:
    assert handbook.cited(question) == {"company/travel.md"}


def _conflicting(handbook: Handbook) -> set[tuple[str, str]]:
    """Pairs of documents that hold, and have two whole sentences with one subject and two values."""
    gone = outdated_among(handbook.sources)
    said = [
        (source, statement.text)
        for source in handbook.sources
        if source.doc_id not in gone and handbook.names[source.doc_id] not in _OUTDATED
        for statement in statements_of(source.text)
        if statement.unit.kind == "sentence"
    ]
    return {
        _named(handbook, one, other)
        for (one, mine), (other, theirs) in combinations(said, 2)
        if one.doc_id != other.doc_id and _nearly_the_same(mine, theirs) and conflict(mine, theirs)
    }


_OUTDATED = frozenset(["company/expenses-guide-2024.md"])


def _nearly_the_same(one: str, other: str) -> bool:
    """Most of their words are shared, so that two values of different things are no pair."""
    mine, theirs = set(one.lower().split()), set(other.lower().split())
    return len(mine & theirs) >= 0.6 * max(len(mine), len(theirs))


def _named(handbook: Handbook, one: Source, other: Source) -> tuple[str, str]:
    first, second = sorted((handbook.names[one.doc_id], handbook.names[other.doc_id]))
    return first, second
