"""Whether what was found is evidence enough to answer at all; how chosen: docs/explanation/extractive.md."""

from collections.abc import Sequence
from math import exp

from knowledge.verify import Source, prepare
from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import Field, Judged

# A logistic rule: how much of the question one source speaks of, how near the best source is, and how much of
# the question one of the best statements speaks of.
_COVER, _NEAREST, _OWN, _BIAS = 2.74, 4.79, 1.98, -5.01
_BEST = 3
_USUAL_SCORE = 0.67  # the mean over answerable questions, where the search gave no comparable scores
ENOUGH = 0.405


def evidence(asked: Asked, ranked: Sequence[Judged], sources: Sequence[Source], field: Field) -> float:
    """0-1: how probably the sources answer this; below ENOUGH we do not try. `ranked`: for `asked`."""
    nearest = max(field.scores) or _USUAL_SCORE
    own = max(one.score.own for one in ranked[:_BEST])
    weight = _COVER * _cover(asked, sources, field) + _NEAREST * nearest + _OWN * own + _BIAS
    return 1 / (1 + exp(-weight))


def _cover(asked: Asked, sources: Sequence[Source], field: Field) -> float:
    """The largest share of the question's terms that one source and its titles speak of."""
    terms = asked.meaning.terms
    whole = sum(terms.values()) or 1.0
    return max(
        sum(weight for term, weight in terms.items() if term in said or term in titles) / whole
        for said, titles in zip((prepare(one.text).terms for one in sources), field.titles, strict=True)
    )
