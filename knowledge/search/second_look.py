"""A reranker, asked where it may help, and never waited for longer than agreed."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from knowledge.embed.text import embedding_text
from knowledge.search.fusion import Ranked
from knowledge.search.rerank import Reranker
from knowledge.search.settings import SearchSettings

_FIRST = 5


class SecondLook:
    """One look at a time: one that was given up still computes, and the next would only wait behind it."""

    def __init__(self, reranker: Reranker, settings: SearchSettings) -> None:
        self._reranker = reranker
        self._settings = settings
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rerank")
        self._last: Future[list[float]] | None = None

    @property
    def version(self) -> str:
        return self._reranker.version

    async def look(self, query: str, ranked: Sequence[Ranked]) -> list[Ranked]:
        """The first ones in the reranker's order; they take over the scores of the places that they come to.

        Raises TimeoutError where it is late or still busy, and whatever the reranker raises.
        """
        if not self._close(ranked):
            return list(ranked)
        first = ranked[: self._settings.rerank_most]
        texts = [embedding_text(item.hit.stored.chunk) for item in first]
        scores = await self._scores(query, texts)
        order = sorted(range(len(first)), key=lambda at: -scores[at])
        moved = [replace(first[at], score=place.score) for at, place in zip(order, first, strict=True)]
        return [*moved, *ranked[len(first) :]]

    def _close(self, ranked: Sequence[Ranked]) -> bool:
        """The best are so near to each other that their order says little."""
        few = ranked[:_FIRST]
        return len(few) > 1 and few[0].score - few[-1].score <= self._settings.rerank_within

    async def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        if self._last and not self._last.done():
            raise TimeoutError("The reranker is still busy with an earlier question.")
        self._last = self._thread.submit(self._reranker.scores, query, texts)
        async with asyncio.timeout(self._settings.rerank_timeout_s):
            scores = await asyncio.shield(asyncio.wrap_future(self._last))
        if len(scores) != len(texts):
            raise ValueError(f"The reranker gave {len(scores)} scores for {len(texts)} texts.")
        return scores
