"""Texts as BM25 sparse vectors: tokenise, drop stop words, stem, hash.

Document weights are the term-frequency part of BM25 (Robertson and Zaragoza 2009); the engine multiplies
by IDF, over the visible documents. The mean length is a constant: one taken from the collection would let
hidden documents move visible scores.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Any, cast

import snowballstemmer

K = 1.2
B = 0.75
# Terms in a chunk of 256 word pieces after stop words, roughly.
MEAN_LENGTH = 100
_MAX_TERM = 64

# Scripts written without spaces: Han, kana, Thai and their neighbours are read in pairs of characters.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_STARTS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_ENGLISH = """
a about above after again against all am an and any are as at be because been before being below between both
but by can could d did do does doing don down during each few for from further had has have having he her here
hers herself him himself his how i if in into is it its itself just ll m me more most my myself no nor not now
o of off on once only or other our ours ourselves out over own re s same she should so some such t than that
the their theirs them themselves then there these they this those through to too under until up ve very was we
were what when where which while who whom why will with would you your yours yourself yourselves
"""
_STOP_WORDS = frozenset(_ENGLISH.split())


@dataclass(frozen=True, slots=True)
class SparseTerms:
    """Ascending indices (unsigned, 32 bits) and their weights; empty where a text holds no term."""

    indices: list[int]
    values: list[float]

    def __bool__(self) -> bool:
        return bool(self.indices)


def document_terms(text: str) -> SparseTerms:
    counts = Counter(_terms(text))
    length = K * (1 - B + B * counts.total() / MEAN_LENGTH)
    return _vector({term: count * (K + 1) / (count + length) for term, count in counts.items()})


def query_terms(text: str) -> SparseTerms:
    """Each term weighs one, however often it is written."""
    return _vector(dict.fromkeys(_terms(text), 1.0))


def says_something(text: str) -> bool:
    """Whether there is a term in it, found out without reading it all."""
    tokens = (found.group() for found in _TOKEN.finditer(text.casefold()))
    return any(token not in _STOP_WORDS for token in tokens)


def _vector(weights: dict[int, float]) -> SparseTerms:
    ordered = sorted(weights.items())
    return SparseTerms([index for index, _ in ordered], [weight for _, weight in ordered])


def _terms(text: str) -> Iterator[int]:
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _STARTS_UNSPACED.match(token):
            yield from (_hash(token[at : at + 2]) for at in range(max(1, len(token) - 1)))
        elif token not in _STOP_WORDS:
            yield _term(token[:_MAX_TERM])


@lru_cache(maxsize=50_000)
def _term(word: str) -> int:
    with _stemming:
        return _hash(_stem(word))


def _hash(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=4).digest())


# The stemmer keeps its state between steps of one word.
_stemming = Lock()
_untyped: Any = snowballstemmer
_stem = cast(Callable[[str], str], _untyped.stemmer("english").stemWord)
