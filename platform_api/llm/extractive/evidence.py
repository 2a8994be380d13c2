"""Whether what was found is evidence enough to answer at all; how chosen: docs/explanation/extractive.md."""

from collections.abc import Mapping, Sequence
from math import exp

from knowledge.verify import Source, prepare
from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import Field

# A logistic rule: how much of the question one source speaks of, how near the best one is, how long the
# question is (of a long one, told as a story, no source speaks in full).
_COVER, _NEAREST, _TERMS, _BIAS = 2.15, 3.69, 0.087, -4.32
_MOST_TERMS = 12
_USUAL_SCORE = 0.67  # the mean over answerable questions, where the search gave no comparable scores
ENOUGH = 0.37


def evidence(asked: Asked, sources: Sequence[Source], field: Field) -> float:
    """0-1: the estimated probability that the sources answer the question; below ENOUGH we do not try."""
    terms = asked.meaning.terms
    nearest = max(field.scores) or _USUAL_SCORE
    weight = _COVER * _cover(asked, sources, field) + _NEAREST * nearest
    return 1 / (1 + exp(-(weight + _TERMS * min(len(terms), _MOST_TERMS) + _BIAS)))


def _cover(asked: Asked, sources: Sequence[Source], field: Field) -> float:
    """The largest share of the question's terms, by rarity, that one source and its titles speak of."""
    worth = field.worth(asked.meaning.terms)
    whole = sum(worth.values()) or 1.0
    return max(
        sum(value for term, value in worth.items() if term in said or term in titles) / whole
        for said, titles in zip(map(_terms, sources), field.titles, strict=True)
    )


def _terms(source: Source) -> Mapping[str, float]:
    return prepare(source.text).terms
