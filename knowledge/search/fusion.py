"""Two lists into one ranking with scores from 0 to 1.

Weighted: raw cosine and BM25 divided by the best BM25, 0.75 and 0.25 (how they were chosen:
docs/decisions/0026). RRF: Cormack et al. 2009, k = 60, divided by the best score possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.index import Hit

RRF_K = 60
_ASSURED = ((12, 3), (5, 1))
"""Among so many first ones so many of each part; the narrower after the wider, which it may disturb least."""


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


def with_best_of(ranked: Sequence[Ranked], parts: Sequence[Sequence[Ranked]], shown: int) -> list[Ranked]:
    """The ranking of a whole message, with the best of each of its parts among the first ones.

    The very best of each part stands among the first 5, its best 3 among the first 12, at their ends; all
    else keeps its order. What is moved takes a score between its neighbours'. shown: how many there will be.
    """
    for first, best in _ASSURED:
        ranked = _assured(ranked, [item for one in parts for item in one[:best]], min(first, shown))
    return list(ranked)


def _assured(ranked: Sequence[Ranked], wanted: Sequence[Ranked], first: int) -> Sequence[Ranked]:
    """With the wanted ones among the first; they push out only what nobody wants."""
    asked = {item.hit.chunk_id: item for item in wanted}
    missing = asked.keys() - {item.hit.chunk_id for item in ranked[:first]}
    if not missing:
        return ranked
    moved = [item for id, item in asked.items() if id in missing]
    head = list(ranked[:first])
    for item in reversed(ranked[:first]):
        if len(head) + len(moved) <= first:
            break
        if item.hit.chunk_id not in asked:
            head.remove(item)
    kept = {item.hit.chunk_id for item in head} | missing
    highest = min((item.score for item in head), default=1.0)
    placed = sorted((replace(item, score=min(item.score, highest)) for item in moved), key=best_first)
    return _raised([*head, *placed, *(item for item in ranked if item.hit.chunk_id not in kept)])


def _raised(ranked: Sequence[Ranked]) -> list[Ranked]:
    """In this order; a score that is lower than one behind it becomes that one."""
    highest = 0.0
    kept: list[Ranked] = []
    for item in reversed(ranked):
        highest = max(highest, item.score)
        kept.append(item if item.score == highest else replace(item, score=highest))
    return kept[::-1]


def best_first(item: Ranked) -> tuple[float, int]:
    """To sort by; equal scores by chunk id."""
    return -item.score, item.hit.chunk_id.int


def _by(hits: Sequence[Hit], list_name: str) -> list[Hit]:
    def key(hit: Hit) -> tuple[float, int]:
        return -(getattr(hit, list_name) or 0.0), hit.chunk_id.int

    return sorted(hits, key=key)


def _ordered(ranked: list[Ranked]) -> list[Ranked]:
    ranked.sort(key=best_first)
    # Clamped after sorting: a cosine below zero still ranks among others below zero.
    return [
        item if 0 <= item.score <= 1 else Ranked(min(1.0, max(0.0, item.score)), item.hit) for item in ranked
    ]
