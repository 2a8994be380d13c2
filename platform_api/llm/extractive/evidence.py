"""Whether what was found is evidence enough to answer at all; how fitted: docs/explanation/extractive.md."""

from collections.abc import Sequence
from math import exp

from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import KINDS, Field, Judged, kinds_of

FEATURES = ("nearest", "spread", "cover", "unseen", "own", "best", "other kind")
WEIGHTS = (4.07, 11.0, 2.84, -1.23, 0.62, 0.31, -0.42)
BIAS = -8.72
ENOUGH = 0.15
_BESTS = 3


def evidence(asked: Asked, ranked: Sequence[Judged], field: Field) -> float:
    """0-1; below ENOUGH we do not try. `ranked`: for `asked`, best first."""
    found = features(asked, ranked, field)
    total = sum(weight * value for weight, value in zip(WEIGHTS, found, strict=True))
    return 1 / (1 + exp(-total - BIAS))


def features(asked: Asked, ranked: Sequence[Judged], field: Field) -> tuple[float, ...]:
    """What is weighed, in the order of FEATURES.

    Of the search: its best score, and how much the scores differ (in a large collection even what does not
    answer is near). Of the question's terms: the share that one source speaks of, and that none does. Of the
    best statements: how much they speak of themselves, how well the best one fits, and whether it holds
    nothing of the kind that was asked for.
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
    )
