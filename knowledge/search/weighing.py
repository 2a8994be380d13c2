"""How much meaning and words count for one question (docs/decisions/0026)."""

import re

from knowledge.search.fusion import Weights

# HR-12, E0382, v1.2.3, snake_case, a.b.c: letters joined to digits or to each other by signs.
_CODE = re.compile(
    r"^(?=\S*[^\W\d_])(?=\S*\d)[\w.:/#-]+$|^[^\W\d]+(?:_[^\W_]+)+$|^[^\W\d_]+(?:\.[^\W\d_]+)+\(?\)?$"
)
_FEW = 3
_MEANING_OF_A_CODE = 0.4


def weights_for(query: str, weights: Weights) -> Weights:
    """As configured; for a code or an identifier with at most two words beside it at most 0.4 for meaning.

    It says little to an embedder. A list that is not asked for gains no weight.
    """
    if not weights.dense or not weights.sparse or not _is_code(query):
        return weights
    total = weights.dense + weights.sparse
    dense = min(weights.dense, _MEANING_OF_A_CODE * total)
    return Weights(dense, total - dense)


def _is_code(query: str) -> bool:
    words = query.split(maxsplit=_FEW)
    return len(words) <= _FEW and any(_CODE.match(word.strip("?!,;()")) for word in words)
