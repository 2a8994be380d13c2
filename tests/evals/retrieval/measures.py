"""The figures of one query. Pure; the definitions of trec_eval, which BEIR uses, too."""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Järvelin and Kekäläinen 2002 with linear gain: gain / log2(rank + 1), over that of the best ranking."""
    best = sorted(relevant.values(), reverse=True)
    return _gain([relevant.get(id, 0) for id in ranked[:k]]) / _gain(best[:k])


def _gain(scores: Sequence[int]) -> float:
    return sum(score / math.log2(rank + 1) for rank, score in enumerate(scores, start=1))
