"""Texts as BM25 sparse vectors: words (`tokens.py`), hashed and weighed.

Document weights are the term-frequency part of BM25 (Robertson and Zaragoza 2009); the engine multiplies
by IDF, over the visible documents. The mean length is a constant: one taken from the collection would let
hidden documents move visible scores.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from knowledge.index.tokens import document_tokens, query_tokens, says_something

__all__ = ["SparseTerms", "document_terms", "query_terms", "says_something"]

K = 1.2
B = 0.75
# Words in a chunk of 256 word pieces after stop words, roughly.
MEAN_LENGTH = 100
JOINED = 0.5


@dataclass(frozen=True, slots=True)
class SparseTerms:
    """Ascending indices (unsigned, 32 bits) and their weights; empty where a text holds no term."""

    indices: list[int]
    values: list[float]

    def __bool__(self) -> bool:
        return bool(self.indices)


def document_terms(text: str) -> SparseTerms:
    """What is written together counts as a word, too, but makes the text no longer."""
    tokens = document_tokens(text)
    counts = Counter(map(_hash, [*tokens.words, *tokens.joined]))
    length = K * (1 - B + B * len(tokens.words) / MEAN_LENGTH)
    return _vector({term: count * (K + 1) / (count + length) for term, count in counts.items()})


def query_terms(text: str) -> SparseTerms:
    """Each word weighs one, however often it is written; a compound less, since its parts count as well."""
    tokens = query_tokens(text)
    weights = dict.fromkeys(map(_hash, tokens.joined), JOINED)
    return _vector(weights | dict.fromkeys(map(_hash, tokens.words), 1.0))


def _vector(weights: dict[int, float]) -> SparseTerms:
    ordered = sorted(weights.items())
    return SparseTerms([index for index, _ in ordered], [weight for _, weight in ordered])


@lru_cache(maxsize=50_000)
def _hash(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=4).digest())
