"""How much meaning and words count for one question (docs/decisions/0026)."""

import re
from collections.abc import Sequence

from knowledge.embed.text import embedding_text
from knowledge.index import Hit
from knowledge.index.terms import coverage, word_count
from knowledge.search.fusion import Weights

# HR-12, E0382, v1.2.3, snake_case, a.b.c: letters joined to digits or to each other by signs.
_CODE = re.compile(
    r"^(?=\S*[^\W\d_])(?=\S*\d)[\w.:/#-]+$|^[^\W\d]+(?:_[^\W_]+)+$|^[^\W\d_]+(?:\.[^\W\d_]+)+\(?\)?$"
)
_FEW = 3
_CODE_LESS = 0.3
# Where the best page by words lacks a third of them, the question is put in other words than the page; where
# it has all of at least four, in its own.
_LITTLE, _NEARLY_ALL = 0.65, 0.88
_SHIFT = 0.15


def adapted(query: str, hits: Sequence[Hit], weights: Weights) -> Weights:
    """As configured, moved between the two lists by what the question shares with the best page by words.

    A code or an identifier with at most two words beside it says little to an embedder: words lead.
    """
    if not weights.dense or not weights.sparse:
        return weights
    if _is_code(query):
        return _moved(weights, -_CODE_LESS)
    best = max(hits, key=lambda hit: (hit.sparse or 0.0, hit.chunk_id.int), default=None)
    if best is None or best.sparse is None:
        return weights
    share = coverage(query, embedding_text(best.stored.chunk))
    if share < _LITTLE:
        return _moved(weights, _SHIFT)
    return _moved(weights, -_SHIFT) if share >= _NEARLY_ALL and word_count(query) > _FEW else weights


def _is_code(query: str) -> bool:
    words = query.split()
    return len(words) <= _FEW and any(_CODE.match(word.strip("?!,;()")) for word in words)


def _moved(weights: Weights, by: float) -> Weights:
    total = weights.dense + weights.sparse
    dense = min(total, max(0.0, weights.dense + by * total))
    return Weights(dense, total - dense)
