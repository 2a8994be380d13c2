"""The ways of searching that are compared: three textbook baselines on the index port, and ours."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.wire.search import FoundChunk, SearchRequest
from knowledge.index import Hit, IndexFilter
from knowledge.search import Search, SearchSettings
from knowledge.search.rerank import Reranker
from tests.evals.retrieval.building import KEYS, Opened

RRF_K = 60
"""Cormack et al. 2009."""
_LONGEST_QUERY = 2000

Results = Sequence[tuple[UUID, ...]]
"""One entry a result, best first: its document, and those that hold the same text."""
Ask = Callable[[str, int], Awaitable[Results]]
"""The best `top` chunks for a query."""


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    make: Callable[[Opened], Ask]


def _baseline(name: str, order: Callable[[Sequence[Hit]], list[Hit]], lists: tuple[str, ...]) -> Variant:
    """The words as they were typed, no clean-up: the retriever alone."""

    def make(opened: Opened) -> Ask:
        async def ask(query: str, top: int) -> Results:
            vector = opened.embedder.embed([query])[0] if "dense" in lists else None
            text = query if "sparse" in lists else None
            hits = await opened.index.search(KEYS, IndexFilter(), vector=vector, text=text, limit=top)
            return [(hit.stored.chunk.doc_id,) for hit in order(hits)[:top]]

        return ask

    return Variant(name, make)


def _by(score: Callable[[Hit], float | None]) -> Callable[[Sequence[Hit]], list[Hit]]:
    """Those that have the score, best first."""

    def order(hits: Sequence[Hit]) -> list[Hit]:
        scored = [hit for hit in hits if score(hit) is not None]
        return sorted(scored, key=lambda hit: (-(score(hit) or 0.0), hit.chunk_id.int))

    return order


_by_words = _by(lambda hit: hit.sparse)
_by_meaning = _by(lambda hit: hit.dense)


def reciprocal(hits: Sequence[Hit]) -> list[Hit]:
    scores = {hit.chunk_id: 0.0 for hit in hits}
    for ranked in (_by_words(hits), _by_meaning(hits)):
        for rank, hit in enumerate(ranked, start=1):
            scores[hit.chunk_id] += 1 / (RRF_K + rank)
    return sorted(hits, key=lambda hit: (-scores[hit.chunk_id], hit.chunk_id.int))


BASELINES = (
    _baseline("bm25", _by_words, ("sparse",)),
    _baseline("dense", _by_meaning, ("dense",)),
    _baseline("rrf", reciprocal, ("dense", "sparse")),
)


def ours(reranker: Reranker | None = None) -> Variant:
    """docs.search as it is set by default."""
    return with_settings("ours" if reranker is None else "ours, reranked", SearchSettings(), reranker)


def with_settings(name: str, settings: SearchSettings, reranker: Reranker | None = None) -> Variant:
    def make(opened: Opened) -> Ask:
        search = Search(opened.index, opened.embedder, settings, reranker=reranker)

        async def ask(query: str, top: int) -> Results:
            # The wire allows 50 at most; recall@100 needs more, and the engine has no such limit.
            request = SearchRequest(query=query[:_LONGEST_QUERY]).model_copy(update={"top_k": top})
            found = await search.search(KEYS, request)
            return [_documents(chunk) for chunk in found.chunks[:top]]

        return ask

    return Variant(name, make)


def _documents(chunk: FoundChunk) -> tuple[UUID, ...]:
    return (chunk.metadata.doc_id, *(other.doc_id for other in chunk.also_in or []))
