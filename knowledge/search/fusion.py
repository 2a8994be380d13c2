"""Two lists into one ranking with scores from 0 to 1.

Weighted: raw cosine and BM25 divided by the best BM25, 0.7 and 0.3: the single setting that was never
more than 0.008 nDCG@10 below the better retriever on the public sets that we measured. RRF: Cormack et
al. 2009, k = 60, divided by the best score possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from knowledge.index import Hit

RRF_K = 60


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the two lists; a list that was not asked for weighs 0. They are used in proportion to their sum."""

    dense: float
    sparse: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """also_in: what says the same word for word (`folding.py`)."""

    score: float
    hit: Hit
    also_in: tuple[Hit, ...] = ()


def weighted(hits: Sequence[Hit], weights: Weights) -> list[Ranked]:
    """Best first; equal scores by chunk id."""
    best = max((hit.sparse or 0.0 for hit in hits), default=0.0) or 1.0
    total = weights.dense + weights.sparse or 1.0

    def score(hit: Hit) -> float:
        return (weights.dense * (hit.dense or 0.0) + weights.sparse * (hit.sparse or 0.0) / best) / total

    return _ordered([Ranked(score(hit), hit) for hit in hits])


def by_rank(hits: Sequence[Hit], weights: Weights) -> list[Ranked]:
    """Reciprocal rank fusion; a weight above 0 counts as one list."""
    lists = [
        [hit for hit in _by(hits, "dense") if hit.dense is not None] if weights.dense else [],
        [hit for hit in _by(hits, "sparse") if hit.sparse is not None] if weights.sparse else [],
    ]
    best = sum(1 for weight in (weights.dense, weights.sparse) if weight) / (RRF_K + 1) or 1.0
    scores = dict.fromkeys((hit.chunk_id for hit in hits), 0.0)
    for ranked in lists:
        for rank, hit in enumerate(ranked, start=1):
            scores[hit.chunk_id] += 1 / (RRF_K + rank) / best
    return _ordered([Ranked(scores[hit.chunk_id], hit) for hit in hits])


def in_turn(lists: Sequence[Sequence[Ranked]]) -> list[Ranked]:
    """The best of each list, then the second of each, each chunk once; a round has the higher score first."""
    seen: set[UUID] = set()
    found: list[Ranked] = []
    for place in range(max(map(len, lists), default=0)):
        for item in sorted((one[place] for one in lists if place < len(one)), key=lambda one: -one.score):
            if item.hit.chunk_id not in seen:
                seen.add(item.hit.chunk_id)
                found.append(item)
    return found


def _by(hits: Sequence[Hit], list_name: str) -> list[Hit]:
    def key(hit: Hit) -> tuple[float, int]:
        return -(getattr(hit, list_name) or 0.0), hit.chunk_id.int

    return sorted(hits, key=key)


def _ordered(ranked: list[Ranked]) -> list[Ranked]:
    ranked.sort(key=lambda item: (-item.score, item.hit.chunk_id.int))
    # Clamped after sorting: a cosine below zero still ranks among others below zero.
    return [Ranked(min(1.0, max(0.0, item.score)), item.hit) for item in ranked]
