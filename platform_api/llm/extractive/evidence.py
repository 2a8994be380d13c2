"""Whether what was found is evidence enough to answer at all; how fitted: docs/explanation/extractive.md."""

from collections.abc import Sequence
from math import exp

from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import KINDS, Field, Judged, kinds_of

FEATURES = ("nearest", "spread", "cover", "unseen", "own", "best", "other kind", "alike")
WEIGHTS = (0.57, 9.98, 2.58, -0.94, 0.71, 0.24, -0.58, 3.28)
BIAS = -7.39
BY_WORDS = (3.79, 10.65, 2.54, -0.98, 0.71, 0.3, -0.41, 0.0)
BY_WORDS_BIAS = -8.28
"""Where nothing is known of meaning. The bias is such that ENOUGH answers the same share."""
ENOUGH = 0.25
"""The lowest at which, with the corpus left out, 85 % of what it cannot answer is refused."""
_BESTS = 3


def evidence(asked: Asked, ranked: Sequence[Judged], field: Field) -> float:
    """0-1; below ENOUGH we do not try. `ranked`: for `asked`, best first."""
    found = features(asked, ranked, field)
    weights, bias = (BY_WORDS, BY_WORDS_BIAS) if field.likeness is None else (WEIGHTS, BIAS)
    total = sum(weight * value for weight, value in zip(weights, found, strict=True))
    return 1 / (1 + exp(-total - bias))


def features(asked: Asked, ranked: Sequence[Judged], field: Field) -> tuple[float, ...]:
    """What is weighed, in the order of FEATURES.

    Of the search: its best score, and how much the scores differ (in a large collection even what does not
    answer is near). Of the question's terms: the share that one source speaks of, and that none does. Of the
    best statements: how much they speak of themselves, how well the best one fits, and whether it holds
    nothing of the kind that was asked for; and its cosine with what is asked, 0 where that is not known.
    """
    cover, unseen = field.covered(asked)
    best, wanted = ranked[0], asked.wanted & KINDS
    return (
        max(field.scores),
        field.spread,
        cover,
        unseen,
        max(one.score.own for one in ranked[:_BESTS]),
        best.score.total,
        float(bool(wanted) and not wanted & kinds_of(best.offer.statement.text)),
        field.alike(asked, best.offer),
    )
