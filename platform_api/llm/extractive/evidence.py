"""Whether what was found is evidence enough to answer at all; how chosen: docs/explanation/extractive.md."""

from collections.abc import Sequence
from math import exp

from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import Field, Judged

# Two logistic rules in one. By sources: how much of the question one of them speaks of, how near the nearest
# is in the search, how much one of the best statements speaks of. By the answer: how well the best statement
# fits, how near the nearest source is, and how much of the question no source speaks of at all.
_COVER, _NEAREST, _OWN = 2.74, 4.79 + 2.57, 1.98
_BEST, _UNSEEN, _BIAS = 0.642, 0.91, -16.89
_BESTS = 3
ENOUGH = 0.043


def evidence(asked: Asked, ranked: Sequence[Judged], field: Field) -> float:
    """0-1; below ENOUGH we do not try. `ranked`: for `asked`, best first."""
    cover, unseen = _spoken_of(asked, field)
    weight = (
        _COVER * cover
        + _NEAREST * max(field.scores)
        + _OWN * max(one.score.own for one in ranked[:_BESTS])
        + _BEST * ranked[0].score.total
        + _UNSEEN * unseen
        + _BIAS
    )
    return 1 / (1 + exp(-weight))


def _spoken_of(asked: Asked, field: Field) -> tuple[float, float]:
    """Of the question's terms the share that the best source and its titles speak of, and that none does."""
    terms = asked.meaning.terms
    whole = sum(terms.values()) or 1.0
    everywhere = list(zip(field.spoken, field.titles, strict=True))
    cover = max(
        sum(weight for term, weight in terms.items() if term in a or term in b) for a, b in everywhere
    )
    missing = (w for term, w in terms.items() if not any(term in a or term in b for a, b in everywhere))
    return cover / whole, sum(missing) / whole
